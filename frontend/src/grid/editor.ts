/** Typing into a cell. The sink has the focus before anybody types, so the first key of an input method is not lost. */
import { enhanceDates } from "../calendar";
import { element } from "../dom";
import { text } from "../messages";
import { showToast } from "../toast";
import type { GridApp } from "./app";
import type { Cell, Column, Row } from "./model";
import { hasList, Picker } from "./picker";
import { momentText, plainText } from "./values";

interface Session {
  readonly column: Column;
  readonly row: Row | undefined;
  readonly place: number;
  readonly base: Cell;
  readonly version: number;
  picker: Picker | undefined;
  /** Opened over what stood there: arrows move in the text, not out of the cell. */
  readonly isKept: boolean;
}
/** What the sink is to a screen reader while a list stands under it. */
const COMBOBOX = [["role", "combobox"], ["aria-expanded", "true"], ["aria-haspopup", "listbox"], ["aria-autocomplete", "list"], ["aria-controls", "grid-list"]] as const;
export type Start = "typed" | "kept" | "list";

export class Editor {
  private session: Session | undefined;
  private calendar: HTMLElement | undefined;

  constructor(private readonly app: GridApp) {
    const { sink } = app.table;
    // The text is already in the sink: the first letter, or the first key of an input method, opened the editor by itself.
    sink.addEventListener("compositionstart", () => this.begin("typed"));
    sink.addEventListener("input", () => {
      if (!this.session) this.begin("typed");
      else if (this.session.picker) this.session.picker.filter(sink.value);
      this.grow();
    });
    sink.addEventListener("blur", (event) => {
      const to = event.relatedTarget as Node | null;
      if (this.session && to && !this.calendar?.contains(to)) void this.commit();
    });
  }

  get isOpen(): boolean {
    return this.session !== undefined;
  }
  get isKept(): boolean {
    return this.session?.isKept ?? false;
  }
  get picker(): Picker | undefined {
    return this.session?.picker;
  }

  /** Open the cell one is on; false where nobody types into it. */
  begin(start: Start): boolean {
    if (this.session) return true;
    const { app } = this;
    const { table } = app;
    const column = app.shown[table.active.col];
    const row = app.windows.row(table.active.row);
    const isExtra = row === undefined && app.schema.can.add && table.active.row >= app.windows.total;
    if (column?.kind === "files" && row && start !== "typed") {
      void app.panel.showFiles(row, column.key);
      return false;
    }
    if (!column || !app.isWritable(column) || (!row && !isExtra)) {
      table.sink.value = "";
      if (column && row) app.explainFixed(column);
      else if (column && app.isWritable(column)) app.flash(text("This row is still being loaded."));
      return false;
    }
    const draft = row ? app.edits.mark(row.id, column.key) : undefined;
    const base = draft && draft.kind !== "saving" ? draft.change.base : (row?.cells[column.key] ?? null);
    const version = draft && draft.kind === "problem" ? draft.change.version : (row?.version ?? 0);
    this.session = { column, row, place: table.active.row, base, version, picker: undefined, isKept: start !== "typed" };
    table.editing = true;
    table.sink.classList.add("is-editing");
    table.sink.removeAttribute("aria-activedescendant");
    table.sink.classList.toggle("is-long", column.kind === "long");
    if (start !== "typed") {
      table.sink.value = draft ? draft.change.shown : row ? plainText(row, column) : "";
      table.sink.setSelectionRange(table.sink.value.length, table.sink.value.length);
    }
    if (hasList(column)) {
      const picker = new Picker(app.api, column, base, table.sink, (offer) => {
        if (offer) this.done(offer.value, offer.label, 0, 0);
      });
      this.session.picker = picker;
      for (const [name, value] of COMBOBOX) table.sink.setAttribute(name, value);
      if (start === "typed") picker.filter(table.sink.value);
      else if (start === "list") table.sink.select();
      if (picker.isMultiple && start !== "typed") table.sink.value = "";
    }
    table.later(false);
    this.grow();
    if (start === "list" && (column.kind === "date" || column.kind === "moment")) this.openCalendar();
    return true;
  }

  private grow(): void {
    const { sink } = this.app.table;
    if (!this.session) return;
    const wide = this.app.table.anchor.offsetWidth || 120;
    const isLong = this.session.column.kind === "long";
    const room = this.app.table.host.clientWidth - sink.offsetLeft - 12;
    sink.style.width = `${Math.min(Math.max(wide, isLong ? 380 : 160), Math.max(160, room))}px`;
    if (this.session.picker) {
      // One line: the list stands right under it.
      sink.style.height = `${this.app.table.height}px`;
      return;
    }
    sink.style.height = "auto";
    sink.style.height = `${Math.min(260, Math.max(this.app.table.height, sink.scrollHeight + 4, isLong ? 96 : 0))}px`;
  }

