/** Rows counted by one or two columns, beside the table: a line narrows the rows to what it counts. */
import { element } from "../../dom";
import { text } from "../../messages";
import { ApiError } from "../api";
import type { GridApp } from "../app";
import { NUMBERS, type Cell, type Column, type Condition, type ConditionGroup, type Query } from "../model";
import { shownText } from "../values";
import { chosen, iconButton } from "./box";
import { TIMES } from "./conditions";
import { figureText, type Figure } from "./figures";

interface Counted {
  readonly values: readonly Cell[];
  readonly count: number;
  readonly figures: Readonly<Record<string, unknown>>;
  /** What finds exactly these rows; null where no filter can say it. */
  readonly filter: ConditionGroup | null;
}
interface Answer {
  readonly groups: readonly Counted[];
  readonly by: readonly Part[];
}
/** A column to group by: dates and moments by a unit, numbers by a step. */
export type Part = string | { readonly field: string; readonly unit: string } | { readonly field: string; readonly step: number | "auto" };

const KINDS = new Set(["text", "choice", "bool", "person", "unit", "post", "link", "date", "moment", "number", "money"]);
const NEVER = "__each";

export function groupable(column: Column): boolean {
  return column.filterable && KINDS.has(column.kind);
}
export function fieldOf(part: Part): string {
  return typeof part === "string" ? part : part.field;
}
/** The column as one would group by it who has not chosen: by month, by a step that follows from the rows. */
export function usualPart(column: Column): Part {
  if (TIMES.has(column.kind)) return { field: column.key, unit: "month" };
  return NUMBERS.has(column.kind) ? { field: column.key, step: "auto" } : column.key;
}

function units(): [string, string][] {
  return [["day", text("by day")], ["week", text("by week")], ["month", text("by month")], ["quarter", text("by quarter")], ["year", text("by year")]];
}
function unitOf(part: Part | undefined): string {
  return typeof part === "object" && "unit" in part ? part.unit : "";
}
function stepOf(part: Part | undefined): number | "auto" | undefined {
  return typeof part === "object" && "step" in part ? part.step : undefined;
}

function dayAfter(iso: string, days: number): string {
  return new Date(Date.parse(`${iso}T00:00:00Z`) + days * 86_400_000).toISOString().slice(0, 10);
}
function labelOf(column: Column, part: Part | undefined, value: Cell): string {
  if (value === null || value === "") return text("(empty)");
  const [unit, step] = [unitOf(part), stepOf(part)];
  if (unit !== "") return periodText(unit, String(value));
  if (typeof step === "number" && typeof value === "number") {
    const until = Number((value + step).toPrecision(15));
    return text("from {a} to under {b}", { a: value.toLocaleString("en-US", { maximumFractionDigits: 6 }), b: until.toLocaleString("en-US", { maximumFractionDigits: 6 }) });
  }
  return shownText(column, value);
}
function periodText(unit: string, first: string): string {
  const [year = "", month = ""] = first.split("-");
  if (unit === "week") return `${first} – ${dayAfter(first, 6)}`;
  if (unit === "month") return `${year}-${month}`;
  if (unit === "quarter") return text("{year}, quarter {n}", { year, n: Math.ceil(Number(month) / 3) });
  return unit === "year" ? year : first;
}

export interface Groups {
  readonly by: readonly Part[];
}

export class GroupPanel {
  readonly node = element("aside", { class: "grid-groups", "aria-label": text("Groups"), hidden: true });
  private readonly list = element("div", { class: "group-list" });
  private asked = 0;
  private by: readonly Part[] = [];
  private active = "";

