/** A mail dropped on the form of class B: [data-mail] names the address that reads it. What one has typed is never overwritten. */
import { element } from "./dom";
import { send } from "./http";
import { text } from "./messages";

interface Answer {
  fields: Record<string, string>;
  labels: Record<string, string>;
  notes: string[];
  enclosures: { name: string; size: number }[];
  message?: string;
}

type Field = HTMLInputElement | HTMLTextAreaElement;

function fieldOf(form: HTMLFormElement, name: string): Field | null {
  return form.querySelector<Field>(`input[name="${name}"], textarea[name="${name}"]`);
}

function put(field: Field, value: string): void {
  field.value = value;
  field.dispatchEvent(new Event("input", { bubbles: true }));
  field.dispatchEvent(new Event("change", { bubbles: true }));
}

/** Empty, or as the page brought it: nobody typed into it. */
function isUntouched(field: Field): boolean {
  return field.value.trim() === "" || field.value === field.defaultValue;
}

function keptLine(field: Field, label: string, value: string): HTMLElement {
  const button = element("button", { type: "button", class: "btn btn-sm" }, text("Take over from the mail"));
  const line = element("p", {}, text("Kept as you typed it: {name}", { name: label }), " ", button);
  button.addEventListener("click", () => {
    put(field, value);
    line.remove();
    field.focus();
  });
  return line;
}

function fill(form: HTMLFormElement, answer: Answer, box: HTMLElement): void {
  const filled: string[] = [];
  const lines: HTMLElement[] = [];
  for (const [name, value] of Object.entries(answer.fields)) {
    const field = fieldOf(form, name);
    const label = answer.labels[name] ?? name;
    if (!field || field.value === value) continue;
    if (isUntouched(field)) {
      put(field, value);
      filled.push(label);
    } else lines.push(keptLine(field, label, value));
  }
  if (filled.length) lines.unshift(element("p", {}, text("Filled in from the mail: {names}", { names: filled.join(", ") })));
  for (const note of answer.notes) lines.push(element("p", { class: "error" }, note));
  if (answer.enclosures.length) {
    const names = answer.enclosures.map((one) => `${one.name} (${Math.ceil(one.size / 1024)} KB)`).join(", ");
    lines.push(element("p", {}, text("Hangs on the mail: {names}", { names })));
  }
  box.replaceChildren(...lines);
}

/** The mail itself goes along with the appeal: its own words, and what hangs on it. */
function attach(form: HTMLFormElement, file: File): void {
  const input = form.querySelector<HTMLInputElement>("[data-files] input[type=file]");
  if (!input) return;
  const chosen = new DataTransfer();
  chosen.items.add(file);
  input.files = chosen.files;
  input.dispatchEvent(new Event("change", { bubbles: true }));
}

async function read(zone: HTMLElement, form: HTMLFormElement, file: File): Promise<void> {
  const box = zone.querySelector<HTMLElement>("[data-mail-answer]");
  if (!box) return;
  const body = new FormData();
  body.append("mail", file, "mail.eml");
  zone.classList.add("is-busy");
  try {
    const answer = await send(zone.dataset["mail"] ?? "", body);
    const said = (await answer.json()) as Answer & { error?: { message?: string } };
    if (answer.ok) {
      fill(form, said, box);
      attach(form, file);
    } else box.replaceChildren(element("p", { class: "error", role: "alert" }, said.error?.message ?? said.message ?? text("That did not work. Please try again.")));
  } catch {
    box.replaceChildren(element("p", { class: "error", role: "alert" }, text("That did not work. Please try again.")));
  } finally {
    zone.classList.remove("is-busy");
  }
}

export function startMails(): void {
  document.querySelectorAll<HTMLElement>("[data-mail]").forEach((zone) => {
    const form = zone.closest("form");
    const input = zone.querySelector<HTMLInputElement>("input[type=file]");
    if (!form || !input) return;
    input.addEventListener("change", () => {
      const file = input.files?.[0];
      if (file) void read(zone, form, file);
      // The mail is read, not sent along with the form.
      input.value = "";
    });
    zone.addEventListener("dragover", (event) => {
      event.preventDefault();
      zone.classList.add("is-over");
    });
    zone.addEventListener("dragleave", () => zone.classList.remove("is-over"));
    zone.addEventListener("drop", (event) => {
      event.preventDefault();
      event.stopPropagation();
      zone.classList.remove("is-over");
      const file = event.dataTransfer?.files[0];
      if (file) void read(zone, form, file);
    });
  });
}
