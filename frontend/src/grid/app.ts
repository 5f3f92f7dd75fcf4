/**
 * The spreadsheet of one sheet. What stands around it (toolbar, export, bulk changes) is built on this class alone:
 * `spec`/`setSpec` the whole view, `query`/`setQuery`, `columns`/`setColumns`, `setPainter` for colours, `setFigures` for the
 * row under the table, `selection`, `on`, `menu.columnEntries`/`cellEntries`, `panel.sections`, `notice`, `long`.
 */
import { element } from "../dom";
import { text } from "../messages";
import { showToast } from "../toast";
import { ApiError, requestKey, type SheetApi } from "./api";
import { Cards } from "./cards";
import { Edits, type Mark } from "./edits";
import { Editor } from "./editor";
import { Finder } from "./finder";
import { listenToKeys } from "./keys";
import { Live } from "./live";
import { Menu } from "./menu";
import { fitted, isWritable, type Column, type Query, type Row, type Schema, type ShownColumn, type Sorting, type Spec } from "./model";
import { Notices } from "./notices";
import { Panel } from "./panel";
import { Posts } from "./posts";
import { listenToFiles } from "./files";
import { listenToPointer } from "./pointer";
import { Status } from "./status";
import { Table, type Look, type Range, type Source } from "./table";
import { followed } from "./tasks";
import { Transfer } from "./transfer";
import { cellText, setZone } from "./values";
import { Windows } from "./windows";

/** Colours of a row and of its cells: names of COLOURS in app/rules/values.py. */
export interface Paint {
  readonly row?: string;
  readonly cells?: Readonly<Record<string, string>>;
}
export interface Selection {
  /** Rows of the selection that are loaded; `count` is how many it has. */
  readonly rows: readonly Row[];
  readonly keys: readonly string[];
  readonly count: number;
}
/** query: what is asked; view: anything a saved view keeps; rows: rows came or changed; selection: the place. */
export type Happening = "query" | "view" | "rows" | "selection";

const EMPTY_PAINT: Paint = {};
const refusalOf = (error: unknown): ApiError => (error instanceof ApiError ? error : new ApiError(0, "", text("That did not work. Please try again.")));

export class GridApp implements Source {
  readonly table: Table;
  readonly windows: Windows;
  readonly edits: Edits;
  readonly editor: Editor;
  readonly transfer: Transfer;
  readonly menu: Menu;
  readonly finder: Finder;
  readonly panel: Panel;
  readonly status: Status;
  readonly notices: Notices;
  readonly cards: Cards;
  /** For which post one acts, where that is a choice. */
  readonly posts: Posts;
  readonly byKey: ReadonlyMap<string, Column>;
  readonly live: Live | undefined;
  /** The columns that are shown, in their order. */
  shown: Column[] = [];
  /** Whether the layout is remembered in this browser; a saved view keeps its own. */
  keepsLayout = true;
  hasFigures = false;
  /** What the open view is called, "" for none. */
  viewName = "";

  private view: Spec;
  private painter: ((row: Row) => Paint | undefined) | undefined;
  private paints = new WeakMap<Row, Paint>();
  private figures: Readonly<Record<string, string>> = {};
  private readonly listeners = new Map<Happening, (() => void)[]>();
  private readonly empty = element("div", { class: "grid-empty", hidden: true });
  private explained = -Infinity;
  private isMarking = false;
  private also: readonly string[] = [];
  /** The rows that are being made of what was typed into the empty line, by their places. */
  private readonly fresh = new Map<number, Promise<Row | undefined>>();

