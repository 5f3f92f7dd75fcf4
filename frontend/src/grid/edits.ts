/** What the person changed: sent in order, undone in order; what was refused or overtaken stays on its cell until he decides. */
import { text } from "../messages";
import { ApiError, requestKey, type SheetApi } from "./api";
import type { Cell, Row } from "./model";
import { sameValue } from "./values";

export interface Change {
  readonly id: number;
  readonly version: number;
  readonly key: string;
  /** What stood there when the person began. */
  readonly base: Cell;
  readonly raw: unknown;
  readonly shown: string;
}
export interface Mark {
  readonly kind: "saving" | "problem" | "conflict";
  readonly change: Change;
  readonly message: string;
  readonly theirs?: Row;
  readonly form?: string;
  /** Nothing is wrong with it but another cell of its row, with which it was sent. */
  readonly isHeldBack?: boolean;
}
export interface Problem {
  readonly id?: number;
  readonly new?: number;
  readonly field: string;
  readonly code: string;
  readonly message: string;
}
/** A new row that was not added: what it was to hold, and why not. */
export interface Unadded {
  readonly values: Readonly<Record<string, unknown>>;
  readonly error: ApiError;
}
interface Answer {
  readonly change_set: number | null;
  readonly rows: readonly Row[];
  readonly problems: readonly Problem[];
  /** A job does it. */
  readonly task?: number;
}
export interface Keeper {
  /** For which post the person acts, as every change says it. */
  acting(): Readonly<Record<string, unknown>>;
  /** false: the row is not held. */
  replace(row: Row): boolean;
  marked(): void;
  conflict(mark: Mark): void;
  added(): void;
  /** These rows are one's own. */
  mine(ids: readonly number[]): void;
  told(words: string, tone: string): void;
  /** Resolves when the job has ended. */
  follow(task: number): Promise<void>;
}

const BATCH = 200;
const TRIES = 4;

/** Whether a cell holds what was typed: a number as it was written, a row of another sheet by its id. */
function isMeant(cell: Cell | undefined, raw: unknown): boolean {
  const plain = (value: unknown): string => (value === null || value === undefined ? "" : typeof value === "object" ? JSON.stringify(value) : String(value));
  return plain(cell) === plain(raw) || (Array.isArray(cell) && typeof raw === "number" && cell[0] === raw);
}

export class Edits {
  readonly marks = new Map<number, Map<string, Mark>>();
  private undos: number[][] = [];
  private redos: number[][] = [];
  private isRecalled = false;
  /** Versions of a row that one's own edits made of one another: nobody else wrote between them. */
  private readonly chains = new Map<number, { before: Set<number>; now: number }>();
  private unaddedRows: Unadded[] = [];
  private queue: Promise<void> = Promise.resolve();
  /** How many acts are on their way. */
  waiting = 0;

  constructor(
    private readonly api: SheetApi,
    private readonly keeper: Keeper,
  ) {}

  get canUndo(): boolean {
    return this.undos.length > 0;
  }
  get canRedo(): boolean {
    return this.redos.length > 0;
  }
  mark(id: number, key: string): Mark | undefined {
    return this.marks.get(id)?.get(key);
  }
  get troubled(): Mark[] {
    return [...this.marks.values()].flatMap((one) => [...one.values()]).filter((one) => one.kind !== "saving");
  }

  /** New rows that were refused: nothing of them is lost until the person drops them. */
  get unadded(): readonly Unadded[] {
    return this.unaddedRows;
  }
  dropUnadded(one?: Unadded): void {
    this.unaddedRows = one ? this.unaddedRows.filter((each) => each !== one) : [];
    this.keeper.marked();
  }

  /** One cell. Resolves when the server has answered. */
  save(change: Change): Promise<void> {
    this.set({ kind: "saving", change, message: "" });
    const acting = this.keeper.acting();
    return this.next(() => this.sendOne(change, requestKey(), acting));
  }

  /** Many cells as one act of the person: one step back undoes it. */
  saveMany(
    kind: "paste" | "fill" | "cell",
    changes: readonly Change[],
    news: readonly Record<string, unknown>[],
    progress: (done: number, all: number) => void,
    signal: AbortSignal,
    more: Readonly<Record<string, unknown>> = {},
  ): Promise<void> {
    for (const change of changes) this.set({ kind: "saving", change, message: "" });
    const circumstances = { ...this.keeper.acting(), ...more };
    return this.next(() => this.sendMany(kind, changes, news, progress, signal, circumstances));
  }

