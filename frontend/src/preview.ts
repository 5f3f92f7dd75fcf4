/** Forms that say what they will do: [data-preview] names the address that answers with the words for [data-preview-target]. */
import { enhanceSelects } from "./combobox";
import { post } from "./http";

const WAIT = 250;

function startPreview(form: HTMLFormElement): void {
  const target = form.querySelector<HTMLElement>("[data-preview-target]");
  const address = form.dataset["preview"];
  if (!target || !address) return;
  let timer = 0;
  let asked = 0;
  const refresh = async (): Promise<void> => {
    asked += 1;
    const mine = asked;
    const values: Record<string, string> = {};
    for (const [name, value] of new FormData(form)) if (typeof value === "string") values[name] = value;
    try {
      // Sent like the form itself: names stand in no address.
      const answer = await post(address, values);
      const words = await answer.text();
      if (mine !== asked || answer.redirected) return;
      target.innerHTML = words;
      enhanceSelects(target);
    } catch {
      // The form says the same when it is sent.
    }
  };
  const soon = (event: Event): void => {
    if (target.contains(event.target as Node)) return;
    window.clearTimeout(timer);
    timer = window.setTimeout(() => void refresh(), WAIT);
  };
  form.addEventListener("change", soon);
  form.addEventListener("input", soon);
}

/** Parts of a form that belong to one answer: [data-shown-with="field=value"]. */
function startShownWith(part: HTMLElement): void {
  const [name, wanted] = (part.dataset["shownWith"] ?? "").split("=");
  const form = part.closest("form");
  if (!form || !name) return;
  const show = (): void => {
    part.hidden = new FormData(form).get(name) !== wanted;
  };
  form.addEventListener("change", show);
  show();
}

export function startPreviews(): void {
  document.querySelectorAll<HTMLFormElement>("form[data-preview]").forEach(startPreview);
  document.querySelectorAll<HTMLElement>("[data-shown-with]").forEach(startShownWith);
}