  constructor(
    readonly root: HTMLElement,
    readonly api: SheetApi,
    readonly schema: Schema,
    spec: Partial<Spec>,
  ) {
    setZone(root.dataset["zone"] ?? "Asia/Shanghai");
    this.byKey = new Map(schema.columns.map((one) => [one.key, one]));
    this.view = fitted(schema, spec);
    this.posts = new Posts(schema);
    const host = element("div", { class: "grid-table" });
    root.append(host);
    this.notices = new Notices(this, document.querySelector<HTMLElement>("[data-grid-notices]") ?? root);
    this.windows = new Windows(api, schema, {
      changed: () => this.rowsChanged(),
      failed: (problem) => this.notices.failed(problem),
    });
    this.edits = new Edits(api, {
      acting: () => this.posts.said,
      replace: (row) => this.replaced(row),
      // A paste marks thousands of cells in one go: what is said of them is said once.
      marked: () => {
        if (this.isMarking) return;
        this.isMarking = true;
        queueMicrotask(() => {
          this.isMarking = false;
          this.notices.conflicts();
          this.status.draw();
          this.panel.tellMarks();
          this.table.later(true);
        });
      },
      conflict: () => this.notices.conflicts(),
      added: () => this.reload(),
      mine: (ids) => this.live?.mine(ids),
      told: (words, tone) => showToast({ text: words, tone }),
      follow: async (task) => void (await followed(this, task, text("Taking rows back"))),
    });
    this.table = new Table(host, this, schema.label);
    host.append(this.empty);
    this.editor = new Editor(this);
    this.transfer = new Transfer(this);
    this.menu = new Menu(this);
    this.finder = new Finder(this);
    this.panel = new Panel(this);
    this.status = new Status(this, document.querySelector<HTMLElement>("[data-grid-status]") ?? root);
    this.cards = new Cards(this);
    listenToKeys(this);
    listenToPointer(this);
    listenToFiles(this);
    this.table.onMoved = () => {
      this.status.draw();
      this.emit("selection");
    };
    this.applyHeight();
    this.applyColumns();
    this.ask();
    this.live = new Live(this);
    window.addEventListener("beforeunload", (event) => {
      if (this.fresh.size > 0 || this.edits.waiting > 0 || this.edits.troubled.length > 0 || this.edits.unadded.length > 0) event.preventDefault();
    });
    if (!this.cards.isOn) this.table.focus();
    this.guardSink();
  }

  // --- what others build on -----------------------------------------------------------------------------------------------

  on(what: Happening, act: () => void): void {
    this.listeners.set(what, [...(this.listeners.get(what) ?? []), act]);
  }
  private emit(what: Happening): void {
    for (const act of this.listeners.get(what) ?? []) act();
  }

  spec(): Spec {
    return this.view;
  }
  setSpec(spec: Partial<Spec>): void {
    this.view = fitted(this.schema, spec);
    this.applyHeight();
    this.applyColumns();
    this.ask();
    this.emit("query");
    this.emit("view");
  }
  /** Parts of the view that need no rows anew: colours, figures, group, height, frozen. */
  change(part: Partial<Spec>): void {
    Object.assign(this.view, part);
    this.applyHeight();
    this.applyColumns();
    this.viewChanged();
  }
  query(): Query {
    return this.view.query;
  }
  setQuery(query: Query): void {
    this.view.query = query;
    this.ask();
    this.emit("query");
    this.viewChanged();
  }
  columns(): readonly ShownColumn[] {
    return this.view.columns;
  }
  setColumns(columns: ShownColumn[]): void {
    const before = this.shown.map((one) => one.key).sort().join();
    this.view.columns = columns;
    this.applyColumns();
    // A column that was not fetched is fetched; the place stays.
    if (this.shown.map((one) => one.key).sort().join() !== before) this.ask();
    this.viewChanged();
  }
  selection(): Selection {
    const { top, bottom, left, right } = this.dataRange();
    const rows: Row[] = [];
    for (let at = top; at <= Math.min(bottom, top + 5_000); at += 1) {
      const row = this.windows.row(at);
      if (row) rows.push(row);
    }
    return { rows, keys: this.shown.slice(left, right + 1).map((one) => one.key), count: Math.max(0, bottom - top + 1) };
  }
  /** Columns that are read though nobody sees them: a colour depends on them. */
  alsoRead(keys: readonly string[]): void {
    const shown = new Set(this.shown.map((one) => one.key));
    const isMissing = keys.some((key) => !shown.has(key) && !this.also.includes(key));
    this.also = keys;
    if (isMissing) this.ask();
  }
  setPainter(painter: ((row: Row) => Paint | undefined) | undefined): void {
    this.painter = painter;
    this.paints = new WeakMap();
    this.table.later(true);
    this.cards.redraw();
  }
  /** Words under the columns, by key; undefined takes the row away. */
  setFigures(figures: Readonly<Record<string, string>> | undefined): void {
    const had = this.hasFigures;
    this.hasFigures = figures !== undefined;
    this.figures = figures ?? {};
    if (had !== this.hasFigures) this.table.build();
    else this.table.later(true);
  }
  /** Rows are read anew, the place is kept. */
  reload(): void {
    this.live?.reset();
    this.windows.reload();
  }
  /** A notice over the table, by a name of its own; no words take it away. */
  notice(name: string, words: string, ...buttons: { label: string; act: () => void }[]): void {
    this.notices.set(name, words, buttons);
  }
  /** Something that takes a while, with how far it is and a way to stop it; undefined when it was stopped or failed. */
  long<T>(label: string, all: number, act: (progress: (done: number) => void, signal: AbortSignal) => Promise<T>): Promise<T | undefined> {
    return this.notices.long(label, all, act);
  }
  flash(words: string): void {
    this.table.say(words);
    this.notices.brief(words);
  }