  /** Keep what was typed over what somebody else wrote meanwhile. */
  keepMine(mark: Mark): Promise<void> {
    const theirs = mark.theirs;
    if (!theirs) return Promise.resolve();
    return this.save({ ...mark.change, version: theirs.version, base: theirs.cells[mark.change.key] ?? null });
  }
  drop(mark: Mark): void {
    this.unset(mark.change);
    if (mark.theirs) this.keeper.replace(mark.theirs);
    this.release(mark.change.id);
  }
  dropAll(): void {
    for (const mark of this.troubled) this.unset(mark.change);
  }
  /** What waited for another cell of its row goes when that one is settled. */
  private release(id: number): void {
    const marks = [...(this.marks.get(id)?.values() ?? [])];
    if (marks.some((one) => one.kind !== "saving" && !one.isHeldBack)) return;
    for (const mark of marks) if (mark.isHeldBack) void this.save(mark.change);
  }
  retry(mark: Mark): Promise<void> {
    return this.save(mark.change);
  }

  async undo(): Promise<void> {
    if (this.undos.length === 0 && this.waiting === 0) await this.recall();
    return this.turn(this.undos, this.redos, text("Nothing of yours is left to undo."));
  }
  redo(): Promise<void> {
    return this.turn(this.redos, this.undos, text("There is nothing to do again."));
  }
  /** One certain act, whatever was done after it. */
  undoOnly(changeSet: number): Promise<void> {
    this.isRecalled = true;
    this.undos = this.undos.filter((sets) => !sets.includes(changeSet));
    return this.turn([[changeSet]], this.redos, "");
  }
  /** What one changed before the page was loaded is found once, when nothing later is left to undo. */
  private async recall(): Promise<void> {
    if (this.isRecalled) return;
    this.isRecalled = true;
    try {
      interface Own { id: number; kind: string; undone: number | null }
      const { edits } = await this.api.get<{ edits: Own[] }>("/edits/mine");
      this.undos = edits.filter((one) => one.kind !== "undo" && one.undone === null).map((one) => [one.id]).reverse();
    } catch {
      this.isRecalled = false;
    }
  }
  /** An act that another part of the page did, so that Ctrl+Z finds it too. */
  remember(changeSet: number | null): void {
    if (changeSet !== null) this.rememberAll([changeSet]);
  }
  /** The same for an act of several change sets. */
  rememberAll(changeSets: readonly number[]): void {
    if (changeSets.length === 0) return;
    this.undos.push([...changeSets]);
    this.redos = [];
    this.keeper.marked();
  }

  // --- sending --------------------------------------------------------------------------------------------------------

  private next(act: () => Promise<void>): Promise<void> {
    this.waiting += 1;
    this.keeper.marked();
    const done = this.queue.then(act).finally(() => {
      this.waiting -= 1;
      this.keeper.marked();
    });
    this.queue = done.catch(() => undefined);
    return done;
  }

  /** The same key every time: what arrived although its answer did not is not done twice. */
  private async patiently<T>(act: () => Promise<T>): Promise<T> {
    for (let turn = 1; ; turn += 1) {
      try {
        return await act();
      } catch (error) {
        const isOutage = !(error instanceof ApiError) || error.status >= 502;
        const isLeft = error instanceof DOMException && error.name === "AbortError";
        if (!isOutage || isLeft || turn >= TRIES) throw error;
        await new Promise((resolve) => window.setTimeout(resolve, 400 * 2 ** turn));
      }
    }
  }

  /** Two fields of a row left one after the other: the second one follows the first. */
  private versionOf(id: number, version: number): number {
    const chain = this.chains.get(id);
    return chain?.before.has(version) ? chain.now : version;
  }
  private linked(id: number, before: number, now: number): void {
    const chain = this.chains.get(id);
    const known = chain?.now === before ? chain.before : new Set<number>();
    this.chains.set(id, { before: known.add(before), now });
  }

