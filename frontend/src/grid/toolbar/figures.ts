/** Figures over the whole filter, under their columns: asked apart, so that no row waits for them. */
import { element } from "../../dom";
import { text } from "../../messages";
import type { GridApp } from "../app";
import { NUMBERS, type Column, type Query } from "../model";
import { momentText } from "../values";
import { chosen, type Box } from "./box";
import { TIMES } from "./conditions";

export type Figure = readonly [string, string];
const MOST = 20;

function offersOf(column: Column): [string, string][] {
  const found: [string, string][] = [["filled", text("filled in")], ["empty", text("empty")], ["distinct", text("different values")]];
  if (NUMBERS.has(column.kind)) found.unshift(["sum", text("sum")], ["average", text("average")]);
  if (NUMBERS.has(column.kind) || TIMES.has(column.kind)) found.push(["least", text("least")], ["most", text("most")]);
  if (column.kind === "bool") found.unshift(["true", text("yes")]);
  return found;
}

export function figureText(column: Column, what: string, value: unknown): string {
  const word = offersOf(column).find(([code]) => code === what)?.[1] ?? what;
  if (typeof value === "number") return `${word} ${value.toLocaleString("en-US", { maximumFractionDigits: 2 })}`;
  return `${word} ${column.kind === "moment" ? momentText(String(value)) : String(value)}`;
}

export class Figures {
  private asked = 0;

  constructor(
    private readonly app: GridApp,
    private readonly query: () => Query,
  ) {}

  get wanted(): readonly Figure[] {
    return (this.app.spec().figures ?? []).filter(([key]) => this.app.byKey.has(key));
  }

  async refresh(): Promise<void> {
    const turn = (this.asked += 1);
    const { wanted, app } = this;
    if (wanted.length === 0) return app.setFigures(undefined);
    const { filter, search } = this.query();
    try {
      const told = await app.api.post<{ figures: Record<string, unknown> }>("/figures", { query: { ...(filter ? { filter } : {}), ...(search ? { search } : {}) }, figures: wanted });
      if (turn !== this.asked) return;
      const words: Record<string, string> = {};
      for (const [key, what] of wanted) {
        const column = app.byKey.get(key);
        const value = told.figures[`${key}:${what}`];
        if (column && value !== undefined) words[key] = [words[key], figureText(column, what, value ?? "—")].filter(Boolean).join(" · ");
      }
      app.setFigures(words);
    } catch {
      if (turn === this.asked) app.setFigures(Object.fromEntries(wanted.map(([key]) => [key, "…"])));
    }
  }

  /** Which figure stands under which column. */
  fill(box: Box, changed: (figures: readonly Figure[]) => void): void {
    const lines = this.app.schema.columns.filter((one) => one.filterable).map((column) => {
      const value = this.wanted.find(([key]) => key === column.key)?.[1] ?? "";
      const select = chosen(column.label, [["", text("nothing")], ...offersOf(column)], value, (what) => {
        const rest = this.wanted.filter(([key]) => key !== column.key);
        changed(what ? [...rest, [column.key, what] as const].slice(-MOST) : rest);
      });
      return element("label", { class: "tool-line" }, element("span", {}, column.label), select);
    });
    box.body.replaceChildren(element("p", { class: "muted" }, text("Counted over all rows of the filter, and for each group.")), ...lines);
  }
}
