/** How a cell's value is shown, copied and opened for typing; moments in the office's zone whatever the computer's is. */
import { text } from "../messages";
import { NUMBERS, REFERENCES, type Cell, type Column, type Row } from "./model";

/** Between the labels of several choices in the text of a cell. */
export const SEVERAL = "\u0001";

const offsets = new Map<number, number>();
let zoned: Intl.DateTimeFormat | undefined;

export function setZone(zone: string): void {
  offsets.clear();
  try {
    zoned = new Intl.DateTimeFormat("en-GB", {
      timeZone: zone, hourCycle: "h23", year: "numeric", month: "2-digit", day: "2-digit", hour: "2-digit", minute: "2-digit",
    });
  } catch {
    zoned = undefined; // a zone this browser does not know: the computer's own
  }
}

/** Milliseconds the office is ahead of UTC; asked of the browser once per day, for it is slow to answer. */
function ahead(at: number): number {
  const day = Math.floor(at / 21_600_000);
  const known = offsets.get(day);
  if (known !== undefined) return known;
  let found = -new Date(at).getTimezoneOffset() * 60_000;
  if (zoned) {
    const parts: Record<string, number> = {};
    for (const part of zoned.formatToParts(at)) parts[part.type] = Number(part.value);
    const local = Date.UTC(parts["year"] ?? 0, (parts["month"] ?? 1) - 1, parts["day"], parts["hour"], parts["minute"]);
    found = local - Math.floor(at / 60_000) * 60_000;
  }
  offsets.set(day, found);
  return found;
}

/** 2026-11-25 16:00 of an ISO moment. */
export function momentText(iso: string): string {
  const at = Date.parse(iso);
  if (Number.isNaN(at)) return iso;
  return new Date(at + ahead(at)).toISOString().slice(0, 16).replace("T", " ");
}

function numberText(value: number, column: Column): string {
  return column.kind === "money" ? value.toLocaleString("en-US", { minimumFractionDigits: 2 }) : String(value);
}

function labelOf(column: Column, code: string): string {
  return column.choices.find((one) => one.code === code)?.label ?? code;
}

/** The name of the only file, else how many and their names. */
function filesText(value: readonly unknown[]): string {
  const names = value.map((one) => (Array.isArray(one) ? String(one[1] || `#${one[0]}`) : `#${one}`));
  return names.length < 2 ? names.join("") : `${text("{n} files", { n: names.length })}: ${names.join("、")}`;
}

/** The text of a value; several choices with SEVERAL between them. */
export function shownText(column: Column, value: Cell | undefined): string {
  if (value === null || value === undefined || value === "") return "";
  if (typeof value === "boolean") return value ? text("Yes") : text("No");
  if (typeof value === "number") return numberText(value, column);
  if (typeof value === "string") {
    if (column.kind === "choice") return labelOf(column, value);
    if (column.kind === "moment") return momentText(value);
    return value;
  }
  if (column.kind === "files") return filesText(value);
  if (REFERENCES.has(column.kind)) return String(value[1] ?? value[0] ?? "");
  if (column.kind === "choices") return (value as readonly string[]).map((one) => labelOf(column, one)).join(SEVERAL);
  return value.join("、");
}

/** Made once for each row and kept with it. */
export function cellText(row: Row, column: Column): string {
  const shown = (row.shown ??= {});
  return (shown[column.key] ??= shownText(column, row.cells[column.key]));
}

/** What goes to the clipboard and into the editor: one line of it can be typed again. */
export function plainText(row: Row, column: Column): string {
  const found = cellText(row, column);
  if (column.kind === "choices") return found.split(SEVERAL).join("、");
  const value = row.cells[column.key];
  return typeof value === "number" ? String(value) : found;
}

/** The value as the server takes it: what PATCH and /edits would keep unchanged. */
export function rawOf(column: Column, value: Cell | undefined): unknown {
  if (value === undefined) return null;
  if (REFERENCES.has(column.kind) && Array.isArray(value)) return value[0];
  if (column.kind === "files" && Array.isArray(value)) return value.map((one) => (Array.isArray(one) ? one[0] : one));
  return value;
}

export function sameValue(one: Cell | undefined, other: Cell | undefined): boolean {
  return JSON.stringify(one ?? null) === JSON.stringify(other ?? null);
}

/** The number a copied or summed cell holds, if it is one. */
export function numberIn(row: Row, column: Column): number | undefined {
  const value = row.cells[column.key];
  return NUMBERS.has(column.kind) && typeof value === "number" ? value : undefined;
}

/** The choice that a typed or pasted text names, by label or code. */
export function choiceOf(column: Column, typed: string): string | undefined {
  const wanted = typed.trim().toLowerCase();
  return column.choices.find((one) => one.label.toLowerCase() === wanted || one.code.toLowerCase() === wanted)?.code;
}
