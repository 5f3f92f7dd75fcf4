/** Rows counted by one or two columns, beside the table: a line narrows the rows to what it counts. */
import { element } from "../../dom";
import { text } from "../../messages";
import { ApiError } from "../api";
import type { GridApp } from "../app";
import { REFERENCES, type Cell, type Column, type Condition, type ConditionGroup, type Query } from "../model";
import { shownText } from "../values";
import { chosen, iconButton } from "./box";
import { figureText, type Figure } from "./figures";

interface Counted {
  readonly values: readonly Cell[];
  readonly count: number;
  readonly figures: Readonly<Record<string, unknown>>;
}
const KINDS = new Set(["text", "choice", "bool", "person", "unit", "post", "link", "date", "number"]);

export function groupable(column: Column): boolean {
  return column.filterable && KINDS.has(column.kind);
}

function conditionOf(column: Column, value: Cell): Condition {
  const field = column.key;
  if (value === null || value === "") return { field, op: "empty" };
  if (column.kind === "choice") return { field, op: "in", value: [value] };
  if (REFERENCES.has(column.kind) && Array.isArray(value)) return { field, op: "in", value: [value[0]] };
  return { field, op: column.kind === "date" ? "on" : "is", value };
}

export interface Groups {
  readonly by: readonly string[];
}

export class GroupPanel {
  readonly node = element("aside", { class: "grid-groups", "aria-label": text("Groups"), hidden: true });
  private readonly list = element("div", { class: "group-list" });
  private asked = 0;
  private by: readonly string[] = [];
  private active = "";

  constructor(
    private readonly app: GridApp,
    private readonly base: () => Query,
    private readonly figures: () => readonly Figure[],
    private readonly choose: (by: readonly string[]) => void,
    private readonly narrow: (conditions: readonly Condition[] | undefined) => void,
  ) {
    app.root.prepend(this.node);
    this.node.addEventListener("keydown", (event) => {
      event.stopPropagation();
      const lines = [...this.list.querySelectorAll<HTMLElement>("button")];
      const to = lines.indexOf(document.activeElement as HTMLElement) + (event.key === "ArrowDown" ? 1 : -1);
      if (event.key === "Escape") app.table.focus();
      else if ((event.key === "ArrowDown" || event.key === "ArrowUp") && lines[to] && document.activeElement?.tagName !== "SELECT") {
        event.preventDefault();
        lines[to]?.focus();
      }
    });
  }

  show(by: readonly string[]): void {
    this.by = by.filter((key) => this.app.byKey.has(key));
    this.node.hidden = this.by.length === 0;
    this.active = "";
    if (this.by.length > 0) this.draw();
    this.app.table.later(true);
  }

  /** The filter's rows changed: counted anew. */
  refresh(): void {
    if (this.by.length > 0) void this.count();
  }
  released(): void {
    this.active = "";
    for (const one of this.list.querySelectorAll("[aria-pressed=true]")) one.setAttribute("aria-pressed", "false");
  }

  private draw(): void {
    const offers = this.app.schema.columns.filter(groupable).map((one) => [one.key, one.label] as const);
    const [first = "", second = ""] = this.by;
    const one = chosen(text("Group by"), offers, first, (key) => this.choose(second && second !== key ? [key, second] : [key]));
    const two = chosen(text("then by"), [["", text("no second column")], ...offers.filter(([key]) => key !== first)], second, (key) => this.choose(key ? [first, key] : [first]));
    const close = iconButton(text("Close the groups"), "xmark", () => {
      this.choose([]);
      this.app.table.focus();
    });
    this.node.replaceChildren(element("div", { class: "group-head" }, element("b", {}, text("Groups")), close), element("div", { class: "group-by" }, one, two), this.list);
    void this.count();
  }

  private async count(): Promise<void> {
    const turn = (this.asked += 1);
    this.list.setAttribute("aria-busy", "true");
    const { search, filter } = this.base();
    const query = { ...(filter ? { filter } : {}), ...(search ? { search } : {}) };
    const ask = (by: readonly string[]): Promise<{ groups: Counted[] }> => this.app.api.post("/groups", { query, group: { by, figures: this.figures() } });
    try {
      const [outer, inner] = await Promise.all([ask(this.by.slice(0, 1)), this.by.length > 1 ? ask(this.by) : undefined]);
      if (turn !== this.asked) return;
      this.fill(outer.groups, inner?.groups ?? []);
    } catch (error) {
      if (turn !== this.asked) return;
      const again = element("button", { type: "button", class: "btn btn-sm" }, text("Try again"));
      again.addEventListener("click", () => void this.count());
      this.list.replaceChildren(element("p", { class: "muted" }, (error instanceof ApiError && error.message) || text("That did not work. Please try again.")), again);
    } finally {
      if (turn === this.asked) this.list.removeAttribute("aria-busy");
    }
  }

  private fill(outer: readonly Counted[], inner: readonly Counted[]): void {
    const [first, second] = this.by.map((key) => this.app.byKey.get(key));
    if (!first) return;
    const total = outer.reduce((sum, one) => sum + one.count, 0);
    const lines: HTMLElement[] = [this.line(text("All"), total, {}, [], 0)];
    const same = (one: Cell | undefined, other: Cell | undefined): boolean => JSON.stringify(one) === JSON.stringify(other);
    for (const one of outer) {
      const value = one.values[0] ?? null;
      const outside = conditionOf(first, value);
      lines.push(this.line(shownText(first, value) || text("(empty)"), one.count, one.figures, [outside], 0));
      if (!second) continue;
      for (const part of inner.filter((each) => same(each.values[0] ?? null, value))) {
        const deep = part.values[1] ?? null;
        lines.push(this.line(shownText(second, deep) || text("(empty)"), part.count, part.figures, [outside, conditionOf(second, deep)], 1));
      }
    }
    if (outer.length >= 1000) lines.push(element("p", { class: "muted" }, text("Only the 1,000 largest groups are shown.")));
    const held = document.activeElement instanceof HTMLElement && this.list.contains(document.activeElement) ? document.activeElement.dataset["group"] : undefined;
    this.list.replaceChildren(...lines);
    if (held !== undefined) lines.find((one) => one.dataset["group"] === held)?.focus();
  }

  private line(label: string, count: number, figures: Readonly<Record<string, unknown>>, conditions: readonly Condition[], depth: number): HTMLElement {
    const id = JSON.stringify(conditions);
    const isActive = conditions.length > 0 && id === this.active;
    const sums = this.figures().flatMap(([key, what]) => {
      const column = this.app.byKey.get(key);
      const value = figures[`${key}:${what}`];
      return column && value !== undefined && value !== null ? [`${column.label} ${figureText(column, what, value)}`] : [];
    });
    const node = element("button", { type: "button", class: `group-line${depth ? " is-inner" : ""}`, "aria-pressed": String(isActive), "data-group": id }, element("span", {}, label), element("b", {}, count.toLocaleString("en-US")));
    if (sums.length > 0) node.append(element("small", {}, sums.join(" · ")));
    node.addEventListener("click", () => {
      const isOff = conditions.length === 0 || id === this.active;
      this.released();
      this.active = isOff ? "" : id;
      if (!isOff) node.setAttribute("aria-pressed", "true");
      this.narrow(isOff ? undefined : conditions);
    });
    return node;
  }
}

export type { ConditionGroup };
