/** Ctrl+F: marks what is found among the loaded rows, and has the server search all of them. */
import { element } from "../dom";
import { text } from "../messages";
import type { GridApp } from "./app";
import { plainText } from "./values";

export class Finder {
  private readonly box: HTMLElement;
  private readonly input: HTMLInputElement;
  private readonly told = element("span", { class: "muted", role: "status" });
  private hits: { row: number; col: number }[] = [];
  private at = -1;
  term = "";
  /** What the rows were narrowed by before the search of all rows; undefined while it was not asked for. */
  private before: string | undefined;

  constructor(private readonly app: GridApp) {
    this.input = element("input", { type: "search", placeholder: text("Find in the sheet"), "aria-label": text("Find in the sheet"), maxlength: "100" });
    const button = (icon: string, label: string, act: () => void): HTMLElement => {
      const made = element("button", { type: "button", class: "btn btn-sm btn-icon", title: label, "aria-label": label }, element("i", { class: `fa-solid fa-${icon}`, "aria-hidden": "true" }));
      made.addEventListener("click", act);
      return made;
    };
    const all = element("button", { type: "button", class: "btn btn-sm" }, text("Search all rows"));
    all.addEventListener("click", () => this.searchAll());
    this.box = element(
      "div", { class: "grid-find", role: "search", hidden: true }, this.input,
      button("chevron-up", text("Previous"), () => this.step(-1)), button("chevron-down", text("Next"), () => this.step(1)),
      this.told, all, button("xmark", text("Close"), () => this.close()),
    );
    app.root.append(this.box);
    app.on("rows", () => {
      if (!this.box.hidden && this.term !== "") this.look(this.at);
    });
    this.input.addEventListener("input", () => this.look());
    this.input.addEventListener("keydown", (event) => {
      if (event.isComposing) return;
      if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) this.searchAll();
      else if (event.key === "Enter") this.step(event.shiftKey ? -1 : 1);
      else if (event.key === "Escape") this.close();
      else return;
      event.preventDefault();
      event.stopPropagation();
    });
  }

  open(): void {
    this.box.hidden = false;
    this.input.value = this.term || (this.app.query().search ?? "");
    this.input.focus();
    this.input.select();
    this.look();
  }

  private close(): void {
    this.box.hidden = true;
    this.term = "";
    this.hits = [];
    // Finding hides no row for longer than it lasts.
    const { before } = this;
    this.before = undefined;
    if (before !== undefined) this.app.setQuery({ ...this.app.query(), search: before });
    this.app.table.later(true);
    this.app.table.focus();
  }

  private look(at = -1): void {
    this.term = this.input.value.trim().toLowerCase();
    this.hits = [];
    if (this.term !== "") {
      for (const [place, row] of this.app.windows.held()) {
        this.app.shown.forEach((column, col) => {
          if (plainText(row, column).toLowerCase().includes(this.term)) this.hits.push({ row: place, col });
        });
      }
    }
    this.at = Math.min(at, this.hits.length - 1);
    this.tell();
    this.app.table.later(true);
  }

  private step(by: number): void {
    if (this.hits.length === 0) return this.searchAll();
    if (this.at < 0) this.at = by > 0 ? this.next() : this.hits.length - 1;
    else this.at = (this.at + by + this.hits.length) % this.hits.length;
    const hit = this.hits[this.at];
    if (hit) this.app.table.go(hit.row, hit.col);
    this.tell();
  }

  /** The first one behind where one is. */
  private next(): number {
    const { row, col } = this.app.table.active;
    const found = this.hits.findIndex((one) => one.row > row || (one.row === row && one.col >= col));
    return Math.max(0, found);
  }

  private tell(): void {
    if (this.term === "") this.told.textContent = "";
    else if (this.hits.length === 0) this.told.textContent = text("Not among the loaded rows");
    else if (this.at < 0) this.told.textContent = text("{n} found in loaded rows", { n: this.hits.length });
    else this.told.textContent = text("{at} of {n} in loaded rows", { at: this.at + 1, n: this.hits.length });
  }

  private searchAll(): void {
    const search = this.input.value.trim();
    this.before ??= this.app.query().search ?? "";
    this.app.setQuery({ ...this.app.query(), search });
    this.term = search.toLowerCase();
    this.app.table.later(true);
  }
}
