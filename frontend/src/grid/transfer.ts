/** Blocks of cells: copy, cut, paste, fill, clear. Whatever is not loaded is fetched first; nothing is done short in silence. */
import { text } from "../messages";
import { showToast } from "../toast";
import type { GridApp } from "./app";
import { fromClipboard, toHtml, toTsv } from "./clipboard";
import type { Change } from "./edits";
import { REFERENCES, type Column, type Row } from "./model";
import { options } from "./picker";
import type { Range } from "./table";
import { choiceOf, numberIn, plainText, rawOf } from "./values";

const MOST_COPIED = 20_000;
const MOST_WRITTEN = 5_000;
const MOST_NAMES = 200;

interface Own {
  readonly tsv: string;
  readonly raws: readonly (readonly { readonly raw: unknown; readonly kind: string; readonly refers: string; readonly key: string }[])[];
}
/** One cell to write: what it is to hold, and how it looks until the server has answered. */
interface Given {
  readonly raw: unknown;
  readonly shown: string;
}

export class Transfer {
  private own: Own | undefined;
  private ready: { range: string; rows: Row[] } | undefined;
  private readonly names = new Map<string, unknown>();

  constructor(private readonly app: GridApp) {
    const { sink } = app.table;
    sink.addEventListener("copy", (event) => this.copy(event, false));
    sink.addEventListener("cut", (event) => this.copy(event, true));
    sink.addEventListener("paste", (event) => this.paste(event));
  }

  // --- out ------------------------------------------------------------------------------------------------------------

  private copy(event: ClipboardEvent, cut: boolean): void {
    const { app } = this;
    if (app.editor.isOpen || event.clipboardData === null) return;
    event.preventDefault();
    const range = app.dataRange();
    const rows = this.held(range) ?? (this.ready?.range === JSON.stringify(range) ? this.ready.rows : undefined);
    if (!rows) return void this.fetchForCopy(range);
    const { tsv, html } = this.forms(range, rows);
    event.clipboardData.setData("text/plain", tsv);
    event.clipboardData.setData("text/html", html);
    if (cut) void this.clear();
    else {
      const n = rows.length * (range.right - range.left + 1);
      app.flash(n === 1 ? text("1 cell copied") : text("{n} cells copied", { n }));
    }
  }

  private held(range: Range): Row[] | undefined {
    const rows: Row[] = [];
    for (let at = range.top; at <= range.bottom; at += 1) {
      const row = this.app.windows.row(at);
      if (!row || rows.length > MOST_COPIED) return undefined;
      rows.push(row);
    }
    return rows;
  }

  private forms(range: Range, rows: readonly Row[]): { tsv: string; html: string } {
    const columns = this.app.shown.slice(range.left, range.right + 1);
    const block = rows.map((row) => columns.map((column) => plainText(row, column)));
    const tsv = toTsv(block);
    const kept = (row: Row, column: Column): Own["raws"][number][number] => ({ raw: rawOf(column, row.cells[column.key]), kind: column.kind, refers: column.refers, key: column.key });
    this.own = { tsv, raws: rows.map((row) => columns.map((column) => kept(row, column))) };
    return { tsv, html: toHtml(block, (at) => columns[at]?.kind === "number" || columns[at]?.kind === "money") };
  }

  /** The browser hands the clipboard over only at once: rows are fetched, then the same keys copy them. */
  private async fetchForCopy(range: Range): Promise<void> {
    const count = range.bottom - range.top + 1;
    if (count > MOST_COPIED) return showToast({ text: text("At most {n} rows can be copied at once. Use the export for more.", { n: MOST_COPIED }), tone: "warn" });
    const rows = await this.app.long(text("Loading the rows to copy"), count, (progress, signal) => this.app.windows.range(range.top, range.bottom + 1, progress, signal));
    if (!rows) return;
    this.ready = { range: JSON.stringify(range), rows };
    // Not by navigator.clipboard: it cleans the HTML of what tells Excel that 18 digits are a text.
    const { table } = this.app;
    table.focus();
    table.sink.readOnly = false;
    table.sink.value = " ";
    table.sink.select();
    const isCopied = document.execCommand("copy");
    table.sink.value = "";
    this.app.guardSink();
    if (!isCopied) showToast({ text: text("All {n} rows are loaded. Press Ctrl+C once more to copy them.", { n: rows.length }), tone: "ok" });
  }

  // --- in -------------------------------------------------------------------------------------------------------------