  constructor(
    private readonly app: GridApp,
    private readonly base: () => Query,
    private readonly figures: () => readonly Figure[],
    private readonly choose: (by: readonly Part[]) => void,
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

  show(by: readonly Part[]): void {
    this.by = by.filter((part) => this.app.byKey.has(fieldOf(part)));
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
    const columns = this.app.schema.columns.filter(groupable);
    const [first, second] = this.by;
    if (first === undefined) return;
    const offers = columns.map((one) => [one.key, one.label] as const);
    // A moment may stand twice: by year, then by month.
    const others = columns.filter((one) => one.key !== fieldOf(first) || TIMES.has(one.kind)).map((one) => [one.key, one.label] as const);
    const partOf = (key: string): Part | undefined => {
      const column = this.app.byKey.get(key);
      return column && usualPart(column);
    };
    const choose = (one: Part | undefined, two: Part | undefined): void => this.choose([one, two].filter((part) => part !== undefined));
    const one = chosen(text("Group by"), offers, fieldOf(first), (key) => choose(partOf(key), second !== undefined && fieldOf(second) !== key ? second : undefined));
    const two = chosen(text("then by"), [["", text("no second column")], ...others], second === undefined ? "" : fieldOf(second), (key) => choose(first, partOf(key)));
    const close = iconButton(text("Close the groups"), "xmark", () => {
      this.choose([]);
      this.app.table.focus();
    });
    const by = element("div", { class: "group-by" }, one, ...this.how(first, (part) => choose(part, second)), two, ...(second === undefined ? [] : this.how(second, (part) => choose(first, part))));
    this.node.replaceChildren(element("div", { class: "group-head" }, element("b", {}, text("Groups")), close), by, this.list);
    void this.count();
  }

  /** By which unit of time or step of a number; nothing for other kinds. */
  private how(part: Part, changed: (part: Part) => void): HTMLElement[] {
    const field = fieldOf(part);
    const column = this.app.byKey.get(field);
    if (column && TIMES.has(column.kind)) return [chosen(text("Period"), units(), unitOf(part) || "day", (unit) => changed({ field, unit }))];
    if (!column || !NUMBERS.has(column.kind)) return [];
    const step = stepOf(part);
    const own = element("input", { type: "number", min: "0", step: "any", "aria-label": text("Size of a step"), placeholder: text("Size of a step"), value: typeof step === "number" ? String(step) : "" });
    own.addEventListener("change", () => {
      const size = Number(own.value);
      if (size >= 0.000001 && size < 1e15) changed({ field, step: size });
      else if (own.value === "") changed({ field, step: "auto" });
    });
    const ways: [string, string][] = [["auto", text("steps that fit")], [NEVER, text("each value")]];
    if (typeof step === "number") ways.push(["own", text("steps of my own")]);
    return [chosen(text("Grouping of numbers"), ways, typeof step === "number" ? "own" : (step ?? NEVER), (way) => changed(way === "auto" ? { field, step: "auto" } : field)), own];
  }

  private async count(): Promise<void> {
    const turn = (this.asked += 1);
    this.list.setAttribute("aria-busy", "true");
    const { search, filter } = this.base();
    const query = { ...(filter ? { filter } : {}), ...(search ? { search } : {}) };
    const ask = (by: readonly Part[]): Promise<Answer> => this.app.api.post("/groups", { query, group: { by, figures: this.figures() } });
    try {
      const [outer, inner] = await Promise.all([ask(this.by.slice(0, 1)), this.by.length > 1 ? ask(this.by) : undefined]);
      if (turn !== this.asked) return;
      this.fill(outer.groups, inner?.groups ?? [], inner?.by ?? outer.by);
    } catch (error) {
      if (turn !== this.asked) return;
      const again = element("button", { type: "button", class: "btn btn-sm" }, text("Try again"));
      again.addEventListener("click", () => void this.count());
      this.list.replaceChildren(element("p", { class: "muted" }, (error instanceof ApiError && error.message) || text("That did not work. Please try again.")), again);
    } finally {
      if (turn === this.asked) this.list.removeAttribute("aria-busy");
    }
  }

  private fill(outer: readonly Counted[], inner: readonly Counted[], by: readonly Part[]): void {
    const [first, second] = by.map((part) => this.app.byKey.get(fieldOf(part)));
    if (!first) return;
    const total = outer.reduce((sum, one) => sum + one.count, 0);
    const lines: HTMLElement[] = [this.line(text("All"), total, {}, { all: [] }, 0)];
    const same = (one: Cell | undefined, other: Cell | undefined): boolean => JSON.stringify(one) === JSON.stringify(other);
    for (const one of outer) {
      const value = one.values[0] ?? null;
      lines.push(this.line(labelOf(first, by[0], value), one.count, one.figures, one.filter, 0));
      if (!second) continue;
      for (const part of inner.filter((each) => same(each.values[0] ?? null, value))) {
        lines.push(this.line(labelOf(second, by[1], part.values[1] ?? null), part.count, part.figures, part.filter, 1));
      }
    }
    if (Math.max(outer.length, inner.length) >= 1000) lines.push(element("p", { class: "muted" }, text("Only the first 1,000 groups are shown.")));
    const held = document.activeElement instanceof HTMLElement && this.list.contains(document.activeElement) ? document.activeElement.dataset["group"] : undefined;
    this.list.replaceChildren(...lines);
    if (held !== undefined) lines.find((one) => one.dataset["group"] === held)?.focus();
  }

  private line(label: string, count: number, figures: Readonly<Record<string, unknown>>, filter: ConditionGroup | null, depth: number): HTMLElement {
    const conditions: readonly Condition[] = filter?.all ?? [];
    const id = JSON.stringify(filter === null ? [label, depth] : conditions);
    const isActive = conditions.length > 0 && id === this.active;
    const sums = this.figures().flatMap(([key, what]) => {
      const column = this.app.byKey.get(key);
      const value = figures[`${key}:${what}`];
      return column && value !== undefined && value !== null ? [`${column.label} ${figureText(column, what, value)}`] : [];
    });
    const node = element("button", { type: "button", class: `group-line${depth ? " is-inner" : ""}`, "aria-pressed": String(isActive), "data-group": id, disabled: filter === null }, element("span", {}, label), element("b", {}, count.toLocaleString("en-US")));
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