  // --- source of the table --------------------------------------------------------------------------------------------------

  get total(): number {
    return this.windows.total;
  }
  get extra(): number {
    return this.schema.can.add && this.windows.isCounted ? 1 + this.fresh.size : 0;
  }
  isApproximate(row: number): boolean {
    return !this.windows.isSure(row);
  }
  row(index: number): Row | undefined {
    return this.windows.row(index);
  }
  want(from: number, until: number): void {
    this.windows.want(from, until);
  }
  isWritable(column: Column | undefined): boolean {
    return isWritable(this.schema, column);
  }
  title(column: Column): string {
    const orders = this.view.query.sort?.length ? this.view.query.sort : this.schema.order;
    const at = orders.findIndex((one) => one[0] === column.key);
    if (at < 0) return column.label;
    const arrow = orders[at]?.[1] === "desc" ? "↓" : "↑";
    return `${column.label} ${arrow}${orders.length > 1 ? at + 1 : ""}`;
  }
  figure(column: Column): string {
    return this.figures[column.key] ?? "";
  }
  gutter(row: Row): string {
    const here = this.live?.people;
    if (here === undefined || here.length === 0) return "";
    return here.filter((one) => one.row === row.id).map((one) => one.name).join("、");
  }
  paint(row: Row): Paint {
    if (!this.painter) return EMPTY_PAINT;
    let found = this.paints.get(row);
    if (found === undefined) this.paints.set(row, (found = this.painter(row) ?? EMPTY_PAINT));
    return found;
  }
  lineClass(row: Row): string {
    const colour = this.paint(row).row;
    const gone = this.live?.gone.has(row.id) ? " is-gone" : "";
    return (colour === undefined ? "" : `paint-${colour}`) + gone;
  }
  look(row: Row, column: Column): Look {
    const mark = this.edits.marks.size > 0 ? this.edits.mark(row.id, column.key) : undefined;
    if (mark) return { text: mark.change.shown, chips: "", className: `is-${mark.kind}` };
    const shown = cellText(row, column);
    const colour = this.painter ? this.paint(row).cells?.[column.key] : undefined;
    let className = colour === undefined ? "" : `paint-${colour}`;
    if (this.live !== undefined && this.live.fresh.size > 0 && this.live.fresh.get(row.id)?.has(column.key)) className += " is-fresh";
    if (this.finder !== undefined && this.finder.term !== "" && shown.toLowerCase().includes(this.finder.term)) className += " is-found";
    return { text: shown, chips: shown === "" ? "" : chipsOf(column, row), className };
  }

  // --- what happens ---------------------------------------------------------------------------------------------------------

  private ask(): void {
    this.live?.reset();
    const keys = new Set(this.shown.map((one) => one.key));
    if (this.byKey.has(this.schema.title)) keys.add(this.schema.title);
    for (const key of this.also) keys.add(key);
    this.windows.ask(this.view.query, [...keys]);
  }

  private rowsChanged(): void {
    // The windows tell of themselves while the rest is still being made.
    if (!this.status) return;
    this.table.later(true);
    this.guardSink();
    this.status.draw();
    this.cards.draw();
    this.notices.empty(this.empty);
    this.emit("rows");
  }

  private replaced(row: Row): boolean {
    const isHeld = this.windows.replace(row);
    if (isHeld) this.panel.refresh(row);
    return isHeld;
  }

  private viewChanged(): void {
    this.emit("view");
    if (this.keepsLayout) keepLayout(this.schema.code, this.view);
  }

