/** A box that opens under a button of the toolbar; on a telephone a sheet from below. Escape and a click beside it close it. */
import { element, placeUnder } from "../../dom";
import { text } from "../../messages";

export interface Box {
  readonly body: HTMLElement;
  readonly foot: HTMLElement;
  close(): void;
}

export function openBox(anchor: HTMLElement, title: string, wide = false): Box {
  const body = element("div", { class: "tool-body" });
  const foot = element("div", { class: "tool-foot" });
  const close = element("button", { type: "button", class: "btn btn-icon btn-quiet btn-sm", "aria-label": text("Close") }, element("i", { class: "fa-solid fa-xmark", "aria-hidden": "true" }));
  const head = element("div", { class: "tool-head" }, element("h2", {}, title), close);
  const dialog = element("dialog", { class: wide ? "tool-box is-wide" : "tool-box", "aria-label": title, "data-modal": true }, head, body, foot);
  document.body.append(dialog);
  dialog.showModal();
  const place = (): void => {
    if (window.innerWidth < 700) {
      dialog.style.top = dialog.style.left = "";
      return;
    }
    placeUnder(dialog, anchor);
    dialog.style.maxHeight = `${Math.max(240, window.innerHeight - dialog.getBoundingClientRect().top - 12)}px`;
  };
  const box = { body, foot, close: () => dialog.close() };
  close.addEventListener("click", box.close);
  // The grid's shortcuts are not for what is typed here.
  dialog.addEventListener("keydown", (event) => event.stopPropagation());
  dialog.addEventListener("pointerdown", (event) => {
    if (event.target !== dialog) return;
    const at = dialog.getBoundingClientRect();
    if (event.clientX < at.left || event.clientX > at.right || event.clientY < at.top || event.clientY > at.bottom) dialog.close();
  });
  dialog.addEventListener("close", () => {
    watcher.disconnect();
    dialog.remove();
    anchor.setAttribute("aria-expanded", "false");
    anchor.focus();
  });
  const watcher = new ResizeObserver(() => {
    if (window.innerWidth >= 700) dialog.style.maxHeight = "";
    place();
  });
  watcher.observe(body);
  anchor.setAttribute("aria-expanded", "true");
  place();
  return box;
}

export function button(label: string, icon: string, act: () => void, extra = ""): HTMLButtonElement {
  const made = element("button", { type: "button", class: `btn btn-sm ${extra}`.trim() }, element("i", { class: `fa-solid fa-${icon}`, "aria-hidden": "true" }), ` ${label}`);
  made.addEventListener("click", act);
  return made;
}

export function iconButton(label: string, icon: string, act: () => void, disabled = false): HTMLButtonElement {
  const made = element("button", { type: "button", class: "btn btn-icon btn-quiet btn-sm", "aria-label": label, title: label, disabled }, element("i", { class: `fa-solid fa-${icon}`, "aria-hidden": "true" }));
  made.addEventListener("click", act);
  return made;
}

export function chosen(label: string, offers: readonly (readonly [string, string])[], value: string, act: (value: string) => void): HTMLSelectElement {
  const options = offers.map(([code, words]) => element("option", { value: code, selected: code === value }, words));
  const made = element("select", { "aria-label": label }, ...options);
  made.value = value;
  made.addEventListener("change", () => act(made.value));
  return made;
}
