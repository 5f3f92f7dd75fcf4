/** The table: frozen and scrolled cells, a selection, the always focused sink. Decision 0014 says why it is our own. */
import { text } from "../messages";
import { cell, div, dress, inOrder, isWrong, write, type Cell, type Line } from "./cells";
import type { Column, Row } from "./model";

export interface Place {
  readonly row: number;
  readonly col: number;
}
export interface Range {
  readonly top: number;
  readonly bottom: number;
  readonly left: number;
  readonly right: number;
}
export interface Look {
  readonly text: string;
  readonly chips: string;
  readonly className: string;
}
export interface Source {
  readonly total: number;
  /** One empty line behind the last row, where rows can be added. */
  readonly extra: number;
  isApproximate(row: number): boolean;
  row(index: number): Row | undefined;
  want(from: number, until: number): void;
  look(row: Row, column: Column): Look;
  lineClass(row: Row): string;
  /** What stands in front of a row instead of its number: who else is there. */
  gutter(row: Row): string;
  isWritable(column: Column): boolean;
  title(column: Column): string;
  figure(column: Column): string;
  hasFigures: boolean;
}

export const GUTTER = 54;
export const HEAD = 34;
// Firefox ends at 17.8 million device pixels, Chromium at 33.5 million; half of the smaller for a zoomed page.
const TALLEST = 8_000_000;
const WAITING = "…";

const clamp = (value: number, low: number, high: number): number => Math.max(low, Math.min(high, value));

export class Table {
  readonly sink = document.createElement("textarea");
  readonly scroller = div("grid-scroll");
  readonly pane = div("grid-pane");
  readonly head = div("grid-head", "row");
  readonly foot = div("grid-foot", "row");
  readonly handle = div("grid-handle");
  readonly guide = div("grid-guide");
  readonly id = "grid-table";
  columns: readonly Column[] = [];
  widths: readonly number[] = [];
  frozen = 0;
  height = 30;
  active: Place = { row: 0, col: 0 };
  corner: Place = { row: 0, col: 0 };
  /** Where a drag of the handle has come to, while it lasts. */
  filling: Range | undefined;
  editing = false;
  onMoved: () => void = () => undefined;
  onPainted: () => void = () => undefined;

  private readonly sizer = div("grid-sizer");
  private readonly announcer = div("grid-spoken");
  private lefts: number[] = [];
  private frozenWidth = GUTTER;
  private headCells: Cell[] = [];
  private footCells: Cell[] = [];
  private lines: Line[] = [];
  /** The column in which a run of tabs began. */
  private runFrom: number | undefined;
  private slots = 0;
  private top = 0;
  private lastScroll = 0;
  private firstCol = -1;
  private lastLeft = -1;
  private lastCount = -1;
  private queued = false;
  private stale = false;
  private settle = 0;
  private tidying = 0;
  private viewHeight = 0;
  private viewWidth = 0;
  private ratio = 1;

  constructor(
    readonly host: HTMLElement,
    private readonly source: Source,
    label: string,
  ) {
    host.setAttribute("role", "grid");
    host.setAttribute("aria-label", label);
    host.setAttribute("aria-multiselectable", "true");
    host.id = this.id;
    this.scroller.tabIndex = -1;
    for (const node of [this.scroller, this.sizer, this.pane]) node.setAttribute("role", "presentation");
    this.head.setAttribute("aria-rowindex", "1");
    Object.assign(this.sink, { className: "grid-sink", rows: 1, autocomplete: "off", spellcheck: false });
    this.sink.setAttribute("autocapitalize", "off");
    this.sink.setAttribute("aria-controls", this.id);
    this.announcer.setAttribute("aria-live", "polite");
    this.handle.setAttribute("aria-hidden", "true");
    this.guide.hidden = true;
    this.pane.append(this.head, this.foot, this.handle, this.guide);
    this.sizer.append(this.pane);
    this.scroller.append(this.sizer);
    host.append(this.scroller, this.sink, this.announcer);
    this.scroller.addEventListener("scroll", () => this.scrolled(), { passive: true });
    new ResizeObserver(() => this.build()).observe(host);
  }

  setColumns(columns: readonly Column[], widths: readonly number[], frozen: number): void {
    this.columns = columns;
    this.widths = widths;
    this.frozen = Math.min(frozen, columns.length);
    this.active = { row: this.active.row, col: clamp(this.active.col, 0, Math.max(0, columns.length - 1)) };
    this.corner = { row: this.corner.row, col: clamp(this.corner.col, 0, Math.max(0, columns.length - 1)) };
    this.build();
  }

