/** The rows near the place, and no others: windows of SIZE rows, the least recently used go first. */
import { ApiError, type SheetApi } from "./api";
import type { Query, Row, Schema } from "./model";

const SIZE = 100;
const MOST = 60;
const AT_ONCE = 2;
const PATIENCE = 500;
const LONGEST_PATIENCE = 30_000;

interface Outline {
  total: number | null;
  step: number;
  marks: readonly string[];
  exact: boolean;
}
interface Body {
  query: unknown;
  limit: number;
  offset?: number;
  after?: string;
  skip?: number;
  backwards?: boolean;
}

export interface Watcher {
  /** Rows came, changed or went; `total` may have changed. */
  changed(): void;
  /** A window could not be had: `again` asks at once; null when it works again. */
  failed(problem: { message: string; again: () => void } | null): void;
}

export class Windows {
  private kept = new Map<number, Row[]>();
  private places = new Map<number, number>();
  /** Windows whose places are counted from the first row without a gap, or by the server. */
  private readonly sure = new Set<number>();
  private readonly running = new Map<number, AbortController>();
  private wanted: number[] = [];
  private waits: number | undefined;
  private tries = 0;
  generation = 0;
  private query: Query = {};
  private columns: readonly string[] = [];
  private outline: Outline | undefined;
  private told: number | undefined;
  private hasEnd = false;
  private seen = 0;
  private counting: Promise<void> = Promise.resolve();

  constructor(
    private readonly api: SheetApi,
    private readonly schema: Schema,
    private readonly watcher: Watcher,
  ) {}

  /** How many rows: counted, or as far as is known yet; one more window than seen while the end is not in sight. */
  get total(): number {
    return this.told ?? this.seen;
  }
  /** Whether `total` is the number of all rows. */
  get isCounted(): boolean {
    return this.told !== undefined;
  }
  /** Whether a place is known by its number alone; elsewhere jumps land approximately. */
  get isExact(): boolean {
    const orders = this.query.sort?.length ? this.query.sort : this.schema.order;
    const plain = !this.query.search && !(this.query.filter?.all?.length || this.query.filter?.any?.length);
    return plain && orders.length === 1 && this.schema.counted.includes(orders[0]?.[0] ?? "");
  }
  /** Whether the number of a row is what it would be if all were counted: reached gaplessly from the first one. */
  isSure(index: number): boolean {
    return index < SIZE || this.isExact || this.sure.has(Math.floor(index / SIZE));
  }
  get isEmpty(): boolean {
    return this.hasEnd && this.total === 0;
  }

  ask(query: Query, columns: readonly string[]): void {
    const isSame = JSON.stringify(query) === JSON.stringify(this.query);
    this.query = query;
    this.columns = columns;
    this.reload(isSame);
  }

  /** Everything held is let go, the count is asked for again; until it comes the same rows are as many as before. */
  reload(isSame = true): void {
    const before = isSame ? this.total : 0;
    this.generation += 1;
    for (const control of this.running.values()) control.abort();
    this.running.clear();
    window.clearTimeout(this.waits);
    this.waits = undefined;
    this.tries = 0;
    this.kept = new Map();
    this.places = new Map();
    this.sure.clear();
    this.outline = undefined;
    this.told = undefined;
    this.hasEnd = false;
    this.seen = Math.max(SIZE, before);
    this.watcher.changed();
    this.counting = this.count();
  }

  get body(): Record<string, unknown> {
    return { ...this.query, columns: this.columns };
  }

  row(index: number): Row | undefined {
    return this.kept.get(Math.floor(index / SIZE))?.[index % SIZE];
  }
  place(id: number): number | undefined {
    const found = this.places.get(id);
    return found !== undefined && this.row(found)?.id === id ? found : undefined;
  }
  byId(id: number): Row | undefined {
    const place = this.place(id);
    return place === undefined ? undefined : this.row(place);
  }
  /** Every row held, in order. */
  *held(): Generator<[number, Row]> {
    for (const id of [...this.kept.keys()].sort((a, b) => a - b)) {
      let at = id * SIZE;
      for (const row of this.kept.get(id) ?? []) yield [at++, row];
    }
  }

