/** "Change all rows": one value for every row of the filter, or of the selection; how many and what becomes of the first is seen before. */
import { enhanceDates } from "../calendar";
import { enhanceSelects } from "../combobox";
import { element } from "../dom";
import { text } from "../messages";
import { ApiError, requestKey } from "./api";
import type { GridApp } from "./app";
import type { Problem } from "./edits";
import type { Cell, Column, Row } from "./model";
import { followed } from "./tasks";
import { button, chosen, iconButton, openBox } from "./toolbar/box";
import { SEVERAL, shownText } from "./values";

interface Seen {
  readonly count: number;
  readonly sample: readonly { readonly id: number; readonly old: Readonly<Record<string, Cell>>; readonly new: Readonly<Record<string, Cell>> }[];
  readonly problems: readonly Problem[];
}
interface Done {
  readonly change_set: number | null;
  readonly problems: readonly Problem[];
  readonly task?: number;
}

const TOLD = 3;

class Bulk {
  private readonly box;
  private readonly values: Record<string, unknown> = {};
  private readonly fields = new Map<string, HTMLElement>();
  private keys: string[] = [];
  private readonly lines = element("div", { class: "bulk-lines" });
  private readonly told = element("div", { class: "bulk-told", role: "status", "aria-live": "polite" });
  private readonly go: HTMLButtonElement;
  /** One key for what was looked at: pressed twice it is done once. */
  private key = "";
  private readonly picked: readonly Row[];
  private isPicked: boolean;
  private post: string;
  private readonly reason = element("input", { type: "text", id: "bulk-reason", maxlength: "200" });

  constructor(private readonly app: GridApp, anchor: HTMLElement) {
    const selection = app.selection();
    this.picked = selection.count > 1 && selection.rows.length === selection.count ? selection.rows : [];
    this.isPicked = this.picked.length > 0;
    this.box = openBox(anchor, text("Change many rows"), true);
    const all = app.windows.isCounted ? text("All {n} rows of this filter", { n: app.windows.total }) : text("All rows of this filter");
    if (this.isPicked) {
      const ways = [["picked", text("The {n} selected rows", { n: this.picked.length })], ["all", all]] as const;
      this.box.body.append(chosen(text("Which rows"), ways, "picked", (way) => {
        this.isPicked = way === "picked";
        this.stale();
      }));
    } else this.box.body.append(element("p", {}, all));
    this.post = String(app.posts.chosen ?? "");
    this.box.body.append(this.lines, ...this.circumstances(), this.told);
    this.go = button(text("Change the rows"), "check", () => void this.apply(), "btn-primary");
    this.box.foot.append(button(text("Look at it first"), "eye", () => void this.look()), this.go);
    const here = app.shown[app.table.active.col];
    const first = app.isWritable(here) ? here : this.free()[0];
    if (first) this.keys = [first.key];
    this.draw();
    this.lines.querySelector<HTMLElement>("select")?.focus();
  }

  /** For which post it is done, begun with the one that is chosen over the cells; of appeals the journal tells why. */
  private circumstances(): HTMLElement[] {
    const { acting, family } = this.app.schema;
    const posts = chosen(text("Acting for"), acting.map(([id, name]) => [String(id), name] as const), this.post, (post) => {
      this.post = post;
      this.stale();
    });
    const parts = family !== "appeals" ? [] : [element("label", { for: "bulk-reason", class: "bulk-why" }, element("span", {}, text("Reason (optional, stands in the journal)")), this.reason)];
    if (this.app.posts.isChoice) parts.unshift(element("label", { class: "bulk-why" }, element("span", {}, text("Acting for")), posts));
    return parts;
  }
  private more(): Record<string, unknown> {
    const reason = this.reason.value.trim();
    return { ...(this.post !== "" ? { post_id: Number(this.post) } : {}), ...(reason !== "" ? { reason } : {}) };
  }

  private forget(key: string): void {
    delete this.values[key];
    this.fields.delete(key);
  }
  private free(): Column[] {
    return this.app.schema.columns.filter((one) => this.app.isWritable(one) && !this.keys.includes(one.key));
  }

  private draw(): void {
    const lines = this.keys.map((key, at) => this.line(key, at));
    const more = button(text("One more column"), "plus", () => {
      const next = this.free()[0];
      if (next) this.keys.push(next.key);
      this.draw();
    }, "btn-quiet");
    this.lines.replaceChildren(...lines, ...(this.free().length > 0 ? [more] : []));
    enhanceDates(this.lines);
    enhanceSelects(this.lines);
    this.stale();
  }

