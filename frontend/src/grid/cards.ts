/** The same rows on a telephone: a card each, more as one scrolls, a tap opens the row. */
import { element } from "../dom";
import { text } from "../messages";
import type { GridApp } from "./app";
import type { Column, Row } from "./model";
import { cellText, SEVERAL } from "./values";

const STEP = 30;
const FIELDS = 5;

export class Cards {
  private readonly narrow = window.matchMedia("(max-width: 699px)");
  private readonly box = element("div", { class: "grid-cards", role: "list" });
  private readonly end = element("div", { class: "grid-cards-end muted" });
  private drawn: (Row | undefined)[] = [];
  private upTo = STEP;
  private generation = -1;

  constructor(private readonly app: GridApp) {
    app.root.append(this.box, this.end);
    new IntersectionObserver(
      (entries) => {
        if (!this.isOn || !entries.some((one) => one.isIntersecting) || this.drawn.length < this.upTo) return;
        this.upTo += STEP;
        this.draw();
      },
      { rootMargin: "600px" },
    ).observe(this.end);
    this.narrow.addEventListener("change", () => this.draw());
  }

  get isOn(): boolean {
    return this.narrow.matches;
  }

  /** All of them anew: what they show of a row is something else now. */
  redraw(): void {
    this.drawn = [];
    this.draw();
  }

  draw(): void {
    if (!this.isOn) return;
    const { windows } = this.app;
    if (this.generation !== windows.generation) {
      this.generation = windows.generation;
      this.upTo = STEP;
      this.drawn = [];
      this.box.textContent = "";
    }
    const until = Math.min(this.upTo, windows.total);
    windows.want(Math.max(0, until - STEP), until + STEP);
    for (let at = 0; at < until; at += 1) {
      const row = windows.row(at);
      if (row && row === this.drawn[at] && this.box.children[at]) continue;
      // What was let go again stays as it was drawn; what is not here yet ends the list for now.
      if (!row && this.box.children[at]) continue;
      if (!row) break;
      const card = this.card(row);
      const old = this.box.children[at];
      if (old) old.replaceWith(card);
      else this.box.append(card);
      this.drawn[at] = row;
    }
    const left = windows.total - this.box.children.length;
    if (windows.isEmpty) this.end.textContent = text("No row matches");
    else this.end.textContent = left > 0 || !windows.isCounted ? text("Loading …") : text("{n} rows", { n: windows.total.toLocaleString("en-US") });
  }

  private card(row: Row): HTMLElement {
    const { app } = this;
    const title = app.byKey.get(app.schema.title);
    const rest = app.shown.filter((one) => one !== title && cellText(row, one) !== "").slice(0, FIELDS);
    const cells = app.paint(row).cells ?? {};
    const heading = (title && cellText(row, title)) || `${app.schema.label} ${row.id}`;
    const list = element("dl", {}, ...rest.flatMap((one) => [element("dt", {}, one.label), element("dd", { class: cells[one.key] === undefined ? "" : `paint-${cells[one.key]}` }, ...words(row, one))]));
    const card = element("button", { type: "button", class: `grid-card ${app.lineClass(row)}` }, element("b", {}, heading), list);
    card.addEventListener("click", () => void app.panel.show(row));
    return element("div", { role: "listitem" }, card);
  }
}

function words(row: Row, column: Column): (Node | string)[] {
  const shown = cellText(row, column);
  if (column.kind !== "choice" && column.kind !== "choices") return [shown];
  return shown.split(SEVERAL).map((one) => element("span", { class: `grid-chip is-${column.choices.find((choice) => choice.label === one)?.colour ?? "grey"}` }, one));
}