  /** A row as it is now, at the place it has. */
  replace(row: Row): boolean {
    const place = this.place(row.id);
    if (place === undefined) return false;
    const rows = this.kept.get(Math.floor(place / SIZE));
    const old = rows?.[place % SIZE];
    if (!rows || !old) return false;
    // The key stays the one it was read by: the rows behind it are asked for by it, whatever its value is by now.
    rows[place % SIZE] = { id: row.id, version: row.version, cells: { ...old.cells, ...row.cells }, key: old.key };
    this.watcher.changed();
    return true;
  }

  /** Says what is on the screen. Requests for places already left are aborted, so that a dragged thumb costs two at a time. */
  want(from: number, until: number): void {
    const last = Math.floor(Math.max(0, Math.min(until, this.total) - 1) / SIZE);
    const first = Math.min(last, Math.floor(Math.max(0, from) / SIZE));
    for (const [id, control] of this.running) if (id < first - 1 || id > last + 1) control.abort();
    this.wanted = [];
    for (let id = first; id <= last; id += 1) {
      const rows = this.kept.get(id);
      if (rows === undefined) this.wanted.push(id);
      else {
        this.kept.delete(id);
        this.kept.set(id, rows);
      }
    }
    this.pump();
  }

  /** All rows of a range, fetched where they are not held: nothing is copied or cleared short in silence. */
  async range(from: number, until: number, progress: (done: number) => void, signal: AbortSignal): Promise<Row[]> {
    const found: Row[] = [];
    for (let at = from; at < until; ) {
      if (signal.aborted) throw new DOMException("cancelled", "AbortError");
      const id = Math.floor(at / SIZE);
      const rows = this.kept.get(id) ?? (await this.fetched(id, signal));
      const part = rows.slice(at % SIZE, Math.min(SIZE, until - id * SIZE));
      found.push(...part);
      if (rows.length < SIZE) break;
      at = (id + 1) * SIZE;
      progress(found.length);
    }
    return found;
  }

  /** A row that was made behind the last one; false where that one is not held. */
  append(row: Row): boolean {
    const at = this.told;
    if (at === undefined) return false;
    if (this.place(row.id) !== undefined) return true;
    const id = Math.floor(at / SIZE);
    const rows = this.kept.get(id) ?? (at % SIZE === 0 ? [] : undefined);
    if (rows?.length !== at % SIZE) return false;
    this.kept.set(id, [...rows, row]);
    this.places.set(row.id, at);
    this.told = at + 1;
    this.watcher.changed();
    return true;
  }

  // --- asking -------------------------------------------------------------------------------------------------------

  private pump(): void {
    if (this.waits !== undefined) return;
    for (const id of this.wanted) {
      if (this.running.size >= AT_ONCE) return;
      if (!this.running.has(id) && !this.kept.has(id)) void this.load(id);
    }
  }

  /** The window by the key of a neighbour, which is gapless and exact; else by its number, else from the nearest mark. */
  private where(id: number): Body | undefined {
    const body: Body = { query: this.body, limit: SIZE };
    const before = this.kept.get(id - 1);
    const behind = this.kept.get(id + 1);
    const lastKey = before?.length === SIZE ? before[SIZE - 1]?.key : undefined;
    if (id === 0) return body;
    if (lastKey !== undefined) return { ...body, after: lastKey };
    if (behind?.[0] !== undefined) return { ...body, after: behind[0].key, backwards: true };
    if (this.isExact) return { ...body, offset: id * SIZE };
    const { step, marks } = this.outline ?? { step: 0, marks: [] };
    if (step === 0 || marks.length === 0) return this.outline ? { ...body, offset: id * SIZE } : undefined;
    const mark = Math.min(marks.length, Math.floor((id * SIZE) / step));
    if (mark === 0) return { ...body, skip: id * SIZE };
    return { ...body, after: marks[mark - 1] ?? "", skip: id * SIZE - mark * step };
  }

