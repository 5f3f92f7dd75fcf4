/** Forms that say what they will do: [data-preview] names the address that answers with the words for [data-preview-target]. */
import { enhanceSelects } from "./combobox";
import { postForWords } from "./http";
import { Latest } from "./latest";

const WAIT = 250;

function startPreview(form: HTMLFormElement): void {
  const target = form.querySelector<HTMLElement>("[data-preview-target]");
  const address = form.dataset["preview"];
  if (!target || !address) return;
  // Sent like the form itself: names stand in no address. Without an answer the form says the same when it is sent.
  const ask = (): Promise<string> => {
    const values: Record<string, string> = {};
    for (const [name, value] of new FormData(form)) if (typeof value === "string") values[name] = value;
    return postForWords(address, values);
  };
  const latest = new Latest(WAIT, ask, (words) => {
    target.innerHTML = words;
    enhanceSelects(target);
  });
  const soon = (event: Event): void => {
    if (!target.contains(event.target as Node)) latest.soon();
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
