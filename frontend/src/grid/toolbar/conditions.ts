/** Conditions in words, and whether a row in the browser meets them: as app/services/grid_sql.py asks the database. */
import { text } from "../../messages";
import { NUMBERS, REFERENCES, type Cell, type Column, type Condition, type ConditionGroup, type Row } from "../model";
import { momentText } from "../values";
import { spanOf, spanText } from "./spans";

export interface Single {
  readonly field: string;
  readonly op: string;
  readonly value?: unknown;
}
/** Who asks: what "me" and "my unit" mean. */
export interface Me {
  readonly person: number | null;
  readonly units: readonly number[];
}
export const TIMES: ReadonlySet<string> = new Set(["date", "moment"]);
export const TEXTS: ReadonlySet<string> = new Set(["text", "long"]);

export function isGroup(one: Condition): one is ConditionGroup {
  return "all" in one || "any" in one;
}
export function partsOf(group: ConditionGroup | undefined): readonly Condition[] {
  return group?.all ?? group?.any ?? [];
}
export function countOf(group: ConditionGroup | undefined): number {
  return partsOf(group).reduce((sum, one) => sum + (isGroup(one) ? countOf(one) : 1), 0);
}
export function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? (value as unknown[]) : value === undefined || value === null ? [] : [value];
}

/** Both must hold. */
export function joined(base: ConditionGroup | undefined, more: readonly Condition[]): ConditionGroup {
  if (countOf(base) === 0) return { all: more };
  return base?.all ? { all: [...base.all, ...more] } : { all: [base ?? {}, ...more] };
}

/** The filter without its last condition, and that condition; an emptied group goes too. */
export function withoutLast(group: ConditionGroup): { rest: ConditionGroup; last: Single | undefined } {
  const parts = [...partsOf(group)];
  let last: Single | undefined;
  while (parts.length > 0 && last === undefined) {
    const end = parts.pop();
    if (end === undefined) break;
    if (!isGroup(end)) last = end;
    else {
      const inner = withoutLast(end);
      last = inner.last;
      if (countOf(inner.rest) > 0) parts.push(inner.rest);
    }
  }
  return { rest: group.any ? { any: parts } : { all: parts }, last };
}

export function opText(op: string, column: Column): string {
  if (TIMES.has(column.kind)) {
    const said: Record<string, string> = { on: text("is on or in"), less: text("is before"), at_most: text("is on or before"), more: text("is after"), at_least: text("is on or after"), between: text("is from … to") };
    if (said[op]) return said[op];
  }
  const words: Record<string, string> = {
    is: text("is"), is_not: text("is not"), in: text("is one of"), not_in: text("is none of"), contains: text("contains"), not_contains: text("does not contain"),
    starts: text("begins with"), less: "<", at_most: "≤", more: ">", at_least: "≥", between: text("is between"),
    empty: text("is empty"), not_empty: text("is filled in"), me: text("is me"), my_unit: text("is my unit"),
  };
  return words[op] ?? op;
}

export function inWords(one: Single, columns: ReadonlyMap<string, Column>, nameOf: (key: string, id: unknown) => string): string {
  const column = columns.get(one.field);
  if (!column) return one.field;
  const values = listOf(one.value).map((value) => {
    if (typeof value === "boolean") return value ? text("Yes") : text("No");
    if (TIMES.has(column.kind)) return spanText(String(value));
    if (REFERENCES.has(column.kind)) return nameOf(column.key, value);
    return column.choices.find((choice) => choice.code === value)?.label ?? String(value);
  });
  const shown = values.length > 3 ? `${values.slice(0, 3).join("、")} …` : values.join("、");
  return `${column.label} ${opText(one.op, column)}${shown === "" ? "" : ` ${shown}`}`;
}

function isEmpty(value: Cell | undefined): boolean {
  return value === null || value === undefined || value === "" || (Array.isArray(value) && value.length === 0);
}

export function holds(part: Condition, row: Row, columns: ReadonlyMap<string, Column>, me: Me): boolean {
  if (isGroup(part)) {
    const parts = partsOf(part);
    if (parts.length === 0) return true;
    const test = (one: Condition): boolean => holds(one, row, columns, me);
    return part.any ? parts.some(test) : parts.every(test);
  }
  const column = columns.get(part.field);
  if (!column) return false;
  const value = row.cells[part.field];
  if (part.op === "empty") return isEmpty(value);
  if (part.op === "not_empty") return !isEmpty(value);
  if (isEmpty(value)) return ["is_not", "not_in", "not_contains"].includes(part.op);
  return compared(part, column, value as NonNullable<Cell>, me);
}

function compared(one: Single, column: Column, value: NonNullable<Cell>, me: Me): boolean {
  const wanted = listOf(one.value);
  if (one.op === "me") return Array.isArray(value) && value[0] === me.person;
  if (one.op === "my_unit") return Array.isArray(value) && me.units.includes(Number(value[0]));
  if (TIMES.has(column.kind)) return inTime(one.op, column.kind === "moment" ? momentText(String(value)).slice(0, 10) : String(value), wanted);
  if (TEXTS.has(column.kind)) {
    const [cell, typed] = [String(value), String(wanted[0] ?? "")];
    const [low, part] = [cell.toLowerCase(), typed.toLowerCase()];
    if (one.op === "is" || one.op === "is_not") return (cell === typed) === (one.op === "is");
    if (one.op === "starts") return low.startsWith(part);
    return low.includes(part) === (one.op === "contains");
  }
  if (NUMBERS.has(column.kind)) return ordered(one.op, Number(value), wanted.map(Number));
  const held: readonly unknown[] = REFERENCES.has(column.kind) && Array.isArray(value) ? [value[0]] : listOf(value);
  const found = held.some((each) => wanted.some((other) => String(other) === String(each)));
  return found === (one.op === "is" || one.op === "in");
}

function ordered(op: string, value: number, wanted: readonly number[]): boolean {
  const [first = NaN] = wanted;
  switch (op) {
    case "is": return value === first;
    case "is_not": return value !== first;
    case "less": return value < first;
    case "at_most": return value <= first;
    case "more": return value > first;
    case "at_least": return value >= first;
    default: return value >= Math.min(...wanted) && value <= Math.max(...wanted);
  }
}

function inTime(op: string, day: string, wanted: readonly unknown[]): boolean {
  const spans = wanted.map((one) => spanOf(String(one))).filter((one) => one !== undefined);
  if (spans.length === 0) return false;
  const first = spans.map((one) => one[0]).sort()[0] ?? "";
  const last = spans.map((one) => one[1]).sort().reverse()[0] ?? "";
  switch (op) {
    case "less": return day < first;
    case "at_most": return day <= last;
    case "more": return day > last;
    case "at_least": return day >= first;
    default: return day >= first && day <= last;
  }
}
