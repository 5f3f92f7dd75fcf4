/**
 * Keeps the words of an open clock true while a page stays open. The server decides and writes first; here the same sentence is only
 * counted on from the server's own clock, so a wrong clock on the desk changes nothing.
 */
import { text } from "./messages";

const EVERY = 30_000;

function words(seconds: number): string {
  const minutes = Math.floor(Math.abs(seconds) / 60);
  const days = Math.floor(minutes / 1440);
  const hours = Math.floor((minutes % 1440) / 60);
  if (days >= 1) return hours > 0 && days < 10 ? text("{d} d {h} h", { d: days, h: hours }) : text("{d} d", { d: days });
  if (hours >= 1) return minutes % 60 > 0 && hours < 6 ? text("{h} h {m} min", { h: hours, m: minutes % 60 }) : text("{h} h", { h: hours });
  return text("{m} min", { m: Math.max(1, minutes) });
}

function refresh(node: HTMLElement, offset: number): void {
  const due = Date.parse(node.dataset["due"] ?? "");
  const label = node.querySelector("[data-due-text]");
  if (Number.isNaN(due) || !label) return;
  const left = (due - (Date.now() + offset)) / 1000;
  if (left < 0 && !node.classList.contains("is-overdue")) {
    node.classList.remove("is-open", "is-soon");
    node.classList.add("is-overdue");
    const icon = node.querySelector("i");
    if (icon) icon.className = "fa-solid fa-triangle-exclamation";
  }
  label.textContent = left < 0 ? text("overdue by {time}", { time: words(left) }) : text("due in {time}", { time: words(left) });
}

export function startDue(): void {
  const now = Date.parse(document.body.dataset["now"] ?? "");
  if (Number.isNaN(now)) return;
  const offset = now - Date.now();
  const nodes = Array.from(document.querySelectorAll<HTMLElement>(".due[data-due]"));
  if (nodes.length > 0) window.setInterval(() => nodes.forEach((node) => refresh(node, offset)), EVERY);
}