  private paste(event: ClipboardEvent): void {
    if (this.app.editor.isOpen || event.clipboardData === null) return;
    event.preventDefault();
    const plain = event.clipboardData.getData("text/plain");
    const block = fromClipboard(event.clipboardData);
    const own = this.own && sameText(this.own.tsv, plain) ? this.own : undefined;
    if (block.length > 0) void this.put(block, own);
  }

  /** One text into every selected cell. */
  spread(typed: string): Promise<void> {
    return this.put([[typed]], undefined);
  }

  /** A block lies at the upper left of the selection; one value, or a block that fits several times, fills it. */
  private async put(block: readonly string[][], own: Own | undefined): Promise<void> {
    const { app } = this;
    const range = app.table.range;
    const high = block.length;
    const wide = Math.max(...block.map((line) => line.length));
    const rows = range.bottom - range.top + 1;
    const cols = range.right - range.left + 1;
    const target = { ...range, bottom: range.top + (rows % high === 0 ? rows : high) - 1, right: Math.min(range.left + (cols % wide === 0 ? cols : wide), app.shown.length) - 1 };
    const given = (y: number, x: number, column: Column): Given | undefined => {
      const shown = block[y % high]?.[x % wide] ?? "";
      const cell = own?.raws[y % high]?.[x % wide];
      const same = cell && (cell.key === column.key || (cell.kind === column.kind && cell.refers === column.refers && column.choices.length === 0));
      return same ? { raw: cell.raw, shown } : this.typed(column, shown);
    };
    await this.lookUp(block, target, own);
    app.table.select(target);
    await this.write("paste", target, given, text("Pasting"));
  }

  /** What a text is in a column, as far as it can be told here; the server judges the rest. */
  private typed(column: Column, shown: string): Given {
    const words = shown.trim();
    if (words === "") return { raw: null, shown: "" };
    if (column.kind === "choice") return { raw: choiceOf(column, words) ?? words, shown };
    if (column.kind === "choices") return { raw: words.split(/[、,，;；\n|]+/).map((one) => choiceOf(column, one) ?? one.trim()).filter((one) => one !== ""), shown };
    if (REFERENCES.has(column.kind)) return { raw: this.names.get(`${column.key}\u0000${words}`) ?? words, shown };
    return { raw: column.kind === "text" || column.kind === "long" ? shown : words, shown };
  }

  /** Rows of other sheets are pasted by their names. */
  private async lookUp(block: readonly string[][], target: Range, own: Own | undefined): Promise<void> {
    if (own) return;
    const wanted: [Column, string][] = [];
    for (let col = target.left; col <= target.right; col += 1) {
      const column = this.app.shown[col];
      if (!column || !REFERENCES.has(column.kind) || !this.app.isWritable(column)) continue;
      const names = new Set(block.map((line) => (line[(col - target.left) % Math.max(1, line.length)] ?? "").trim()));
      for (const name of names) if (name !== "" && !this.names.has(`${column.key}\u0000${name}`)) wanted.push([column, name]);
    }
    for (const [column, name] of wanted.slice(0, MOST_NAMES)) {
      const found = await options(this.app.api, column.key, name).catch(() => []);
      const hit = found.find((one) => one.label === name);
      if (hit) this.names.set(`${column.key}\u0000${name}`, hit.value);
    }
  }

  /** Ctrl+D: what stands on top goes down; of a single row, what stands above it. */
  async fillDown(): Promise<void> {
    const range = this.app.dataRange();
    const top = range.top === range.bottom ? range.top - 1 : range.top;
    if (top < 0) return;
    await this.fill({ ...range, top, bottom: top }, { ...range, top: top + 1 });
  }

  /** Ctrl+R: what stands at the left goes to the right; of a single column, what stands beside it. */
  async fillRight(): Promise<void> {
    const range = this.app.dataRange();
    const left = range.left === range.right ? range.left - 1 : range.left;
    if (left < 0) return;
    await this.fill({ ...range, left, right: left }, { ...range, left: left + 1 });
  }

