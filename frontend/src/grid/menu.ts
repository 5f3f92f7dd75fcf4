/** The menu of a column and of a cell: what the mouse can do, the keyboard can do here (Shift+F10). */
import { element } from "../dom";
import { text } from "../messages";
import type { GridApp } from "./app";

export interface Entry {
  readonly label: string;
  readonly icon?: string;
  readonly keys?: string;
  readonly act: () => void;
}

export class Menu {
  private box: HTMLElement | undefined;
  /** Others add their entries here: by the column, for the selection. */
  readonly columnEntries: ((key: string) => readonly Entry[])[] = [];
  readonly cellEntries: (() => readonly Entry[])[] = [];

  constructor(private readonly app: GridApp) {
    document.addEventListener("pointerdown", (event) => {
      if (this.box && !this.box.contains(event.target as Node)) this.close();
    }, true);
  }

  openForColumn(col: number, at?: MouseEvent): void {
    const { app } = this;
    const column = app.shown[col];
    if (!column) return;
    const { key } = column;
    const entries: Entry[] = [];
    if (column.sortable) {
      entries.push({ label: text("Sort ascending"), icon: "arrow-up-short-wide", act: () => app.sort([[key, "asc"]]) });
      entries.push({ label: text("Sort descending"), icon: "arrow-down-wide-short", act: () => app.sort([[key, "desc"]]) });
    }
    if (app.query().sort?.length) entries.push({ label: text("Usual order"), icon: "rotate-left", act: () => app.sort([]) });
    entries.push(...this.columnEntries.flatMap((one) => one(key)));
    entries.push({ label: text("Freeze up to here"), icon: "thumbtack", act: () => app.freeze(col + 1) });
    if (app.spec().frozen > 0) entries.push({ label: text("Unfreeze columns"), icon: "thumbtack-slash", act: () => app.freeze(0) });
    if (col > 0) entries.push({ label: text("Move left"), icon: "arrow-left", act: () => app.moveColumn(col, col - 1) });
    if (col < app.shown.length - 1) entries.push({ label: text("Move right"), icon: "arrow-right", act: () => app.moveColumn(col, col + 1) });
    entries.push({ label: text("Wider"), icon: "left-right", act: () => app.resizeColumn(col, (app.table.widths[col] ?? 100) + 40) });
    entries.push({ label: text("Narrower"), icon: "right-left", act: () => app.resizeColumn(col, Math.max(48, (app.table.widths[col] ?? 100) - 40)) });
    entries.push({ label: text("Fit the width"), icon: "text-width", act: () => app.fitColumn(col) });
    if (app.shown.length > 1) entries.push({ label: text("Hide the column"), icon: "eye-slash", act: () => app.hideColumn(key) });
    const hidden = app.spec().columns.filter((one) => one.hidden).length;
    if (hidden > 0) entries.push({ label: text("Show all columns ({n} hidden)", { n: hidden }), icon: "eye", act: () => app.showAllColumns() });
    const anchor = app.table.head.querySelector(`[aria-colindex="${col + 2}"]`) ?? app.table.head;
    this.open(entries, at ?? under(anchor));
  }

  openForCell(at?: MouseEvent): void {
    const { app } = this;
    const row = app.windows.row(app.table.active.row);
    const column = app.shown[app.table.active.col];
    if (!column) return;
    const entries: Entry[] = [];
    if (row) entries.push({ label: text("Open the row"), icon: "table-columns", keys: "Space", act: () => app.openRow() });
    if (row && app.isWritable(column)) {
      entries.push({ label: text("Edit"), icon: "pen", keys: "F2", act: () => app.editor.begin("list") });
      entries.push({ label: text("Fill down"), icon: "fill-drip", keys: "Ctrl+D", act: () => void app.transfer.fillDown() });
      entries.push({ label: text("Fill right"), icon: "arrow-right-to-bracket", keys: "Ctrl+R", act: () => void app.transfer.fillRight() });
      entries.push({ label: text("Clear"), icon: "eraser", keys: "Delete", act: () => void app.transfer.clear() });
    }
    if (row) entries.push({ label: text("History of the cell"), icon: "clock-rotate-left", act: () => app.openRow(column.key) });
    entries.push({ label: text("Undo"), icon: "rotate-left", keys: "Ctrl+Z", act: () => void app.edits.undo() });
    entries.push({ label: text("Redo"), icon: "rotate-right", keys: "Ctrl+Y", act: () => void app.edits.redo() });
    entries.push(...this.cellEntries.flatMap((one) => one()));
    entries.push({ label: text("Column “{name}”", { name: column.label }), icon: "table-columns", act: () => this.openForColumn(app.table.active.col) });
    this.open(entries, at ?? under(app.table.anchor));
  }

  private open(entries: readonly Entry[], at: { clientX: number; clientY: number }): void {
    this.close();
    const buttons = entries.map((one) => {
      const icon = element("i", { class: `fa-solid fa-${one.icon ?? "angle-right"}`, "aria-hidden": "true" });
      const keys = one.keys ? [element("kbd", {}, one.keys)] : [];
      const button = element("button", { type: "button", role: "menuitem", tabindex: "-1" }, icon, element("span", {}, one.label), ...keys);
      button.addEventListener("click", () => {
        this.close();
        this.app.table.focus();
        one.act();
      });
      return button;
    });
    const box = element("div", { class: "menu-list grid-menu", role: "menu" }, ...buttons);
    box.addEventListener("keydown", (event) => this.key(event, buttons));
    document.body.append(box);
    box.style.left = `${Math.max(4, Math.min(at.clientX, window.innerWidth - box.offsetWidth - 8))}px`;
    box.style.top = `${Math.max(4, Math.min(at.clientY, window.innerHeight - box.offsetHeight - 8))}px`;
    this.box = box;
    buttons[0]?.focus();
  }

  private key(event: KeyboardEvent, buttons: readonly HTMLElement[]): void {
    event.stopPropagation();
    const here = buttons.indexOf(document.activeElement as HTMLElement);
    const to: Record<string, number> = { ArrowDown: here + 1, ArrowUp: here - 1, Home: 0, End: -1 };
    const next = to[event.key];
    if (next !== undefined) {
      event.preventDefault();
      buttons[(next + buttons.length) % buttons.length]?.focus();
    } else if (event.key === "Escape" || event.key === "Tab") {
      event.preventDefault();
      this.close();
      this.app.table.focus();
    }
  }

  close(): void {
    this.box?.remove();
    this.box = undefined;
  }
}

function under(node: Element): { clientX: number; clientY: number } {
  const box = node.getBoundingClientRect();
  return { clientX: box.left, clientY: box.bottom };
}
