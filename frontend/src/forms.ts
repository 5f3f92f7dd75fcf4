/** Sending a form once, leaving it unsaved, counting characters, sending by key. */
import { csrfToken } from "./http";
import { element } from "./dom";
import { text } from "./messages";

const sent = new WeakSet<HTMLFormElement>();
const changed = new Set<HTMLFormElement>();

function blockSecondSend(event: SubmitEvent): void {
  const form = event.target as HTMLFormElement;
  if (event.defaultPrevented || form.method === "dialog" || form.target === "_blank") return;
  if (sent.has(form)) {
    event.preventDefault();
    return;
  }
  changed.delete(form);
  if (form.method !== "post") return;
  sent.add(form);
  const button = event.submitter ?? form.querySelector<HTMLElement>("button[type=submit], button:not([type])");
  button?.classList.add("is-busy");
  button?.setAttribute("aria-busy", "true");
  // A download leaves the page in place: the form must become usable again.
  window.setTimeout(() => release(form), "download" in form.dataset ? 1500 : 20000);
}

function release(form: HTMLFormElement): void {
  sent.delete(form);
  form.querySelectorAll(".is-busy").forEach((button) => {
    button.classList.remove("is-busy");
    button.removeAttribute("aria-busy");
  });
}

function startCounters(root: ParentNode): void {
  root.querySelectorAll<HTMLTextAreaElement>("textarea[maxlength]").forEach((area) => {
    if (area.dataset["counted"]) return;
    area.dataset["counted"] = "1";
    const counter = element("span", { class: "counter", "aria-live": "off" });
    area.insertAdjacentElement("afterend", counter);
    const show = (): void => {
      const length = Array.from(area.value).length;
      counter.textContent = `${length} / ${area.maxLength}`;
      counter.classList.toggle("is-near", length > area.maxLength * 0.9);
    };
    area.addEventListener("input", show);
    show();
  });
}

/** The browser's own words for a missing value follow its language, not the page's. */
function startValidation(): void {
  document.addEventListener(
    "invalid",
    (event) => {
      const field = event.target as HTMLInputElement;
      if (field.validity.valueMissing) field.setCustomValidity(text("Please fill in this field."));
    },
    true,
  );
  const forget = (event: Event): void => {
    const field = event.target as HTMLInputElement;
    // A date field says itself whether what is typed is a date.
    if (field.validity?.customError && !field.matches("[data-date], [data-datetime]")) field.setCustomValidity("");
  };
  document.addEventListener("input", forget, true);
  document.addEventListener("change", forget, true);
}

/** A file field in the page's language: the native one stays in the form, its button and text are ours. */
function startFileFields(): void {
  document.querySelectorAll<HTMLInputElement>("input[type=file]:not([data-enhanced])").forEach((input, index) => {
    input.dataset["enhanced"] = "1";
    input.id ||= `file-field-${index}`;
    const name = element("span", { class: "file-name" }, text("No file chosen"));
    const button = element("span", { class: "btn", "aria-hidden": "true" }, text("Choose a file"));
    const box = element("label", { class: "file-box", for: input.id });
    input.insertAdjacentElement("beforebegin", box);
    box.append(input, button, name);
    input.addEventListener("change", () => {
      name.textContent = Array.from(input.files ?? [], (file) => file.name).join(", ") || text("No file chosen");
    });
  });
}

/** Buttons that stand alone and post: [data-post="/address"]; the form is made when it is needed. */
function startPostButtons(): void {
  document.addEventListener("click", (event) => {
    const button = (event.target as HTMLElement).closest<HTMLElement>("[data-post]");
    if (!button || event.defaultPrevented) return;
    event.preventDefault();
    const form = element("form", { method: "post", action: button.dataset["post"] ?? "", hidden: true });
    form.append(element("input", { type: "hidden", name: "csrf_token", value: csrfToken() }));
    document.body.append(form);
    form.requestSubmit();
  });
}

export function startForms(): void {
  document.addEventListener("submit", blockSecondSend);
  window.addEventListener("pageshow", (event) => {
    if (event.persisted) document.querySelectorAll("form").forEach(release);
  });
  const noteChange = (event: Event): void => {
    const form = (event.target as HTMLInputElement).form;
    if (form && "guard" in form.dataset) changed.add(form);
  };
  document.addEventListener("input", noteChange);
  document.addEventListener("change", noteChange);
  window.addEventListener("beforeunload", (event) => {
    for (const form of changed) if (!form.isConnected) changed.delete(form);
    if (changed.size === 0) return;
    event.preventDefault();
    event.returnValue = text("You have unsaved changes.");
  });
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || !(event.ctrlKey || event.metaKey) || event.isComposing) return;
    const form = (event.target as HTMLInputElement).form;
    if (!form || form.method === "dialog") return;
    event.preventDefault();
    form.requestSubmit(form.querySelector<HTMLButtonElement>("button.btn-primary[type=submit]"));
  });
  document.addEventListener("change", (event) => {
    const input = event.target as HTMLInputElement;
    if ("autosubmit" in input.dataset) input.form?.requestSubmit();
  });
  document.addEventListener("click", (event) => {
    const source = (event.target as HTMLElement).closest<HTMLElement>("[data-copy]");
    if (!source) return;
    void navigator.clipboard.writeText(source.dataset["copy"] ?? "").then(() => {
      const before = source.getAttribute("aria-label");
      source.classList.add("is-copied");
      source.setAttribute("aria-label", text("Copied"));
      window.setTimeout(() => {
        source.classList.remove("is-copied");
        if (before) source.setAttribute("aria-label", before);
      }, 1500);
    });
  });
  startPostButtons();
  startValidation();
  startFileFields();
  startCounters(document);
  const firstError = document.querySelector<HTMLElement>("[aria-invalid=true]:not(.combo-native)");
  firstError?.focus({ preventScroll: false });
}
