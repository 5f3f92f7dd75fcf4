import { element } from "./dom";
import { text } from "./messages";

export interface Toast {
  text: string;
  href?: string;
  tone?: string;
}

function region(): HTMLElement {
  const found = document.querySelector<HTMLElement>(".toasts");
  if (found) return found;
  const made = element("div", { class: "toasts", role: "status", "aria-live": "polite" });
  document.body.append(made);
  return made;
}

/** A short message at the corner; it stays while the pointer or the focus is on it. */
export function showToast(toast: Toast): void {
  const body = toast.href ? element("a", { href: toast.href }, toast.text) : element("span", {}, toast.text);
  const close = element("button", { type: "button", "aria-label": text("Close") }, "×");
  const box = element("div", { class: `toast is-${toast.tone ?? "info"}` }, body, close);
  close.addEventListener("click", () => box.remove());
  region().append(box);
  const leave = (): void => {
    if (box.matches(":hover, :focus-within")) window.setTimeout(leave, 2000);
    else box.remove();
  };
  window.setTimeout(leave, 7000);
}