  focus(): void {
    this.sink.focus({ preventScroll: true });
  }
  get rows(): number {
    return this.source.total + this.source.extra;
  }
  get page(): number {
    return Math.max(1, Math.floor(this.viewHeight / this.height) - 1);
  }
  get firstShown(): number {
    return Math.floor(this.top / this.height);
  }
  get range(): Range {
    const { active: a, corner: b } = this;
    return { top: Math.min(a.row, b.row), bottom: Math.max(a.row, b.row), left: Math.min(a.col, b.col), right: Math.max(a.col, b.col) };
  }
  cellAt(row: number, col: number): HTMLElement | undefined {
    const line = this.lines.find((one) => one.row === row);
    return [...(line?.frozen ?? []), ...(line?.rest ?? [])].find((one) => one.col === col)?.node;
  }
  /** The node to stand a menu or a list under. */
  get anchor(): HTMLElement {
    return this.cellAt(this.active.row, this.active.col) ?? this.sink;
  }

  // --- geometry -----------------------------------------------------------------------------------------------------

  private get footHeight(): number {
    return this.source.hasFigures ? HEAD : 0;
  }
  private get virtual(): number {
    return HEAD + this.rows * this.height + this.footHeight;
  }
  private get end(): number {
    return Math.max(0, this.rows * this.height - this.viewHeight);
  }

  build(): void {
    let left = GUTTER;
    this.lefts = this.widths.map((width) => (left += width) - width);
    this.frozenWidth = this.lefts[this.frozen] ?? left;
    this.sizer.style.width = `${left}px`;
    this.viewHeight = Math.max(this.height, this.scroller.clientHeight - HEAD - this.footHeight);
    this.viewWidth = this.scroller.clientWidth;
    // Frozen columns that fill the whole view would leave nothing to scroll.
    if (this.frozenWidth > this.viewWidth * 0.8 && this.frozen > 1 && this.viewWidth > 0) {
      this.frozen = 1;
      this.frozenWidth = this.lefts[1] ?? left;
    }
    this.pane.style.width = `${this.viewWidth}px`;
    this.pane.style.height = `${this.viewHeight + HEAD + this.footHeight}px`;
    this.slots = this.mostAtOnce();
    this.host.setAttribute("aria-colcount", String(this.columns.length + 1));
    for (const line of this.lines) line.node.remove();
    this.head.textContent = "";
    this.foot.textContent = "";
    this.head.append(this.numberCell(text("Row"), "columnheader"));
    this.headCells = this.cells(this.head, "columnheader");
    for (const one of this.headCells) this.headParts(one);
    this.foot.hidden = !this.source.hasFigures;
    this.foot.style.transform = `translateY(${HEAD + this.viewHeight}px)`;
    this.footCells = this.source.hasFigures ? this.cells(this.foot, "gridcell") : [];
    this.lines = Array.from({ length: Math.ceil(this.viewHeight / this.height) + 1 }, () => this.line());
    this.firstCol = -1;
    this.lastLeft = -1;
    this.lastCount = -1;
    this.measure();
    this.later(true);
  }

  private measure(): void {
    if (this.lastCount === this.rows) return;
    this.lastCount = this.rows;
    const physical = Math.min(this.virtual, TALLEST);
    this.sizer.style.height = `${physical}px`;
    const frame = HEAD + this.footHeight + this.viewHeight;
    this.ratio = Math.max(1, this.end / Math.max(1, physical - frame));
    this.host.setAttribute("aria-rowcount", String(this.rows + 1));
    if (this.top > this.end) this.moveTo(this.end);
  }

  private line(): Line {
    const node = div("grid-row", "row");
    node.style.height = `${this.height}px`;
    const gutter = this.numberCell("", "rowheader");
    node.append(gutter);
    const cells = this.cells(node, "gridcell");
    this.pane.append(node);
    return { node, gutter, frozen: cells.slice(0, this.frozen), rest: cells.slice(this.frozen), row: -1, y: NaN, className: "", number: "" };
  }

  private numberCell(label: string, role: string): HTMLDivElement {
    const node = div("grid-number", role);
    node.setAttribute("aria-colindex", "1");
    node.append(label);
    return node;
  }

  /** How many columns that scroll can be seen together, wherever one has scrolled to. */
  private mostAtOnce(): number {
    const room = this.viewWidth - this.frozenWidth;
    let most = 1;
    for (let from = this.frozen, until = from; from < this.columns.length; from += 1) {
      const edge = (this.lefts[from] ?? 0) + (this.widths[from] ?? 0) + room;
      while (until < this.columns.length && (this.lefts[until] ?? 0) < edge) until += 1;
      most = Math.max(most, until - from);
    }
    return Math.max(0, Math.min(most, this.columns.length - this.frozen));
  }