  private line(key: string, at: number): HTMLElement {
    const column = this.app.byKey.get(key);
    if (!column) return element("div");
    const offers = [column, ...this.free()].map((one) => [one.key, one.label] as const);
    const which = chosen(text("Column"), offers, key, (next) => {
      this.forget(key);
      this.keys[at] = next;
      this.draw();
    });
    const field = this.field(column);
    const drop = iconButton(text("Leave this column out"), "xmark", () => {
      this.forget(key);
      this.keys.splice(at, 1);
      this.draw();
    }, this.keys.length < 2);
    return element("div", { class: "filter-line bulk-line", "data-column": key }, which, element("span", { class: "bulk-becomes" }, text("becomes")), field, drop);
  }

  /** Made once for a column, so that nothing chosen in it is lost. */
  private field(column: Column): HTMLElement {
    const known = this.fields.get(column.key);
    if (known) return known;
    const { key } = column;
    const blank: Row = { id: 0, version: 0, key: "", cells: { [key]: null } };
    this.values[key] = null;
    const id = `bulk-${key}`;
    const control = this.app.panel.controlFor(blank, column, id, this.values, () => this.stale());
    const field = element("div", { class: "bulk-value" }, element("label", { for: id, class: "sr-only" }, column.label), control);
    this.fields.set(key, field);
    return field;
  }

  /** What was looked at is not what would be done now. */
  private stale(): void {
    this.told.replaceChildren();
    this.key = requestKey();
    this.go.disabled = true;
  }

  private body(more: Record<string, unknown>): Record<string, unknown> {
    return { values: Object.fromEntries(this.keys.map((key) => [key, this.values[key] ?? null])), query: this.app.query(), ...this.more(), ...more };
  }
  private cells(rows: readonly Row[]): { id: number; version: number; values: Record<string, unknown> }[] {
    const { values } = this.body({}) as { values: Record<string, unknown> };
    return rows.map((row) => ({ id: row.id, version: row.version, values }));
  }

  /** A value that is still being written counts: leaving its field says so. */
  private settle(): void {
    if (this.lines.contains(document.activeElement)) (document.activeElement as HTMLElement).blur();
  }

  private async look(): Promise<void> {
    this.settle();
    this.told.replaceChildren(element("p", { class: "muted" }, text("Loading …")));
    const { key } = this;
    try {
      const seen = this.isPicked ? await this.tried() : await this.app.api.post<Seen>("/bulk", this.body({ dry: true }));
      if (key === this.key) this.show(seen);
    } catch (error) {
      this.refuse(error);
    }
  }

  private async tried(): Promise<Seen> {
    const first = this.picked.slice(0, 10);
    const told = await this.app.api.post<{ rows: readonly Row[]; problems: readonly Problem[] }>("/edits", { kind: "fill", cells: this.cells(first), new: [], dry: true, request_key: requestKey(), ...this.more() });
    const sample = first.flatMap((row) => {
      const then = told.rows.find((one) => one.id === row.id);
      return then ? [{ id: row.id, old: row.cells, new: then.cells }] : [];
    });
    return { count: this.picked.length, sample, problems: told.problems };
  }

  private show(seen: Seen): void {
    const parts: HTMLElement[] = [element("p", {}, element("b", {}, seen.count === 1 ? text("1 row will be changed") : text("{n} rows will be changed", { n: seen.count })))];
    const lines = seen.sample.flatMap((one) => this.keys.map((key) => {
      const column = this.app.byKey.get(key);
      const words = (cells: Readonly<Record<string, Cell>>): string => (column ? shownText(column, cells[key]).split(SEVERAL).join("、") : "") || "–";
      const name = this.nameOf(one.id);
      return element("tr", {}, element("td", {}, name), element("td", {}, column?.label ?? key), element("td", {}, words(one.old)), element("td", {}, words(one.new)));
    }));
    if (lines.length > 0) {
      const head = element("tr", {}, ...[text("Row"), text("Column"), text("Before"), text("After")].map((one) => element("th", { scope: "col" }, one)));
      parts.push(element("table", { class: "bulk-sample" }, element("caption", { class: "muted" }, text("The first of them:")), element("thead", {}, head), element("tbody", {}, ...lines)));
    }
    if (seen.problems.length > 0) parts.push(...this.problems(seen.problems, text("Of the first rows these would be left as they are:")));
    this.told.replaceChildren(...parts);
    this.go.disabled = seen.count === 0;
  }

