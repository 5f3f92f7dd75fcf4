/** Changes of others while the page is in sight: rows change in place, new ones are told, nobody loses his place. */
import { ApiError } from "./api";
import type { GridApp } from "./app";
import type { Row } from "./model";

const EVERY = 2_000;
const SELDOM = 60_000;
const FLASH = 2_500;
const RECOUNT = 10_000;

export interface Person {
  readonly name: string;
  readonly row: number | null;
}
interface Told {
  readonly at: number;
  readonly rows: readonly Row[];
  readonly gone: readonly number[];
  readonly people: readonly Person[];
  readonly definitions: number;
}

export class Live {
  people: readonly Person[] = [];
  /** Rows that no longer belong here; they keep their place until the rows are read anew. */
  readonly gone = new Set<number>();
  /** Cells that somebody else changed just now. */
  readonly fresh = new Map<number, Set<string>>();
  private since: number;
  private timer = 0;
  private failures = 0;
  private readonly seen = new Map<number, number>();
  private news = 0;
  /** Rows that others added since the rows were read, and those one added oneself: they are no news. */
  private readonly born = new Set<number>();
  private readonly own = new Set<number>();
  private counted = 0;

  constructor(private readonly app: GridApp) {
    this.since = app.schema.at;
    document.addEventListener("visibilitychange", () => {
      if (!document.hidden) this.soon(0);
    });
    this.soon(EVERY);
  }

  /** Where the person is, told with the next question. */
  get row(): number | null {
    return this.app.windows.row(this.app.table.active.row)?.id ?? null;
  }

  reset(): void {
    this.gone.clear();
    this.seen.clear();
    this.born.clear();
    this.news = 0;
    this.app.tellNews(0);
  }

  /** Rows one added, or brought back, oneself. */
  mine(ids: readonly number[]): void {
    for (const id of ids) {
      this.own.add(id);
      if (this.born.delete(id) && !this.app.windows.isExact) this.app.tellNews((this.news = this.born.size));
    }
  }

  private soon(wait: number): void {
    window.clearTimeout(this.timer);
    this.timer = window.setTimeout(() => void this.ask(), wait);
  }

  private async ask(): Promise<void> {
    if (document.hidden) return this.soon(EVERY);
    try {
      const body: Record<string, unknown> = { since: this.since, query: this.app.windows.body };
      if (this.row !== null) body["row"] = this.row;
      const told = await this.app.api.post<Told>("/changes", body);
      this.since = told.at;
      this.failures = 0;
      this.app.offline(false);
      await this.take(told);
      this.soon(EVERY);
    } catch (error) {
      this.failures += 1;
      if (error instanceof ApiError && (error.status === 401 || error.status === 403)) return this.app.signedOut();
      if (this.failures > 1) this.app.offline(true);
      this.soon(Math.min(SELDOM, EVERY * 2 ** this.failures));
    }
  }

  private async take(told: Told): Promise<void> {
    const { app } = this;
    for (const row of told.rows) {
      const old = app.windows.byId(row.id);
      if (!old) {
        if (row.version === 1 && !this.own.has(row.id)) this.born.add(row.id);
        if (!this.seen.has(row.id)) this.counted = Math.min(this.counted, Date.now() - RECOUNT);
        this.seen.set(row.id, row.version);
      } else if (row.version > old.version || (row.version === old.version && JSON.stringify(row.cells) !== JSON.stringify(pick(old, row)))) {
        this.flash(old, row);
        app.windows.replace(row);
      }
      this.gone.delete(row.id);
    }
    let isChanged = false;
    for (const id of told.gone) {
      this.born.delete(id);
      if (!app.windows.byId(id) || this.gone.has(id)) continue;
      this.gone.add(id);
      isChanged = true;
    }
    if (JSON.stringify(this.people) !== JSON.stringify(told.people)) {
      this.people = told.people;
      isChanged = true;
      app.status.draw();
    }
    if (isChanged) app.table.later(true);
    if (told.definitions !== app.schema.definitions) app.tellDefinitions();
    await this.countNews(told.rows.some((one) => !app.windows.byId(one.id)));
  }

  private async countNews(isElsewhere: boolean): Promise<void> {
    const { app } = this;
    // While one's own rows are on their way nobody can tell them from those of others.
    if (app.edits.waiting > 0 || (!isElsewhere && this.news === this.born.size)) return;
    if (!app.windows.isExact) this.news = this.born.size;
    else if (Date.now() - this.counted >= RECOUNT) {
      this.counted = Date.now();
      const total = await app.windows.recount();
      if (total !== undefined && app.windows.isCounted) this.news = Math.max(0, total - app.windows.total);
    }
    app.tellNews(this.news);
  }

  private flash(old: Row, row: Row): void {
    const keys = Object.keys(row.cells).filter((key) => JSON.stringify(old.cells[key]) !== JSON.stringify(row.cells[key]));
    if (keys.length === 0) return;
    this.fresh.set(row.id, new Set(keys));
    window.setTimeout(() => {
      this.fresh.delete(row.id);
      this.app.table.later(true);
    }, FLASH);
  }
}

function pick(old: Row, row: Row): Record<string, unknown> {
  return Object.fromEntries(Object.keys(row.cells).map((key) => [key, old.cells[key]]));
}
