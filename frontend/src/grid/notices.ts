/** What the person must know while he works, over the table and never over his cells. */
import { element } from "../dom";
import { text } from "../messages";
import { ApiError } from "./api";
import type { GridApp } from "./app";
import type { Mark } from "./edits";
import { plainText, shownText, SEVERAL } from "./values";

const SOON = 400;
const BRIEF = 3_000;
const MOST = 2;

interface Button {
  readonly label: string;
  readonly act: () => void;
}

export class Notices {
  private readonly shown = new Map<string, HTMLElement>();
  private brieflyUntil = 0;

  constructor(
    private readonly app: GridApp,
    readonly box: HTMLElement,
  ) {
    box.addEventListener("keydown", (event) => {
      if (event.key === "Escape") this.app.table.focus();
    });
  }

  set(name: string, words: string, buttons: readonly Button[] = [], tone = "info"): void {
    const old = this.shown.get(name);
    if (words === "") {
      old?.remove();
      this.shown.delete(name);
      return;
    }
    if (old?.dataset["words"] === words) return;
    const node = element("div", { class: `grid-notice is-${tone}`, "data-notice": name, "data-words": words }, element("span", {}, words));
    for (const { label, act } of buttons) {
      const button = element("button", { type: "button", class: "btn btn-sm" }, label);
      button.addEventListener("click", () => {
        act();
        this.app.table.focus();
      });
      node.append(button);
    }
    if (old) old.replaceWith(node);
    else this.box.append(node);
    this.shown.set(name, node);
  }

  brief(words: string): void {
    this.set("brief", words);
    window.clearTimeout(this.brieflyUntil);
    this.brieflyUntil = window.setTimeout(() => this.set("brief", ""), BRIEF);
  }

  failed(problem: { message: string; again: () => void } | null): void {
    if (problem === null) return this.set("failed", "");
    this.set("failed", problem.message || text("Rows could not be loaded. It is tried again by itself."), [{ label: text("Try now"), act: problem.again }], "warn");
  }

  async long<T>(label: string, all: number, act: (progress: (done: number) => void, signal: AbortSignal) => Promise<T>): Promise<T | undefined> {
    const control = new AbortController();
    const name = `long-${Math.random()}`;
    let done = 0;
    let isShown = false;
    const draw = (): void => {
      if (!isShown) return;
      const stop = { label: text("Cancel"), act: () => control.abort() };
      this.set(name, `${label} ${text("{done} of {all}", { done, all })}`, [stop]);
    };
    const timer = window.setTimeout(() => {
      isShown = true;
      draw();
    }, SOON);
    try {
      return await act((now) => {
        done = now;
        draw();
      }, control.signal);
    } catch (error) {
      const isStopped = control.signal.aborted || (error instanceof DOMException && error.name === "AbortError");
      if (!isStopped) this.set("trouble", (error instanceof ApiError && error.message) || text("That did not work. Please try again."), [{ label: text("Close"), act: () => this.set("trouble", "") }], "warn");
      return undefined;
    } finally {
      window.clearTimeout(timer);
      this.set(name, "");
    }
  }