  private async sendOne(change: Change, key: string, acting: Readonly<Record<string, unknown>>): Promise<void> {
    const version = this.versionOf(change.id, change.version);
    const body = { version, values: { [change.key]: change.raw }, request_key: key, ...acting };
    try {
      const told = await this.patiently(() => this.api.patch<{ row: Row; change_set: number | null }>(`/rows/${change.id}`, body));
      this.unset(change);
      this.linked(change.id, version, told.row.version);
      this.keeper.replace(told.row);
      this.remember(told.change_set);
      this.release(change.id);
    } catch (error) {
      if (error instanceof ApiError && error.status === 409 && error.current) await this.overtaken(change, error.current, acting);
      else this.refused(change, error);
    }
  }

  /** The row moved on: when this cell did not, nobody's work is lost by writing; else both values are shown. */
  private async overtaken(change: Change, current: Row, acting: Readonly<Record<string, unknown>>): Promise<void> {
    if (sameValue(current.cells[change.key], change.base)) {
      return this.sendOne({ ...change, version: current.version }, requestKey(), acting);
    }
    // Both wrote the same: there is nothing to choose.
    if (isMeant(current.cells[change.key], change.raw)) {
      this.unset(change);
      this.keeper.replace(current);
      return;
    }
    const mark: Mark = { kind: "conflict", change, message: text("Somebody else changed this cell meanwhile."), theirs: current };
    this.set(mark);
    this.keeper.conflict(mark);
  }

  private refused(change: Change, error: unknown): void {
    const told = error instanceof ApiError ? (error.fields[change.key]?.[0] ?? error.message) : "";
    const form = error instanceof ApiError ? error.form : "";
    this.set({ kind: "problem", change, form, message: told || text("Not saved: the server does not answer. What you typed is kept here.") });
    this.keeper.told(told || text("Not saved: the server does not answer. What you typed is kept here."), "danger");
  }

  private async sendMany(
    kind: string,
    changes: readonly Change[],
    news: readonly Record<string, unknown>[],
    progress: (done: number, all: number) => void,
    signal: AbortSignal,
    more: Readonly<Record<string, unknown>>,
  ): Promise<void> {
    const rows = new Map<number, Change[]>();
    for (const change of changes) rows.set(change.id, [...(rows.get(change.id) ?? []), change]);
    const waiting = [...rows.values()];
    const all = waiting.length + news.length;
    const sets: number[] = [];
    let added = 0;
    let done = 0;
    for (let at = 0; at < all; at += BATCH) {
      if (signal.aborted) break;
      const part = waiting.slice(at, at + BATCH);
      const fresh = news.slice(Math.max(0, at - waiting.length), Math.max(0, at + BATCH - waiting.length));
      added += await this.sendBatch(kind, part, fresh, sets, more);
      progress((done = Math.min(all, at + BATCH)), all);
    }
    if (done < all) this.keeper.told(done > 0 ? text("Stopped after {done} of {all} rows. Ctrl+Z takes them back.", { done, all }) : text("Stopped. Nothing was written."), "info");
    // What a cancelled run did not come to is as it was.
    for (const change of changes) if (this.mark(change.id, change.key)?.kind === "saving") this.unset(change);
    if (sets.length > 0) {
      this.undos.push(sets);
      this.redos = [];
    }
    if (added > 0) this.keeper.added();
    this.keeper.marked();
  }

  private async sendBatch(kind: string, rows: readonly Change[][], news: readonly Record<string, unknown>[], sets: number[], more: Readonly<Record<string, unknown>>): Promise<number> {
    const cells = rows.map((changes) => ({
      id: changes[0]?.id,
      version: changes[0]?.version,
      values: Object.fromEntries(changes.map((one) => [one.key, one.raw])),
    }));
    const body = { kind, cells, new: news, request_key: requestKey(), dry: false, ...more };
    let told: Answer;
    try {
      told = await this.patiently(() => this.api.post<Answer>("/edits", body));
    } catch (error) {
      for (const change of rows.flat()) this.refused(change, error);
      const problem = error instanceof ApiError ? error : new ApiError(0, "", text("Not saved: the server does not answer. What you typed is kept here."));
      this.unaddedRows.push(...news.map((values) => ({ values, error: problem })));
      return 0;
    }
    if (told.change_set) sets.push(told.change_set);
    const stale = new Set(told.problems.filter((one) => one.code === "row.stale").map((one) => one.id));
    const wrong = new Map(told.problems.filter((one) => one.id !== undefined).map((one) => [one.id, one]));
    for (const row of told.rows) this.keeper.replace(row);
    for (const changes of rows) {
      const problem = wrong.get(changes[0]?.id ?? 0);
      if (problem && stale.has(problem.id)) await this.again(changes, sets, more);
      else for (const change of changes) this.settle(change, problem, told.problems);
    }
    const held = new Set(cells.map((one) => one.id));
    this.keeper.mine(told.rows.filter((one) => !held.has(one.id)).map((one) => one.id));
    return news.length - this.keepUnadded(news, told.problems.filter((one) => one.new !== undefined));
  }

