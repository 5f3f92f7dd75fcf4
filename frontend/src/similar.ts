/** Earlier appeals and likely duplicates while one types: form[data-similar] names the address, [data-similar-target] shows its answer. */
import { postForWords } from "./http";
import { Latest } from "./latest";

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
  let before = JSON.stringify(typedIn(form));
  // Sent as a form is: a telephone number stands in no address and in no log.
  const ask = (): Promise<string> => postForWords(address, { ...typedIn(form), ...own });
  const show = (words: string): void => void (target.innerHTML = words);
  const latest = new Latest(WAIT, ask, show, () => (before = "{}"));
  const soon = (event: Event): void => {
    if (!((event.target as HTMLInputElement).name in SENT)) return;
    const now = JSON.stringify(typedIn(form));
    if (now === before || now === "{}") return;
    before = now;
    latest.soon();
  };
  form.addEventListener("input", soon);
  form.addEventListener("change", soon);
  if (before !== "{}") void latest.now();
}

export function startSimilar(): void {
  document.querySelectorAll<HTMLFormElement>("form[data-similar]").forEach((form) => start(form, form.dataset["similar"] ?? ""));
}
