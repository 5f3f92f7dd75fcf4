/** Forms filled in without the mouse: form[data-keyboard]. The cursor starts in the first empty field, Enter goes on, [data-keys] sends. */

const FIELDS = "input:not([type=hidden]):not([type=file]), select, textarea";

function isVisible(node: HTMLElement): boolean {
  return node.getClientRects().length > 0;
}

function fieldsOf(form: HTMLFormElement): HTMLElement[] {
  return Array.from(form.querySelectorAll<HTMLElement>(FIELDS)).filter((field) => isVisible(field) && !field.matches(":disabled, .combo-native"));
}

function focusFirstEmpty(form: HTMLFormElement): void {
  if (document.querySelector("[aria-invalid=true]")) return;
  const fields = fieldsOf(form).filter((field) => !field.matches("[type=checkbox], [type=radio]"));
  const empty = fields.find((field) => (field as HTMLInputElement).value === "") ?? fields[0];
  empty?.focus({ preventScroll: true });
}

/** Enter in a line goes to the next field: nothing half typed is sent by it. */
function goOn(form: HTMLFormElement, from: HTMLElement): void {
  const fields = fieldsOf(form);
  const next = fields[fields.indexOf(from) + 1] ?? form.querySelector<HTMLElement>("button[data-keys]");
  next?.focus();
}

function keysOf(event: KeyboardEvent): string {
  const held = [event.ctrlKey || event.metaKey ? "Ctrl" : "", event.altKey ? "Alt" : "", event.shiftKey ? "Shift" : ""];
  const key = event.key.length === 1 ? event.key.toUpperCase() : event.key;
  return [...held.filter(Boolean), key].join("+");
}

function onKey(form: HTMLFormElement, event: KeyboardEvent): void {
  if (event.isComposing || event.defaultPrevented) return;
  const keys = keysOf(event);
  const button = Array.from(form.querySelectorAll<HTMLButtonElement>("button[data-keys]")).find((one) => one.dataset["keys"] === keys);
  if (button) {
    event.preventDefault();
    event.stopPropagation();
    // A field reads what was typed into it when it is left.
    (document.activeElement as HTMLElement | null)?.dispatchEvent(new Event("change", { bubbles: true }));
    form.requestSubmit(button);
    return;
  }
  const field = event.target as HTMLElement;
  if (keys !== "Enter" || !field.matches("input:not([type=checkbox]):not([type=radio])")) return;
  event.preventDefault();
  goOn(form, field);
}

/** What only matters for several people stays away until there are several: [data-part] fields behind "visitors". */
function followVisitors(form: HTMLFormElement): void {
  const visitors = form.querySelector<HTMLInputElement>("input[name=visitors]");
  if (!visitors) return;
  const parts = ["appellant_representatives", "appellant_others"].map((name) => form.querySelector<HTMLTextAreaElement>(`[name=${name}]`));
  const follow = (): void => {
    for (const part of parts) {
      const box = part?.closest<HTMLElement>(".field");
      if (part && box) box.hidden = Number(visitors.value || 1) < 2 && part.value === "" && part.getAttribute("aria-invalid") !== "true";
    }
  };
  visitors.addEventListener("input", follow);
  follow();
}

export function startKeyboardForms(): void {
  document.querySelectorAll<HTMLFormElement>("form[data-keyboard]").forEach((form) => {
    form.addEventListener("keydown", (event) => onKey(form, event));
    followVisitors(form);
    focusFirstEmpty(form);
  });
}