  private keepUnadded(news: readonly Record<string, unknown>[], problems: readonly Problem[]): number {
    const places = [...new Set(problems.map((one) => one.new ?? 0))];
    for (const place of places) {
      const own = problems.filter((one) => one.new === place);
      const fields: Record<string, string[]> = {};
      for (const one of own) (fields[one.field] ??= []).push(one.message);
      this.unaddedRows.push({ values: news[place] ?? {}, error: new ApiError(422, own[0]?.code ?? "", own[0]?.message ?? "", fields) });
    }
    return places.length;
  }

  private settle(change: Change, problem: Problem | undefined, problems: readonly Problem[]): void {
    if (!problem) return this.unset(change);
    const own = problems.find((one) => one.id === change.id && one.field === change.key);
    // The row was refused for another cell's sake: this one was not written either.
    const message = own?.message ?? text("Not saved, because of another cell in this row: {why}", { why: problem.message });
    this.set({ kind: "problem", change, message, isHeldBack: own === undefined });
  }

  /** A row of a batch that moved on: once more with what stands there now, or both values are shown. */
  private async again(changes: readonly Change[], sets: number[], more: Readonly<Record<string, unknown>>): Promise<void> {
    const id = changes[0]?.id ?? 0;
    try {
      const current = await this.api.get<Row>(`/rows/${id}`);
      const free = changes.filter((one) => sameValue(current.cells[one.key], one.base));
      for (const change of changes.filter((one) => !free.includes(one))) await this.overtaken(change, current, more);
      if (free.length === 0) return;
      const values = Object.fromEntries(free.map((one) => [one.key, one.raw]));
      const told = await this.api.patch<{ row: Row; change_set: number | null }>(`/rows/${id}`, { version: current.version, values, request_key: requestKey(), ...more });
      this.keeper.replace(told.row);
      if (told.change_set) sets.push(told.change_set);
      for (const change of free) this.unset(change);
    } catch (error) {
      for (const change of changes) if (this.mark(change.id, change.key)?.kind === "saving") this.refused(change, error);
    }
  }

  private turn(from: number[][], to: number[][], nothing: string): Promise<void> {
    return this.next(async () => {
      const sets = from.pop();
      if (!sets) return this.keeper.told(nothing, "info");
      const turned: number[] = [];
      const problems: Problem[] = [];
      const left: number[] = [];
      let isMoved = false;
      for (const one of [...sets].reverse()) {
        try {
          const told = await this.patiently(() => this.api.post<Answer>(`/edits/${one}/undo`, { request_key: requestKey() }));
          if (told.change_set) turned.push(told.change_set);
          if (told.task !== undefined) await this.keeper.follow(told.task);
          problems.push(...told.problems);
          // A row that came or went back moves all places behind it; cells change where they stand.
          isMoved ||= told.rows.length === 0;
          this.keeper.mine(told.rows.map((row) => row.id));
          for (const row of told.rows) if (!this.keeper.replace(row)) isMoved = true;
        } catch (error) {
          left.unshift(one);
          this.keeper.told(error instanceof ApiError ? error.message : text("That did not work. Please try again."), "danger");
        }
      }
      if (turned.length > 0) to.push(turned);
      if (problems.length > 0) this.keeper.told(text("{n} cells could not be put back: {why}", { n: problems.length, why: problems[0]?.message ?? "" }), "warn");
      if (left.length > 0) from.push(left);
      if (isMoved) this.keeper.added();
    });
  }

  private set(mark: Mark): void {
    const { id, key } = mark.change;
    const marks = this.marks.get(id) ?? new Map<string, Mark>();
    this.marks.set(id, marks.set(key, mark));
    this.keeper.marked();
  }
  private unset(change: Change): void {
    const marks = this.marks.get(change.id);
    marks?.delete(change.key);
    if (marks?.size === 0) this.marks.delete(change.id);
    this.keeper.marked();
  }
}