  private cells(parent: HTMLElement, role: string): Cell[] {
    return Array.from({ length: this.frozen + this.slots }, (_, col) => {
      const one = cell(col < this.frozen, role);
      parent.append(one.node);
      if (col < this.frozen) this.put(one, col, this.lefts[col] ?? 0);
      return one;
    });
  }

  private headParts(one: Cell): void {
    const button = document.createElement("button");
    Object.assign(button, { type: "button", className: "grid-menu-button", tabIndex: -1 });
    button.setAttribute("aria-label", text("Column menu"));
    one.node.append(button, div("grid-grip"));
  }

  private put(one: Cell, col: number, x: number): void {
    one.node.style.transform = `translateX(${x}px)`;
    if (one.col === col) return;
    one.col = col;
    const column = this.columns[col];
    if (!column) return;
    one.node.style.width = `${this.widths[col] ?? 0}px`;
    one.node.setAttribute("aria-colindex", String(col + 2));
    const fixed = !this.source.isWritable(column) && column.kind !== "files";
    const frozen = col < this.frozen ? (col === this.frozen - 1 ? " grid-frozen is-last" : " grid-frozen") : "";
    one.base = `grid-cell${frozen}${column.kind === "number" || column.kind === "money" ? " is-number" : ""}${fixed ? " is-fixed" : ""}`;
    one.node.setAttribute("aria-readonly", String(fixed));
  }

  // --- scrolling ----------------------------------------------------------------------------------------------------

  /** A small step moves as many rows as it would in a sheet of true height; a large one is a drag of the thumb. */
  private scrolled(): void {
    const now = this.scroller.scrollTop;
    const step = now - this.lastScroll;
    this.lastScroll = now;
    if (this.ratio <= 1 || Math.abs(step) > this.viewHeight) this.top = now * this.ratio;
    else if (step !== 0) this.top += step;
    if (now <= 0 && step < 0) this.top = 0;
    this.top = clamp(this.top, 0, this.end);
    this.later(false);
    if (this.ratio > 1) {
      window.clearTimeout(this.settle);
      this.settle = window.setTimeout(() => this.moveTo(this.top), 200);
    }
  }

  private moveTo(top: number): void {
    this.top = clamp(top, 0, this.end);
    const physical = this.top / this.ratio;
    if (Math.abs(physical - this.scroller.scrollTop) >= 1) this.scroller.scrollTop = physical;
    this.lastScroll = this.scroller.scrollTop;
    this.later(false);
  }

  scrollToRow(row: number): void {
    this.moveTo(row * this.height);
  }

  later(stale: boolean): void {
    this.stale ||= stale;
    if (this.queued) return;
    this.queued = true;
    requestAnimationFrame(() => {
      this.queued = false;
      this.paint();
    });
  }

  private paint(): void {
    if (this.columns.length === 0) return;
    this.measure();
    const rows = this.rows;
    const first = Math.floor(this.top / this.height);
    const left = this.scroller.scrollLeft;
    let firstCol = this.frozen;
    while (firstCol < this.columns.length - 1 && (this.lefts[firstCol + 1] ?? 0) <= left + this.frozenWidth) firstCol += 1;
    firstCol = Math.min(firstCol, Math.max(this.frozen, this.columns.length - this.slots));
    const sideways = left !== this.lastLeft;
    const all = this.stale || firstCol !== this.firstCol;
    this.stale = false;
    this.firstCol = firstCol;
    this.lastLeft = left;
    if (sideways || all) this.paintEdges(left);
    const range = this.range;
    for (let row = first; row < first + this.lines.length; row += 1) {
      const line = this.lines[row % this.lines.length];
      if (line === undefined) continue;
      const y = row < rows ? HEAD + row * this.height - this.top : -2 * this.height;
      if (line.y !== y) {
        line.y = y;
        line.node.style.transform = `translateY(${y}px)`;
      }
      if (row >= rows) {
        line.row = -1;
        continue;
      }
      if (sideways || all) this.slide(line.rest, left);
      const isNew = line.row !== row;
      if (isNew || all) this.fill(line, row);
      this.mark(line, range);
    }
    this.source.want(first - 20, Math.min(rows, first + this.lines.length) + 20);
    this.placeSink();
    this.onPainted();
    window.clearTimeout(this.tidying);
    this.tidying = window.setTimeout(() => this.tidy(), 300);
  }

