/** Keys: / search, ? help, g then a letter goes to a page, and what the page itself declares by data-shortcut and data-go. */
import { element, isTyping } from "./dom";
import { text } from "./messages";

const SEQUENCE = 1200;

function nameOf(node: HTMLElement): string {
  return node.dataset["help"] || node.getAttribute("aria-label") || (node.querySelector("span:not(.badge)") ?? node).textContent?.trim() || "";
}

function isVisible(node: HTMLElement): boolean {
  return node.getClientRects().length > 0;
}

function focusSearch(): void {
  const fields = Array.from(document.querySelectorAll<HTMLInputElement>("[data-search]"));
  const inPage = fields.find((field) => isVisible(field) && !field.closest(".topbar"));
  const target = inPage ?? fields.find(isVisible);
  if (target) {
    target.focus();
    target.select();
    return;
  }
  const toggle = document.querySelector<HTMLElement>(".topbar [data-search-toggle]");
  if (toggle && isVisible(toggle)) {
    toggle.click();
    return;
  }
  const filters = document.querySelector<HTMLDetailsElement>("details.filters");
  if (filters) {
    filters.open = true;
    filters.querySelector<HTMLElement>(".menu > summary")?.focus();
  }
}

function showHelp(): void {
  if (document.querySelector("dialog.shortcuts")) return;
  const rows: [string[], string][] = [
    [["/"], text("Search")],
    [["?"], text("Keyboard shortcuts")],
    [["Ctrl", "Enter"], text("Send the form")],
    [["Esc"], text("Close")],
  ];
  document.querySelectorAll<HTMLElement>("[data-go]").forEach((node) => rows.push([["g", node.dataset["go"] ?? ""], nameOf(node)]));
  document.querySelectorAll<HTMLElement>("[data-shortcut]").forEach((node) => rows.push([[node.dataset["shortcut"] ?? ""], nameOf(node)]));
  document.querySelectorAll<HTMLElement>("[data-keys]").forEach((node) => rows.push([(node.dataset["keys"] ?? "").split("+"), nameOf(node)]));
  const list = element("dl", { class: "shortcut-list" });
  for (const [keys, meaning] of rows) {
    const term = element("dt");
    keys.forEach((key, index) => term.append(...(index > 0 ? [" "] : []), element("kbd", {}, key)));
    list.append(term, element("dd", {}, meaning));
  }
  const close = element("button", { class: "btn btn-quiet btn-icon", type: "button", "data-close": true, "aria-label": text("Close") }, "×");
  const dialog = element(
    "dialog",
    { class: "dialog shortcuts", "aria-labelledby": "shortcuts-title" },
    element("div", { class: "dialog-head" }, element("h2", { id: "shortcuts-title" }, text("Keyboard shortcuts")), close),
    element("div", { class: "dialog-body" }, list),
  );
  dialog.addEventListener("close", () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
}

export function startShortcuts(): void {
  let prefixAt = 0;
  document.addEventListener("keydown", (event) => {
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
    if (isTyping(event.target) || document.querySelector("dialog[open]")) return;
    if (event.timeStamp - prefixAt < SEQUENCE && prefixAt > 0) {
      prefixAt = 0;
      const target = document.querySelector<HTMLElement>(`[data-go="${CSS.escape(event.key)}"]`);
      if (target) {
        event.preventDefault();
        target.click();
        return;
      }
    }
    if (event.key === "g") {
      prefixAt = event.timeStamp;
    } else if (event.key === "/") {
      event.preventDefault();
      focusSearch();
    } else if (event.key === "?") {
      event.preventDefault();
      showHelp();
    } else {
      const target = document.querySelector<HTMLElement>(`[data-shortcut="${CSS.escape(event.key)}"]`);
      if (!target || !isVisible(target)) return;
      event.preventDefault();
      if (isTyping(target)) target.focus();
      else target.click();
    }
  });
  document.querySelectorAll("[data-show-shortcuts]").forEach((button) => button.addEventListener("click", showHelp));
}
