/** Questions before an act, and dialogs and drawers that stand in the page. */
import { element } from "./dom";
import { text } from "./messages";

interface Question {
  question: string;
  ok: string;
  danger: boolean;
  reasonLabel: string;
}

interface Answer {
  confirmed: boolean;
  reason: string;
}

function readQuestion(source: HTMLElement): Question | undefined {
  const question = source.dataset["confirm"];
  if (!question) return undefined;
  return {
    question,
    ok: source.dataset["confirmOk"] || text("Confirm"),
    danger: "danger" in source.dataset,
    reasonLabel: source.dataset["reason"] ?? "",
  };
}

function ask(question: Question): Promise<Answer> {
  const reason = element("textarea", { id: "dialog-reason", required: true, maxlength: "500", rows: "3" });
  const form = element(
    "form",
    { method: "dialog" },
    element("div", { class: "dialog-head" }, element("h2", { id: "dialog-title" }, text("Please confirm"))),
    element("div", { class: "dialog-body" }, element("p", {}, question.question)),
    element(
      "div",
      { class: "dialog-foot" },
      element("button", { class: "btn", type: "submit", value: "", formnovalidate: true }, text("Cancel")),
      element("button", { class: question.danger ? "btn btn-danger" : "btn btn-primary", type: "submit", value: "ok" }, question.ok),
    ),
  );
  if (question.reasonLabel) {
    const label = element("label", { for: "dialog-reason" }, question.reasonLabel);
    form.querySelector(".dialog-body")!.append(element("div", { class: "field" }, label, reason));
  }
  const dialog = element("dialog", { class: "dialog", "aria-labelledby": "dialog-title" }, form);
  document.body.append(dialog);
  dialog.showModal();
  const first = question.reasonLabel ? reason : form.querySelector<HTMLElement>('button[value="ok"]');
  first?.focus();
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => {
      dialog.remove();
      resolve({ confirmed: dialog.returnValue === "ok", reason: reason.value.trim() });
    });
  });
}

/** A form sent by a button keeps that button's name, value and address; browsers without requestSubmit get a hidden copy. */
export function submitBy(form: HTMLFormElement, submitter: HTMLElement | null): void {
  if (submitter instanceof HTMLButtonElement && submitter.form === form) form.requestSubmit(submitter);
  else form.requestSubmit();
}

const agreed = new WeakSet<Event["target"] & object>();

async function holdForAnswer(event: Event, source: HTMLElement, go: () => void, form: HTMLFormElement | null): Promise<void> {
  const question = readQuestion(source);
  if (!question || agreed.has(source)) {
    agreed.delete(source);
    return;
  }
  event.preventDefault();
  event.stopImmediatePropagation();
  if (form && !form.reportValidity()) return;
  const answer = await ask(question);
  if (!answer.confirmed) return;
  if (form && question.reasonLabel) {
    form.querySelector('input[name="reason"][data-asked]')?.remove();
    form.append(element("input", { type: "hidden", name: "reason", value: answer.reason, "data-asked": true }));
  }
  agreed.add(source);
  go();
}

export function startDialogs(): void {
  document.addEventListener(
    "click",
    (event) => {
      const source = (event.target as HTMLElement).closest<HTMLElement>("a[data-confirm], button[data-confirm]");
      if (!source) return;
      const form = source instanceof HTMLButtonElement && source.type === "submit" ? source.form : null;
      void holdForAnswer(event, source, () => source.click(), form);
    },
    true,
  );
  document.addEventListener(
    "submit",
    (event) => {
      const form = event.target as HTMLFormElement;
      if (!form.dataset["confirm"]) return;
      void holdForAnswer(event, form, () => submitBy(form, (event as SubmitEvent).submitter), form);
    },
    true,
  );
  document.addEventListener("click", (event) => {
    const target = event.target as HTMLElement;
    const opener = target.closest<HTMLElement>("[data-open]");
    if (opener) {
      const dialog = document.getElementById(opener.dataset["open"] ?? "");
      if (dialog instanceof HTMLDialogElement) {
        dialog.showModal();
        dialog.querySelector<HTMLElement>("[autofocus]")?.focus();
      }
    }
    if (target.closest("[data-close]")) target.closest("dialog")?.close();
    if (target instanceof HTMLDialogElement && !target.hasAttribute("data-modal")) {
      const box = target.getBoundingClientRect();
      const inside = event.clientX >= box.left && event.clientX <= box.right && event.clientY >= box.top && event.clientY <= box.bottom;
      // The second half of a double click that opened the dialog does not close it.
      if (!inside && event.detail < 2 && event.clientX + event.clientY > 0) target.close();
    }
  });
}