  newline(): void {
    const { sink } = this.app.table;
    sink.setRangeText("\n", sink.selectionStart, sink.selectionEnd, "end");
    this.grow();
  }

  /** Leave without writing. */
  close(): void {
    const { table } = this.app;
    this.session?.picker?.close();
    this.session = undefined;
    this.calendar?.remove();
    this.calendar = undefined;
    table.editing = false;
    table.sink.value = "";
    table.sink.classList.remove("is-editing", "is-long");
    for (const [name] of COMBOBOX) table.sink.removeAttribute(name);
    table.sink.setAttribute("aria-controls", table.id);
    table.later(false);
  }

  /** Write what was typed and go on; stays where a list has nothing that fits. */
  async commit(down = 0, right = 0, isRun = false): Promise<void> {
    const { session } = this;
    if (!session) return;
    const typed = this.app.table.sink.value;
    if (session.picker) {
      const offer = await session.picker.decide(typed);
      if (this.session !== session) return;
      if (offer === undefined) return showToast({ text: text("Nothing in the list is called {typed}.", { typed }), tone: "warn" });
      return this.done(offer?.value ?? null, offer?.label ?? "", down, right, isRun);
    }
    const { column } = session;
    const raw: unknown = column.kind === "text" || column.kind === "long" ? typed : typed.trim();
    this.done(raw === "" ? null : raw, typed, down, right, isRun);
  }

  /** Ctrl+Enter: what was typed into every selected cell. */
  async commitAll(): Promise<void> {
    const { session, app } = this;
    const { top, bottom, left, right } = app.table.range;
    if (!session) return;
    if (top === bottom && left === right) return this.commit();
    let typed = app.table.sink.value;
    if (session.picker) {
      const offer = await session.picker.decide(typed);
      if (this.session !== session) return;
      if (offer === undefined) return showToast({ text: text("Nothing in the list is called {typed}.", { typed }), tone: "warn" });
      typed = offer?.label ?? "";
    }
    this.close();
    app.table.focus();
    await app.transfer.spread(typed);
  }

  /** Ctrl+; as in Excel: the office's day, or moment, where one is. */
  today(): void {
    const { table, shown } = this.app;
    const kind = shown[table.active.col]?.kind;
    if ((kind !== "date" && kind !== "moment") || !this.begin("kept")) return;
    table.sink.value = momentText(new Date().toISOString()).slice(0, kind === "date" ? 10 : 16);
  }

  private done(raw: unknown, shown: string, down: number, right: number, isRun = false): void {
    const { session, app } = this;
    if (!session) return;
    this.close();
    app.table.focus();
    if (isRun) app.table.run(session.place + down, down, right);
    else if (down !== 0 || right !== 0) app.table.go(session.place + down, app.table.active.col + right);
    if (!session.row) {
      if (raw !== null) app.addAt(session.place, session.column, raw, shown);
      return;
    }
    const before = session.row.cells[session.column.key] ?? null;
    const hadMark = app.edits.mark(session.row.id, session.column.key) !== undefined;
    if (!hadMark && (plainText(session.row, session.column) === shown || before === raw)) return;
    void app.edits.save({ id: session.row.id, version: session.version, key: session.column.key, base: session.base, raw, shown });
  }

  /** The calendar of the forms, over the cell. */
  private openCalendar(): void {
    const { session, app } = this;
    if (!session) return;
    const withTime = session.column.kind === "moment";
    const input = element("input", { type: "text", value: app.table.sink.value, [withTime ? "data-datetime" : "data-date"]: true, "aria-label": session.column.label });
    const box = element("div", { class: "grid-date" }, input);
    const at = app.table.sink.getBoundingClientRect();
    box.style.left = `${at.left}px`;
    box.style.top = `${at.top}px`;
    document.body.append(box);
    this.calendar = box;
    enhanceDates(box);
    let isPicked = false;
    const finish = (): void => {
      app.table.sink.value = input.value;
      void this.commit();
    };
    input.addEventListener("change", () => {
      isPicked = true;
      if (!withTime) finish();
    });
    // The calendar gives the focus back to its field when it closes: picked or left.
    input.addEventListener("focus", () => {
      if (box.querySelector(".calendar") || this.calendar !== box) return;
      if (isPicked) finish();
      else this.leaveCalendar();
    });
    input.addEventListener("keydown", (event) => {
      if (event.key === "Escape") this.leaveCalendar();
    });
    box.querySelector("button")?.click();
  }

  private leaveCalendar(): void {
    this.close();
    this.app.table.focus();
  }
}
