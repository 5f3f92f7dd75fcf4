/** The line under the table: how many rows, where one is, what is selected, what is being saved, who else is here. */
import { element } from "../dom";
import { text } from "../messages";
import type { GridApp } from "./app";
import { numberIn } from "./values";

const MOST_SUMMED = 5_000;

export class Status {
  private readonly rows = element("span", { class: "grid-total", "data-grid-total": true });
  private readonly place = element("span", { class: "muted" });
  private readonly sum = element("span", { class: "grid-sum" });
  private readonly state = element("span", { class: "grid-saving", role: "status" });
  private readonly people = element("span", { class: "grid-people" });

  constructor(private readonly app: GridApp, box: HTMLElement) {
    box.append(this.rows, this.place, this.sum, this.people, this.state);
  }

  draw(): void {
    const { app } = this;
    const { windows, table } = app;
    const total = windows.total.toLocaleString("en-US");
    if (windows.isCounted) this.set(this.rows, text("{n} rows", { n: total }));
    else this.set(this.rows, text("counting …"));
    const { top, bottom, left, right } = table.range;
    const count = (bottom - top + 1) * (right - left + 1);
    const approx = !windows.isSure(table.active.row) ? "≈ " : "";
    this.set(this.place, windows.isEmpty ? "" : text("row {n}", { n: approx + (table.active.row + 1).toLocaleString("en-US") }));
    this.set(this.sum, count > 1 ? this.summed(count) : "");
    const { waiting } = app.edits;
    const troubled = app.edits.troubled.length;
    this.set(this.state, waiting > 0 ? text("Saving …") : troubled === 1 ? text("1 cell is not saved") : troubled > 0 ? text("{n} cells are not saved", { n: troubled }) : app.edits.canUndo ? text("Saved") : "");
    this.state.classList.toggle("is-trouble", waiting === 0 && troubled > 0);
    const names = app.live?.people.map((one) => one.name) ?? [];
    this.set(this.people, names.length > 0 ? text("Also here: {names}", { names: names.slice(0, 5).join("、") + (names.length > 5 ? " …" : "") }) : "");
  }

  private set(node: HTMLElement, words: string): void {
    if (node.textContent !== words) node.textContent = words;
  }

  private summed(count: number): string {
    const { top, bottom, left, right } = this.app.table.range;
    const words = [text("{n} cells selected", { n: count.toLocaleString("en-US") })];
    let sum = 0;
    let numbers = 0;
    for (let row = top; row <= Math.min(bottom, top + MOST_SUMMED); row += 1) {
      const data = this.app.windows.row(row);
      if (!data) return words.join(" ");
      for (const column of this.app.shown.slice(left, right + 1)) {
        const value = numberIn(data, column);
        if (value === undefined) continue;
        sum += value;
        numbers += 1;
      }
    }
    if (bottom - top > MOST_SUMMED) return words.join(" ");
    if (numbers > 0) words.push(text("sum {n}", { n: (Math.round(sum * 1e6) / 1e6).toLocaleString("en-US") }));
    if (numbers > 1) words.push(text("average {n}", { n: (Math.round((sum / numbers) * 100) / 100).toLocaleString("en-US") }));
    return words.join(" · ");
  }
}