  private nameOf(id: number): string {
    const row = this.app.windows.byId(id);
    const title = this.app.byKey.get(this.app.schema.title);
    return (row && title && shownText(title, row.cells[title.key])) || String(id);
  }

  private problems(found: readonly Problem[], label: string): HTMLElement[] {
    const lines = found.slice(0, 10).map((one) => element("li", {}, `${one.id === undefined ? "" : this.nameOf(one.id)}: ${one.message}`));
    return [element("p", { class: "error" }, label), element("ul", { class: "bulk-problems" }, ...lines)];
  }

  private refuse(error: unknown): void {
    const words: string[] = [];
    if (error instanceof ApiError) {
      for (const [key, told] of Object.entries(error.fields)) words.push(`${this.app.byKey.get(key)?.label ?? key}: ${told.join(" ")}`);
      if (words.length === 0 && error.message !== "") words.push(error.message);
    }
    if (words.length === 0) words.push(text("That did not work. Please try again."));
    this.told.replaceChildren(...words.map((one) => element("p", { class: "error", role: "alert" }, one)));
  }

  private async apply(): Promise<void> {
    const { app } = this;
    this.go.disabled = true;
    app.notice("bulk", "");
    try {
      if (this.isPicked) await this.applyPicked();
      else {
        const done = await app.api.post<Done>("/bulk", this.body({ request_key: this.key }));
        this.leave();
        app.edits.remember(done.change_set);
        if (done.task !== undefined) return await this.followJob(done.change_set, done.task);
        app.reload();
        this.tell(done.change_set, done.problems, text("The rows were changed."));
      }
    } catch (error) {
      this.refuse(error);
    }
  }

  /** Back to the cell one came from, where Ctrl+Z is at hand. */
  private leave(): void {
    this.box.close();
    window.setTimeout(() => this.app.table.focus());
  }

  /** How far a job came, whether it was stopped or not, and how much of it was refused. */
  private async followJob(set: number | null, task: number): Promise<void> {
    const { app } = this;
    const how = await followed(app, task, text("Changing rows"));
    interface Own { id: number; done: number; refused: number }
    const told = await app.api.get<{ edits: readonly Own[] }>("/edits/mine").catch(() => ({ edits: [] }));
    const own = told.edits.find((one) => one.id === set);
    const done = own?.done ?? 0;
    const words = how === "done" ? text("The rows were changed.") : done > 0 ? text("Stopped after {n} rows were changed.", { n: done }) : text("Stopped. Nothing was written.");
    const refused = own && own.refused > 0 ? text("{n} rows were left as they are.", { n: own.refused }) : "";
    this.tell(own && done === 0 ? null : set, [], `${words} ${refused}`.trim());
  }

  private async applyPicked(): Promise<void> {
    const { app } = this;
    const changes = this.picked.flatMap((row) => this.keys.map((key) => {
      const column = app.byKey.get(key);
      const raw = this.values[key] ?? null;
      const shown = column && typeof raw !== "object" ? shownText(column, raw as Cell) : "";
      return { id: row.id, version: row.version, key, base: row.cells[key] ?? null, raw, shown };
    }));
    this.leave();
    await app.long(text("Changing rows"), this.picked.length, (progress, signal) => app.edits.saveMany("fill", changes, [], progress, signal, this.more()));
  }

  private tell(set: number | null, problems: readonly Problem[], words: string): void {
    const { app } = this;
    const why = problems.slice(0, TOLD).map((one) => `${one.id === undefined ? "" : this.nameOf(one.id)}: ${one.message}`).join(" ");
    const refused = problems.length > 0 ? text("{n} cells were left as they are. {why}", { n: problems.length, why }) : "";
    if (set === null) return app.notice("bulk", refused || (words === text("The rows were changed.") ? text("Nothing had to be changed.") : words), { label: text("Close"), act: () => app.notice("bulk", "") });
    app.notice("bulk", `${words} ${refused}`.trim(), {
      label: text("Undo"),
      act: () => {
        app.notice("bulk", "");
        void app.edits.undoOnly(set);
      },
    }, { label: text("Close"), act: () => app.notice("bulk", "") });
  }
}

document.addEventListener("grid:ready", (event) => {
  const app = (event as CustomEvent<GridApp>).detail;
  const host = document.querySelector<HTMLElement>("[data-grid-actions]");
  if (!host || !app.schema.columns.some((one) => app.isWritable(one))) return;
  const opener: HTMLButtonElement = button(text("Change many rows"), "pen-to-square", () => new Bulk(app, opener), "btn-quiet");
  host.append(opener);
});