  /** Every cell that somebody else changed while it was typed into: both values, and the choice. */
  conflicts(): void {
    const { app } = this;
    const first = (one: Mark): number => (one.kind === "conflict" ? 0 : 1);
    const marks = app.edits.troubled.filter((one) => !one.isHeldBack).sort((a, b) => first(a) - first(b));
    const names = new Set<string>();
    marks.slice(0, MOST).forEach((mark) => {
      const name = `mark-${mark.change.id}-${mark.change.key}`;
      names.add(name);
      this.set(name, this.wordsOf(mark), this.buttonsOf(mark), mark.kind === "conflict" ? "danger" : "warn");
    });
    if (marks.length > MOST) {
      names.add("mark-more");
      const drop = { label: text("Drop all of them"), act: () => app.edits.dropAll() };
      const left = marks.length - MOST;
      this.set("mark-more", left === 1 ? text("1 more cell is not saved.") : text("{n} more cells are not saved.", { n: left }), [drop], "warn");
    }
    const { unadded } = app.edits;
    if (unadded.length > 0) {
      names.add("mark-new");
      const why = unadded[0]?.error.message ?? "";
      this.set("mark-new", unadded.length === 1 ? text("1 new row was not added: {why}", { why }) : text("{n} new rows were not added: {why}", { n: unadded.length, why }), [
        { label: text("Complete in the form"), act: () => window.setTimeout(() => app.completeUnadded()) },
        { label: text("Drop it"), act: () => app.edits.dropUnadded() },
      ], "warn");
    }
    for (const name of [...this.shown.keys()]) if (name.startsWith("mark-") && !names.has(name)) this.set(name, "");
  }

  private wordsOf(mark: Mark): string {
    const { app } = this;
    const column = app.byKey.get(mark.change.key);
    const row = app.windows.byId(mark.change.id) ?? mark.theirs;
    const title = app.byKey.get(app.schema.title);
    const name = row && title ? plainText(row, title) : String(mark.change.id);
    const where = `${name} · ${column?.label ?? mark.change.key}`;
    const mine = mark.change.shown || text("(empty)");
    if (mark.kind === "problem") return text("{where}: “{mine}” was not saved. {why}", { where, mine, why: mark.message });
    const other = column && mark.theirs ? shownText(column, mark.theirs.cells[mark.change.key]).split(SEVERAL).join("、") : "";
    return text("{where}: somebody else wrote “{theirs}” meanwhile; you wrote “{mine}”.", { where, mine, theirs: other || text("(empty)") });
  }

  private buttonsOf(mark: Mark): Button[] {
    const { app } = this;
    const goTo = (): void => {
      const place = app.windows.place(mark.change.id);
      const col = app.shown.findIndex((one) => one.key === mark.change.key);
      const row = app.windows.byId(mark.change.id);
      if (app.cards.isOn && row) void app.panel.show(row).then(() => app.panel.focusField(mark.change.key));
      else if (place !== undefined && col >= 0) app.table.go(place, col);
    };
    if (mark.kind === "conflict") {
      return [
        { label: text("Keep mine"), act: () => void app.edits.keepMine(mark) },
        { label: text("Take theirs"), act: () => app.edits.drop(mark) },
      ];
    }
    const { form } = mark;
    return [
      ...(form ? [{ label: text("Open the form"), act: () => window.location.assign(form) }] : []),
      { label: text("Go there"), act: goTo },
      { label: text("Try again"), act: () => void app.edits.retry(mark) },
      { label: text("Drop it"), act: () => app.edits.drop(mark) },
    ];
  }

  /** What to do where there is no row. */
  empty(box: HTMLElement): void {
    const { app } = this;
    box.hidden = !app.windows.isEmpty;
    if (box.hidden) return;
    const query = app.query();
    const isNarrowed = Boolean(query.search) || Boolean(query.filter?.all?.length || query.filter?.any?.length);
    const parts: HTMLElement[] = [];
    if (isNarrowed) {
      const clear = element("button", { type: "button", class: "btn" }, text("Show all rows"));
      const { sort } = query;
      clear.addEventListener("click", () => app.setQuery(sort ? { sort } : {}));
      parts.push(element("b", {}, text("No row matches")), element("p", {}, text("Try fewer filters, or another word.")), clear);
    } else {
      parts.push(element("b", {}, text("This sheet has no rows yet")));
      if (app.schema.can.add) {
        const add = element("button", { type: "button", class: "btn btn-primary" }, text("Add the first row"));
        add.addEventListener("click", () => void app.addRow({}));
        parts.push(element("p", {}, text("Type one in, or paste a list from Excel into the empty line.")), add);
      }
    }
    box.replaceChildren(...parts);
  }
}