  private applyHeight(): void {
    const tall = this.view.height === "tall";
    this.table.height = tall ? 72 : 30;
    this.root.classList.toggle("is-tall", tall);
  }

  private applyColumns(): void {
    const seen = this.view.columns.filter((one) => !one.hidden);
    const columns = seen.length > 0 ? seen : this.view.columns.slice(0, 1);
    this.shown = columns.map((one) => this.byKey.get(one.key)).filter((one) => one !== undefined);
    this.table.setColumns(this.shown, columns.map((one) => one.width), this.view.frozen);
  }

  /** The last row whose cells are there: the empty line at the end is none. */
  dataRange(): Range {
    const { top, bottom, left, right } = this.table.range;
    return { top, left, right, bottom: Math.max(top, Math.min(bottom, this.windows.total - 1)) };
  }

  guardSink(): void {
    this.table.sink.readOnly = !this.isWritable(this.shown[this.table.active.col]);
  }

  // --- acts -------------------------------------------------------------------------------------------------------------------

  sort(sort: readonly Sorting[]): void {
    this.setQuery({ ...this.view.query, sort });
  }
  freeze(columns: number): void {
    this.change({ frozen: columns });
  }
  private layout(act: (columns: ShownColumn[]) => ShownColumn[]): void {
    this.setColumns(act(this.view.columns.map((one) => ({ ...one }))));
  }
  private at(col: number): string {
    return this.shown[col]?.key ?? "";
  }
  resizeColumn(col: number, width: number): void {
    const key = this.at(col);
    this.layout((all) => all.map((one) => (one.key === key ? { ...one, width: Math.round(width) } : one)));
  }
  moveColumn(from: number, to: number): void {
    const [key, target] = [this.at(from), this.at(to)];
    if (key === target) return;
    this.layout((all) => {
      const moved = all.filter((one) => one.key === key);
      const rest = all.filter((one) => one.key !== key);
      const place = rest.findIndex((one) => one.key === target) + (to > from ? 1 : 0);
      return [...rest.slice(0, place), ...moved, ...rest.slice(place)];
    });
    this.table.go(this.table.active.row, to);
  }
  hideColumn(key: string): void {
    this.layout((all) => all.map((one) => (one.key === key ? { ...one, hidden: true } : one)));
  }
  showAllColumns(): void {
    this.layout((all) => all.map((one) => ({ ...one, hidden: false })));
  }
  /** As wide as what is loaded needs, within reason. */
  fitColumn(col: number): void {
    const column = this.shown[col];
    const pen = document.createElement("canvas").getContext("2d");
    if (!column || !pen) return;
    pen.font = getComputedStyle(this.table.host).font;
    let wide = pen.measureText(`${column.label} ↓`).width + 34;
    let seen = 0;
    for (const [, row] of this.windows.held()) {
      if ((seen += 1) > 500) break;
      wide = Math.max(wide, pen.measureText(cellText(row, column)).width + 22);
    }
    this.resizeColumn(col, Math.min(480, Math.max(56, wide)));
  }

  openRow(history?: string): void {
    const row = this.windows.row(this.table.active.row);
    if (row) void this.panel.show(row, history);
    else if (this.schema.can.add && this.table.active.row >= this.windows.total) void this.addRow({});
  }

  /** A row with these values; what is missing or wrong is asked for in a form. */
  async addRow(values: Readonly<Record<string, unknown>>, key = requestKey(), isForm = false, then?: () => void): Promise<void> {
    if (!isForm && Object.keys(values).length === 0) return this.panel.showNew({});
    try {
      const row = await this.add(values, key);
      this.reload();
      this.flash(text("The row was added."));
      if (then) then();
      else void this.panel.show(row);
    } catch (error) {
      this.panel.showNew(values, refusalOf(error), then);
    }
  }