  /** The cells of one range over another, again and again; `goesOn`: several that step evenly go on stepping downwards. */
  async fill(from: Range, to: Range, goesOn = false): Promise<void> {
    const { app } = this;
    const source = await app.long(text("Filling"), from.bottom - from.top + 1, (progress, signal) => app.windows.range(from.top, from.bottom + 1, progress, signal));
    if (!source || source.length === 0) return;
    const wide = from.right - from.left + 1;
    const steps = new Map(goesOn && to.top > from.bottom ? app.shown.slice(from.left, from.right + 1).map((column) => [column.key, series(column, source)]) : []);
    app.table.select({ top: Math.min(from.top, to.top), bottom: Math.max(from.bottom, to.bottom), left: Math.min(from.left, to.left), right: Math.max(from.right, to.right) });
    await this.write("fill", to, (y, x, column) => {
      const other = app.shown[from.left + (x % wide)];
      const row = source[y % source.length];
      if (!other || !row) return undefined;
      const next = other.key === column.key ? steps.get(other.key)?.(y) : undefined;
      if (next !== undefined) return { raw: next, shown: String(next) };
      const shown = plainText(row, other);
      return other.key === column.key ? { raw: rawOf(other, row.cells[other.key]), shown } : this.typed(column, shown);
    }, text("Filling"));
  }

  async clear(): Promise<void> {
    await this.write("cell", this.app.dataRange(), () => ({ raw: null, shown: "" }), text("Clearing"));
  }

  private async write(kind: "paste" | "fill" | "cell", target: Range, given: (y: number, x: number, column: Column) => Given | undefined, label: string): Promise<void> {
    const { app } = this;
    const count = target.bottom - target.top + 1;
    if (count > MOST_WRITTEN) return showToast({ text: text("At most {n} rows can be changed at once. Use the bulk change for more.", { n: MOST_WRITTEN }), tone: "warn" });
    const columns = app.shown.slice(target.left, target.right + 1);
    const fixed = columns.filter((one) => !app.isWritable(one));
    if (fixed.length === columns.length) return columns[0] && app.explainFixed(columns[0]);
    const last = Math.min(target.bottom + 1, app.windows.total);
    const rows = last > target.top ? await app.long(label, count, (progress, signal) => app.windows.range(target.top, last, progress, signal)) : [];
    if (!rows) return;
    const changes: Change[] = [];
    const news: Record<string, unknown>[] = [];
    for (let y = 0; y < count; y += 1) {
      const row = rows[y];
      const fresh: Record<string, unknown> = {};
      columns.forEach((column, x) => {
        if (!app.isWritable(column)) return;
        const cell = given(y, x, column);
        if (!cell) return;
        if (!row) fresh[column.key] = cell.raw;
        else if (plainText(row, column) !== cell.shown || app.edits.mark(row.id, column.key)) {
          changes.push({ id: row.id, version: row.version, key: column.key, base: row.cells[column.key] ?? null, raw: cell.raw, shown: cell.shown });
        }
      });
      if (!row && Object.values(fresh).some((one) => one !== null)) news.push(fresh);
    }
    await this.send(kind, changes, news, fixed.length > 0, label);
  }

  private async send(kind: "paste" | "fill" | "cell", changes: Change[], news: Record<string, unknown>[], left: boolean, label: string): Promise<void> {
    const { app } = this;
    const kept = app.schema.can.add ? news : [];
    if (news.length > kept.length) showToast({ text: text("{n} rows did not fit: this sheet takes no new rows here.", { n: news.length }), tone: "warn" });
    if (left) app.flash(text("Columns that are read only were left as they are."));
    if (changes.length === 0 && kept.length === 0) return;
    const only = changes[0];
    if (changes.length === 1 && only && kept.length === 0) return app.edits.save(only);
    const rows = new Set(changes.map((one) => one.id)).size + kept.length;
    await app.long(label, rows, (progress, signal) => app.edits.saveMany(kind, changes, kept, progress, signal));
  }
}

const DAY = 86_400_000;

/** 1, 2 goes on with 3; 1 March, 8 March with 15 March: what stands in the n-th cell behind, where all step evenly. */
function series(column: Column, rows: readonly Row[]): ((n: number) => number | string) | undefined {
  const isDate = column.kind === "date";
  const values = rows.map((row) => (isDate ? Date.parse(String(row.cells[column.key])) / DAY : numberIn(row, column)) ?? NaN);
  const [first = NaN, second = NaN] = values;
  const step = second - first;
  const isEven = values.every((value, at) => Math.abs(value - first - step * at) < 1e-9);
  if (values.length < 2 || !isEven || step === 0) return undefined;
  return (n) => {
    const value = first + step * (values.length + n);
    return isDate ? new Date(value * DAY).toISOString().slice(0, 10) : Math.round(value * 1e6) / 1e6;
  };
}

const sameText = (one: string, other: string): boolean => one.replace(/\r\n/g, "\n").trimEnd() === other.replace(/\r\n/g, "\n").trimEnd();