  private async fetched(id: number, signal: AbortSignal): Promise<Row[]> {
    const generation = this.generation;
    let body = this.where(id);
    if (body === undefined) {
      await this.counting;
      body = this.where(id) ?? { query: this.body, limit: SIZE, offset: id * SIZE };
    }
    const told = await this.api.post<{ rows: Row[] }>("/rows", body, signal);
    if (generation !== this.generation) throw new DOMException("left", "AbortError");
    if (body.backwards && told.rows.length < SIZE) {
      // The count was higher than the rows: places are counted anew.
      this.reload();
      throw new DOMException("left", "AbortError");
    }
    if (id === 0 || (body.after !== undefined && body.skip === undefined && this.sure.has(body.backwards ? id + 1 : id - 1))) this.sure.add(id);
    this.keep(id, told.rows);
    return told.rows;
  }

  private keep(id: number, told: Row[]): void {
    // An answer that was on its way while rows were made behind the last one does not know them.
    const made = told.length < SIZE ? (this.kept.get(id)?.slice(told.length) ?? []) : [];
    const rows = [...told, ...made.filter((row) => !told.some((one) => one.id === row.id))];
    this.kept.set(id, rows);
    rows.forEach((row, at) => this.places.set(row.id, id * SIZE + at));
    for (const [old, gone] of this.kept) {
      if (this.kept.size <= MOST) break;
      this.kept.delete(old);
      this.sure.delete(old);
      for (const row of gone) this.places.delete(row.id);
    }
    if (rows.length < SIZE) {
      this.hasEnd = true;
      if (rows.length > 0 || id === 0) this.told = id * SIZE + rows.length;
      else if (id > 0) this.told = Math.min(this.total, id * SIZE);
    } else if (this.told === undefined) this.seen = Math.max(this.seen, (id + 2) * SIZE);
    else this.told = Math.max(this.told, id * SIZE + rows.length);
  }

  private async load(id: number): Promise<void> {
    if (this.where(id) === undefined) return; // the outline is on its way
    const control = new AbortController();
    this.running.set(id, control);
    const generation = this.generation;
    try {
      await this.fetched(id, control.signal);
      if (this.tries > 0) this.watcher.failed(null);
      this.tries = 0;
      this.watcher.changed();
    } catch (error) {
      if (!control.signal.aborted && generation === this.generation) this.failed(error);
    } finally {
      if (this.running.get(id) === control) this.running.delete(id);
      this.pump();
    }
  }

  /** A failed request is repeated later and later; whoever waits can ask at once. */
  private failed(error: unknown): void {
    this.tries += 1;
    const wait = Math.min(LONGEST_PATIENCE, PATIENCE * 2 ** this.tries);
    window.clearTimeout(this.waits);
    const again = (): void => {
      window.clearTimeout(this.waits);
      this.waits = undefined;
      this.pump();
    };
    this.waits = window.setTimeout(again, wait);
    this.watcher.failed({ message: error instanceof ApiError ? error.message : "", again });
  }

  /** The number of rows; no row waits for it. */
  private async count(): Promise<void> {
    const generation = this.generation;
    try {
      const told = await this.api.post<Outline>("/outline", { query: { ...this.query } });
      if (generation !== this.generation) return;
      this.outline = told;
      if (told.total !== null && !this.hasEnd) this.told = told.total;
    } catch {
      if (generation !== this.generation) return;
      this.outline = { total: null, step: 0, marks: [], exact: false };
    }
    this.watcher.changed();
    this.pump();
  }

  /** How many rows there are by now, for "n new rows"; undefined where that would count a table. */
  async recount(): Promise<number | undefined> {
    if (!this.isExact) return undefined;
    const told = await this.api.post<Outline>("/outline", { query: { ...this.query } });
    return told.total ?? undefined;
  }
}
