/** Earlier appeals and likely duplicates while one types: form[data-similar] names the address, [data-similar-target] shows its answer. */
import { post } from "./http";

const WAIT = 500;
const SENT: Record<string, string> = {
  appellant_phone: "phone",
  appellant_identity: "identity",
  subject: "subject",
  body: "body",
  place: "place",
  petition_number: "petition_number",
};

function typedIn(form: HTMLFormElement): Record<string, string> {
  const data = new FormData(form);
  const values: Record<string, string> = {};
  for (const [name, as] of Object.entries(SENT)) {
    const value = data.get(name);
    if (typeof value === "string" && value.trim()) values[as] = value.trim();
  }
  return values;
}

function start(form: HTMLFormElement, address: string): void {
  const target = document.querySelector<HTMLElement>("[data-similar-target]");
  if (!target) return;
  const own: Record<string, string> = form.dataset["appeal"] ? { appeal_id: form.dataset["appeal"] } : {};
  let timer = 0;
  let asked = 0;
  let before = "";
  const refresh = async (): Promise<void> => {
    const values = typedIn(form);
    const now = JSON.stringify(values);
    if (now === before || now === "{}") return;
    before = now;
    asked += 1;
    const mine = asked;
    try {
      // Sent as a form is: a telephone number stands in no address and in no log.
      const answer = await post(address, { ...values, ...own });
      const words = await answer.text();
      if (mine === asked && !answer.redirected) target.innerHTML = words;
    } catch {
      before = "";
    }
  };
  const soon = (event: Event): void => {
    if (!((event.target as HTMLInputElement).name in SENT)) return;
    window.clearTimeout(timer);
    timer = window.setTimeout(() => void refresh(), WAIT);
  };
  form.addEventListener("input", soon);
  form.addEventListener("change", soon);
  void refresh();
}

export function startSimilar(): void {
  document.querySelectorAll<HTMLFormElement>("form[data-similar]").forEach((form) => start(form, form.dataset["similar"] ?? ""));
}
