/** Columns chosen, ordered and frozen: dragged by their handles, or moved with Alt and the arrows. */
import { element } from "../../dom";
import { text } from "../../messages";
import type { GridApp } from "../app";
import { usualSpec, type ShownColumn } from "../model";
import { button, chosen, iconButton, type Box } from "./box";

/** So near to the edge of the list a drag scrolls it. */
const EDGE = 36;

class Columns {
  private readonly search = element("input", { type: "search", placeholder: text("Find a column"), "aria-label": text("Find a column") });
  private readonly list = element("div", { class: "tool-list", role: "group", "aria-label": text("Columns") });
  private readonly spoken = element("p", { class: "muted tool-hint", role: "status" });

  constructor(
    private readonly app: GridApp,
    private readonly box: Box,
  ) {
    const { search, list } = this;
    search.addEventListener("input", () => this.draw());
    list.addEventListener("keydown", (event) => this.key(event));
    list.addEventListener("pointerdown", (event) => this.grabbed(event));
    const numbers = [0, 1, 2, 3, 4, 5].map((n) => [String(n), String(n)] as const);
    const frozen = chosen(text("Frozen columns"), numbers, String(Math.min(5, app.spec().frozen)), (value) => app.freeze(Number(value)));
    this.spoken.textContent = text("Drag a column by its handle, or press Alt with ↑ or ↓ on it.");
    box.body.replaceChildren(search, this.spoken, list);
    box.foot.replaceChildren(
      element("label", { class: "tool-inline" }, text("Frozen columns"), frozen),
      button(text("Show all"), "eye", () => {
        app.showAllColumns();
        this.draw();
      }, "btn-quiet"),
      button(text("Usual columns"), "rotate-left", () => {
        app.setColumns(usualSpec(app.schema).columns);
        this.draw();
      }, "btn-quiet"),
    );
    this.draw();
    search.focus();
  }

  private keep(next: ShownColumn[], focus?: string): void {
    this.app.setColumns(next);
    this.draw(focus);
  }

  private draw(focus?: string): void {
    const { app, list } = this;
    const all = app.columns();
    const term = this.search.value.trim().toLowerCase();
    const lines = all.flatMap((one, at) => {
      const column = app.byKey.get(one.key);
      if (!column || !column.label.toLowerCase().includes(term)) return [];
      const tick = element("input", { type: "checkbox", checked: !one.hidden, "data-at": one.key, "aria-keyshortcuts": "Alt+ArrowUp Alt+ArrowDown" });
      tick.addEventListener("change", () => {
        const next = all.map((each) => (each.key === one.key ? { ...each, hidden: !tick.checked } : each));
        if (next.every((each) => each.hidden)) tick.checked = true;
        else this.keep(next, one.key);
      });
      const up = iconButton(text("Move up"), "arrow-up", () => this.move(one.key, at - 1, `up-${one.key}`), at === 0);
      const down = iconButton(text("Move down"), "arrow-down", () => this.move(one.key, at + 1, `down-${one.key}`), at === all.length - 1);
      up.dataset["at"] = `up-${one.key}`;
      down.dataset["at"] = `down-${one.key}`;
      const handle = element("span", { class: "column-handle", "aria-hidden": "true" }, element("i", { class: "fa-solid fa-grip-vertical" }));
      return [element("div", { class: "tool-line column-line", "data-column": one.key }, handle, element("label", { class: "filter-tick" }, tick, column.label), up, down)];
    });
    list.replaceChildren(...(lines.length > 0 ? lines : [element("p", { class: "muted" }, text("No match"))]));
    if (focus) list.querySelector<HTMLElement>(`[data-at="${focus}"]`)?.focus();
  }

  /** The column to that place among all, hidden ones included. */
  private move(key: string, to: number, focus = key): void {
    const next = this.app.columns().map((one) => ({ ...one }));
    const from = next.findIndex((one) => one.key === key);
    const place = Math.max(0, Math.min(next.length - 1, to));
    const [one] = next.splice(from, 1);
    if (!one || place === from) return;
    next.splice(place, 0, one);
    this.keep(next, focus);
    // At an end its own arrow is no more: the column itself keeps the focus.
    if (document.activeElement === document.body || !this.list.contains(document.activeElement)) this.list.querySelector<HTMLElement>(`[data-at="${key}"]`)?.focus();
    this.spoken.textContent = text("“{name}” is column {at} of {n}", { name: this.app.byKey.get(key)?.label ?? key, at: place + 1, n: next.length });
  }

  private key(event: KeyboardEvent): void {
    if (event.key !== "ArrowUp" && event.key !== "ArrowDown") return;
    const line = (event.target as HTMLElement).closest<HTMLElement>("[data-column]");
    if (!line) return;
    event.preventDefault();
    const by = event.key === "ArrowUp" ? -1 : 1;
    if (!event.altKey) {
      const next = by < 0 ? line.previousElementSibling : line.nextElementSibling;
      return next?.querySelector<HTMLElement>("input")?.focus();
    }
    const key = line.dataset["column"] ?? "";
    this.move(key, this.app.columns().findIndex((one) => one.key === key) + by);
  }

  /** The handle is held: the line follows, the others show where it would come to. */
  private grabbed(event: PointerEvent): void {
    const handle = (event.target as HTMLElement).closest<HTMLElement>(".column-handle");
    const line = handle?.closest<HTMLElement>("[data-column]");
    if (!handle || !line || event.button !== 0) return;
    event.preventDefault();
    const { list, box } = this;
    // By the list: a line that moves in the document would lose the pointer.
    list.setPointerCapture(event.pointerId);
    line.classList.add("is-dragged");
    const before = (y: number): HTMLElement | undefined =>
      [...list.querySelectorAll<HTMLElement>("[data-column]")].find((one) => one !== line && y < one.getBoundingClientRect().top + one.offsetHeight / 2);
    const moved = (next: PointerEvent): void => {
      const edge = box.body.getBoundingClientRect();
      if (next.clientY < edge.top + EDGE) box.body.scrollTop -= 12;
      else if (next.clientY > edge.bottom - EDGE) box.body.scrollTop += 12;
      const at = before(next.clientY);
      if (at) at.before(line);
      else list.append(line);
    };
    const left = (how: Event): void => {
      list.removeEventListener("pointermove", moved);
      for (const name of ["pointerup", "pointercancel"]) list.removeEventListener(name, left);
      const key = line.dataset["column"] ?? "";
      const behind = (line.previousElementSibling as HTMLElement | null)?.dataset["column"];
      const ahead = (line.nextElementSibling as HTMLElement | null)?.dataset["column"];
      const rest = this.app.columns().filter((one) => one.key !== key).map((one) => one.key);
      if (how.type === "pointercancel") this.draw();
      else if (behind !== undefined) this.move(key, rest.indexOf(behind) + 1);
      else if (ahead !== undefined) this.move(key, rest.indexOf(ahead));
      line.classList.remove("is-dragged");
    };
    list.addEventListener("pointermove", moved);
    for (const name of ["pointerup", "pointercancel"]) list.addEventListener(name, left);
  }
}

export function fillColumns(app: GridApp, box: Box): void {
  new Columns(app, box);
}