  /** What is typed into the empty line makes a row there; what is typed beside it meanwhile goes into that row. */
  addAt(place: number, column: Column, raw: unknown, shown: string): void {
    const save = (row: Row): void => void this.edits.save({ id: row.id, version: row.version, key: column.key, base: row.cells[column.key] ?? null, raw, shown });
    const here = this.windows.row(place);
    if (here) return save(here);
    const known = this.fresh.get(place);
    if (known) return void known.then((row) => (row ? save(row) : this.panel.fill(column.key, raw)));
    const before = [...this.fresh.values()].pop() ?? Promise.resolve(undefined);
    const made = before.then(() => this.made({ [column.key]: raw })).finally(() => {
      this.fresh.delete(place);
      this.table.later(true);
    });
    this.fresh.set(place, made);
  }
  /** A new row at the end; it stays where it was typed until the rows are read anew. */
  private async made(values: Readonly<Record<string, unknown>>): Promise<Row | undefined> {
    try {
      // The last rows are read before, so that the new one is known to stand behind them.
      const last = this.windows.total - 1;
      if (last >= 0) await this.windows.range(last, last + 1, () => undefined, new AbortController().signal).catch(() => []);
      const row = await this.add(values, requestKey());
      if (!this.windows.append(row)) {
        this.reload();
        void this.panel.show(row);
      }
      return row;
    } catch (error) {
      this.panel.showNew(values, refusalOf(error));
      return undefined;
    }
  }
  private async add(values: Readonly<Record<string, unknown>>, key: string): Promise<Row> {
    const told = await this.api.post<{ row: Row; change_set: number | null }>("/rows/new", { values, request_key: key, ...this.posts.said });
    this.edits.remember(told.change_set);
    this.live?.mine([told.row.id]);
    return told.row;
  }

  /** New rows of a paste that were refused, one after the other in the form. */
  completeUnadded(): void {
    const [one] = this.edits.unadded;
    if (!one) return this.panel.close();
    this.panel.showNew(one.values, one.error, () => {
      this.edits.dropUnadded(one);
      this.completeUnadded();
    });
  }

  /** Why nothing happens when one types here; not more often than it is read. */
  explainFixed(column: Column): void {
    if (performance.now() - this.explained < 4_000) return;
    this.explained = performance.now();
    const words =
      this.schema.family === "appeals" && column.write === ""
        ? text("“{name}” is filled in by the steps of the appeal. Press Space to open the row.", { name: column.label })
        : text("“{name}” cannot be changed here.", { name: column.label });
    showToast({ text: words, tone: "info" });
  }

  escape(): void {
    if (this.panel.rowId !== undefined) return this.panel.close();
    this.table.go(this.table.active.row, this.table.active.col);
  }
  focusNotices(): void {
    const first = this.notices.box.querySelector<HTMLElement>("button") ?? this.root.querySelector<HTMLElement>(".grid-panel:not([hidden]) button");
    first?.focus();
  }

  tellNews(count: number): void {
    const show = (): void => {
      this.reload();
      this.table.go(0, this.table.active.col);
    };
    if (count > 0) this.notice("news", count === 1 ? text("1 new row") : text("{n} new rows", { n: count }), { label: text("Show"), act: show });
    else this.notice("news", "");
  }
  tellDefinitions(): void {
    this.notice("definitions", text("The columns of this sheet were changed."), { label: text("Load the page again"), act: () => window.location.reload() });
  }
  offline(isOffline: boolean): void {
    this.notice("offline", isOffline ? text("No connection to the server. What you type is kept and sent later.") : "");
  }
  signedOut(): void {
    this.notice("offline", text("You are no longer signed in. What is not saved stays here until you leave the page."), { label: text("Sign in"), act: () => window.open(window.location.href, "_blank", "noopener") });
  }
  markOf(row: Row, column: Column): Mark | undefined {
    return this.edits.mark(row.id, column.key);
  }
}

function chipsOf(column: Column, row: Row): string {
  if (column.kind !== "choice" && column.kind !== "choices") return "";
  const value = row.cells[column.key];
  const colour = (code: unknown): string => column.choices.find((one) => one.code === code)?.colour ?? "grey";
  return Array.isArray(value) ? value.map(colour).join("\u0001") : colour(value);
}

const layoutKey = (code: string): string => `grid.layout.${code}`;

/** Widths, order and hiding as this browser left them; no value of a row is among it. */
export function keptLayout(code: string): Partial<Spec> {
  try {
    return JSON.parse(localStorage.getItem(layoutKey(code)) ?? "{}") as Partial<Spec>;
  } catch {
    return {};
  }
}

function keepLayout(code: string, view: Spec): void {
  try {
    localStorage.setItem(layoutKey(code), JSON.stringify({ columns: view.columns, frozen: view.frozen, height: view.height }));
  } catch {
    // A browser that keeps nothing still shows everything.
  }
}