  private paintEdges(left: number): void {
    for (const [cells, words] of [
      [this.headCells, (column: Column) => this.source.title(column)],
      [this.footCells, (column: Column) => this.source.figure(column)],
    ] as const) {
      this.slide(cells.slice(this.frozen), left);
      for (const one of cells) {
        const column = this.columns[one.col];
        if (!column) continue;
        write(one, words(column), "");
        dress(one, "");
        if (cells !== this.headCells) continue;
        const order = one.shown.includes(" ↑") ? "ascending" : one.shown.includes(" ↓") ? "descending" : "none";
        if (one.node.getAttribute("aria-sort") !== order) one.node.setAttribute("aria-sort", order);
        if (one.node.getAttribute("aria-label") === column.label) continue;
        one.node.setAttribute("aria-label", column.label);
        one.node.title = column.help || column.label;
      }
    }
  }

  private slide(cells: readonly Cell[], left: number): void {
    const n = cells.length;
    for (let col = this.firstCol; col < this.firstCol + n; col += 1) {
      const one = cells[col % n];
      if (one) this.put(one, col, (this.lefts[col] ?? 0) - left);
    }
  }

  private fill(line: Line, row: number): void {
    const data = this.source.row(row);
    if (line.row !== row) {
      line.row = row;
      line.node.setAttribute("aria-rowindex", String(row + 2));
    }
    const isExtra = row >= this.source.total;
    const className = isExtra ? "grid-row is-extra" : data === undefined ? "grid-row is-waiting" : `grid-row ${this.source.lineClass(data)}`;
    if (line.className !== className) {
      line.className = className;
      line.node.className = className;
    }
    const here = data ? this.source.gutter(data) : "";
    const number = isExtra ? "+" : here !== "" ? `@${here}` : `${this.source.isApproximate(row) ? "≈" : ""}${row + 1}`;
    if (line.number !== number) {
      line.number = number;
      line.gutter.textContent = here !== "" ? here.slice(0, 1) : number;
      line.gutter.classList.toggle("is-here", here !== "");
      line.gutter.title = here;
      if (here === "") line.gutter.removeAttribute("aria-label");
      else line.gutter.setAttribute("aria-label", `${row + 1}, ${here}`);
    }
    for (const cells of [line.frozen, line.rest])
      for (const one of cells) {
        const column = this.columns[one.col];
        if (data === undefined || column === undefined) {
          write(one, isExtra ? "" : WAITING, "");
          dress(one, "");
          continue;
        }
        const look = this.source.look(data, column);
        write(one, look.text, look.chips);
        dress(one, look.className);
      }
  }

  private mark(line: Line, range: Range): void {
    const inside = line.row >= range.top && line.row <= range.bottom;
    const filling = this.filling;
    const inFill = filling !== undefined && line.row >= filling.top && line.row <= filling.bottom;
    line.gutter.classList.toggle("is-selected", inside);
    for (const cells of [line.frozen, line.rest])
      for (const one of cells) {
        const selected = inside && one.col >= range.left && one.col <= range.right;
        if (one.selected !== selected) {
          one.selected = selected;
          one.node.setAttribute("aria-selected", String(selected));
        }
        const at = line.row === this.active.row && one.col === this.active.col;
        const fills = inFill && one.col >= filling.left && one.col <= filling.right;
        if (at !== one.node.classList.contains("is-at")) one.node.classList.toggle("is-at", at);
        if (fills !== one.node.classList.contains("is-filling")) one.node.classList.toggle("is-filling", fills);
        if (at !== (one.node.id !== "")) one.node.id = at ? `${this.id}-at` : "";
      }
  }

  /** After scrolling has ended: nodes in the order of rows and columns, for readers that go by the document. */
  private tidy(): void {
    const lines = [...this.lines].sort((a, b) => (a.row < 0 ? 1e9 : a.row) - (b.row < 0 ? 1e9 : b.row));
    inOrder([this.head, ...lines.map((one) => one.node), this.foot, this.handle, this.guide], this.pane);
    for (const line of lines) {
      const cells = [...line.rest].sort((a, b) => a.col - b.col);
      inOrder([line.gutter, ...line.frozen.map((one) => one.node), ...cells.map((one) => one.node)], line.node);
    }
    const heads = [...this.headCells].sort((a, b) => a.col - b.col);
    const number = this.head.querySelector<HTMLElement>(".grid-number");
    inOrder([...(number ? [number] : []), ...heads.map((one) => one.node)], this.head);
  }

  // --- place and selection ------------------------------------------------------------------------------------------

  /** Tab goes on sideways; Enter behind it goes to where the run of tabs began, a line below, as in Excel. */
  run(row: number, down: number, right: number): void {
    const from = this.runFrom ?? this.active.col;
    this.go(row, down > 0 ? from : this.active.col + right);
    this.runFrom = right > 0 ? from : undefined;
  }

