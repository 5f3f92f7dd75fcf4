/** Suggestions as chips under a field: [data-suggestions] names the address, choosing one fills the field; nothing is chosen by itself. */
import { element } from "./dom";
import { getJson } from "./http";

interface Suggested {
  code: string;
  label: string;
  reasons: string[];
}

function chip(one: Suggested, field: HTMLSelectElement): HTMLElement {
  const button = element("button", { type: "button", class: "btn btn-sm", "aria-pressed": String(field.value === one.code) }, one.label);
  button.addEventListener("click", () => {
    field.value = one.code;
    field.dispatchEvent(new Event("change", { bubbles: true }));
  });
  field.addEventListener("change", () => button.setAttribute("aria-pressed", String(field.value === one.code)));
  return element("li", {}, button, ...one.reasons.map((reason) => element("span", { class: "suggestion-why" }, reason)));
}

async function start(box: HTMLElement): Promise<void> {
  const field = document.querySelector<HTMLSelectElement>(`select[name="${CSS.escape(box.dataset["for"] ?? "")}"]`);
  const list = box.querySelector<HTMLElement>("[data-list]");
  if (!field || !list) return;
  try {
    const answer = await getJson<Record<string, Suggested[]>>(box.dataset["suggestions"] ?? "");
    const offered = new Set(Array.from(field.options, (option) => option.value));
    const found = (answer[box.dataset["kind"] ?? ""] ?? []).filter((one) => offered.has(one.code));
    if (found.length === 0) return;
    list.replaceChildren(...found.map((one) => chip(one, field)));
    // Beside its field, so that the way by keyboard leads from one to the other.
    field.closest(".field")?.append(box);
    box.hidden = false;
  } catch {
    // A form without suggestions is whole.
  }
}

export function startSuggestions(): void {
  document.querySelectorAll<HTMLElement>("[data-suggestions]").forEach((box) => void start(box));
}