  go(row: number, col: number, extend = false): void {
    this.runFrom = undefined;
    this.corner = { row: clamp(row, 0, Math.max(0, this.rows - 1)), col: clamp(col, 0, this.columns.length - 1) };
    if (!extend) this.active = this.corner;
    this.show(this.corner);
    this.moved();
  }

  select(range: Range): void {
    const last = { row: Math.max(0, this.rows - 1), col: this.columns.length - 1 };
    this.active = { row: clamp(range.top, 0, last.row), col: clamp(range.left, 0, last.col) };
    this.corner = { row: clamp(range.bottom, 0, last.row), col: clamp(range.right, 0, last.col) };
    this.moved();
  }

  show(place: Place): void {
    const y = place.row * this.height;
    if (y < this.top) this.moveTo(y);
    else if (y + this.height > this.top + this.viewHeight) this.moveTo(y + this.height - this.viewHeight);
    if (place.col < this.frozen) return;
    const x = this.lefts[place.col] ?? 0;
    const wide = Math.min(this.widths[place.col] ?? 0, this.viewWidth - this.frozenWidth);
    const left = this.scroller.scrollLeft;
    if (x - this.frozenWidth < left) this.scroller.scrollLeft = x - this.frozenWidth;
    else if (x + wide > left + this.viewWidth) this.scroller.scrollLeft = x + wide - this.viewWidth;
  }

  private moved(): void {
    const column = this.columns[this.active.col];
    const row = this.source.row(this.active.row);
    const look = row && column ? this.source.look(row, column) : undefined;
    const words = look?.text.replace(/\u0001/g, "、") ?? "";
    const unsaved = look && isWrong(look.className) ? text("not saved") : "";
    const fixed = column && !this.source.isWritable(column) && column.kind !== "files" ? text("read only") : "";
    this.sink.setAttribute("aria-label", [column?.label ?? "", String(this.active.row + 1), words, unsaved, fixed].filter((one) => one !== "").join(", "));
    // An input method cannot begin in a cell that nobody types into.
    this.sink.readOnly = fixed !== "";
    this.onMoved();
    this.later(false);
  }

  say(words: string): void {
    this.announcer.textContent = words;
  }

  private placeSink(): void {
    const { row, col } = this.active;
    const x = (this.lefts[col] ?? 0) - (col >= this.frozen ? this.scroller.scrollLeft : 0);
    const { style } = this.sink;
    // Kept inside, or the browser scrolls to it when somebody types.
    style.left = `${clamp(x, 0, Math.max(0, this.viewWidth - 60))}px`;
    style.top = `${clamp(HEAD + row * this.height - this.top, 0, this.viewHeight)}px`;
    if (!this.editing) {
      style.width = `${this.widths[col] ?? 0}px`;
      style.height = `${this.height}px`;
    }
    if (!this.editing) this.sink.setAttribute("aria-activedescendant", `${this.id}-at`);
    const { bottom, right } = this.range;
    const end = this.cellAt(bottom, right);
    const show = end !== undefined && !this.editing && bottom < this.source.total;
    this.handle.hidden = !show;
    if (!show) return;
    const edge = (this.lefts[right] ?? 0) - (right >= this.frozen ? this.scroller.scrollLeft : 0) + (this.widths[right] ?? 0);
    this.handle.hidden = right >= this.frozen && edge < this.frozenWidth + 4;
    this.handle.style.transform = `translate(${edge - 5}px, ${HEAD + (bottom + 1) * this.height - this.top - 5}px)`;
  }

  placeUnder(event: { clientX: number; clientY: number }): Place {
    const box = this.pane.getBoundingClientRect();
    const x = event.clientX - box.left;
    const inner = x < this.frozenWidth ? x : x + this.scroller.scrollLeft;
    let col = 0;
    while (col < this.columns.length - 1 && (this.lefts[col + 1] ?? 0) <= inner) col += 1;
    return { row: Math.floor((event.clientY - box.top - HEAD + this.top) / this.height), col };
  }

  /** A line over the table where a column would be dropped or end. */
  showGuide(clientX: number | undefined): void {
    this.guide.hidden = clientX === undefined;
    if (clientX !== undefined) this.guide.style.transform = `translateX(${clientX - this.pane.getBoundingClientRect().left}px)`;
  }
  /** Where the column begins on the screen. */
  edgeOf(col: number): number {
    const x = (this.lefts[col] ?? 0) - (col >= this.frozen ? this.scroller.scrollLeft : 0);
    return this.pane.getBoundingClientRect().left + x;
  }
}
