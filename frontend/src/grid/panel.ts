/** The side panel: one row with all its fields, long texts with room to write, the history of a cell, the way to the full page. */
import { enhanceDates } from "../calendar";
import { enhanceSelects } from "../combobox";
import { element } from "../dom";
import { text } from "../messages";
import { ApiError, requestKey } from "./api";
import type { GridApp } from "./app";
import { fileLinks, filesControl, takesFiles } from "./files";
import { REFERENCES, type Column, type Row } from "./model";
import { options } from "./picker";
import { cellText, momentText, plainText, rawOf, SEVERAL, shownText } from "./values";

interface Past {
  readonly at: string;
  readonly person: string;
  readonly post: string;
  readonly old: unknown;
  readonly new: unknown;
  readonly why: string;
}

export class Panel {
  private readonly box = element("aside", { class: "grid-panel", hidden: true, tabindex: "-1" });
  private open: Row | undefined;
  /** Files came or went since it was drawn: what the server said before is older. */
  private isTouched = false;
  private dirty = new Map<string, { raw: unknown; shown: string }>();
  /** Others add sections of their own at the end: (row, where) → nothing. */
  readonly sections: ((row: Row, into: HTMLElement) => void)[] = [];

  constructor(private readonly app: GridApp) {
    app.root.append(this.box);
    this.box.addEventListener("keydown", (event) => {
      if (event.key !== "Escape" || event.isComposing || event.defaultPrevented) return;
      event.stopPropagation();
      this.close();
    });
  }

  get rowId(): number | undefined {
    return this.open?.id;
  }

  async show(row: Row, history?: string): Promise<void> {
    this.keepChanges();
    this.open = row;
    this.isTouched = false;
    this.box.hidden = false;
    this.app.root.classList.add("has-panel");
    this.box.setAttribute("aria-label", this.titleOf(row));
    this.draw(row, history);
    this.box.focus({ preventScroll: true });
    try {
      const whole = await this.app.api.get<Row>(`/rows/${row.id}`);
      // An answer that is older than what stands here by now is none.
      if (this.open?.id === row.id && whole.version >= this.open.version && !this.isTouched && !this.box.querySelector(".is-sending")) {
        this.open = whole;
        this.draw(whole, history);
      }
    } catch (error) {
      if (this.open?.id === row.id) this.box.append(element("p", { class: "note is-warn" }, error instanceof ApiError ? error.message : text("That did not work. Please try again.")));
    }
  }

  /** The row at its field of files, into which `files` go at once. */
  async showFiles(row: Row, key: string, files: readonly File[] = []): Promise<void> {
    await this.show(row);
    const input = this.box.querySelector<HTMLInputElement>(`[data-field="${CSS.escape(key)}"] input[type=file]`);
    if (!input) return;
    input.scrollIntoView({ block: "center" });
    input.focus();
    if (files.length === 0) return;
    const chosen = new DataTransfer();
    files.forEach((one) => chosen.items.add(one));
    input.files = chosen.files;
    input.dispatchEvent(new Event("change", { bubbles: true }));
  }

  focusField(key: string): void {
    this.box.querySelector<HTMLElement>(`[data-field="${CSS.escape(key)}"] :is(input, select, textarea)`)?.focus();
  }

  /** The row changed under the open panel; what is being written in it stays. */
  refresh(row: Row): void {
    if (this.open?.id !== row.id || this.dirty.size > 0 || this.box.contains(document.activeElement) && document.activeElement !== this.box) return;
    void this.show(row);
  }

  close(): void {
    if (this.box.hidden) return;
    this.keepChanges();
    this.box.hidden = true;
    this.open = undefined;
    this.app.root.classList.remove("has-panel");
    this.app.table.focus();
  }

  private titleOf(row: Row): string {
    const column = this.app.byKey.get(this.app.schema.title);
    return (column && plainText(row, column)) || `${this.app.schema.label} ${row.id}`;
  }

  private draw(row: Row, history?: string): void {
    const { app } = this;
    const close = element("button", { type: "button", class: "btn btn-quiet btn-icon", "aria-label": text("Close") }, "×");
    close.addEventListener("click", () => this.close());
    const head = element("header", { class: "grid-panel-head" }, element("h2", {}, this.titleOf(row)), close);
    const address = app.root.dataset["rowAddress"] ?? "";
    const links = element("p", { class: "grid-panel-links" });
    if (address !== "") links.append(element("a", { class: "btn btn-sm", href: address.replace("{id}", String(row.id)) }, text("Open the full page")));
    const fields = element("div", { class: "grid-fields" });
    const shown = new Set(app.shown.map((one) => one.key));
    const columns = [...app.shown, ...app.schema.columns.filter((one) => !shown.has(one.key))];
    for (const column of columns) if (column.key in row.cells || shown.has(column.key)) fields.append(this.field(row, column));
    const more = element("div", {});
    this.box.replaceChildren(head, links, fields, more);
    enhanceDates(fields);
    enhanceSelects(fields);
    for (const section of this.sections) section(row, more);
    if (history !== undefined) void this.showHistory(row, history);
  }

  private field(row: Row, column: Column): HTMLElement {
    const { app } = this;
    const past = element("button", { type: "button", class: "grid-past", title: text("History"), "aria-label": `${text("History")}: ${column.label}` });
    past.append(element("i", { class: "fa-solid fa-clock-rotate-left", "aria-hidden": "true" }));
    past.addEventListener("click", () => void this.showHistory(row, column.key));
    const box = element("div", { class: "grid-field", "data-field": column.key });
    const mark = app.edits.mark(row.id, column.key);
    if (app.isWritable(column) || takesFiles(app, column)) {
      const id = `panel-${column.key}`;
      box.append(element("label", { for: id }, column.label), past, this.control(row, column, id));
      if (mark && mark.kind !== "saving") box.append(element("p", { class: "error", role: "alert" }, mark.message));
    } else {
      const value = cellText(row, column);
      box.append(element("span", { class: "grid-field-name" }, column.label), past, element("div", { class: "grid-field-value" }, ...(column.kind === "files" && value !== "" ? fileLinks(app, column, row.cells[column.key]) : this.words(column, value))));
    }
    return box;
  }

  /** What was refused stands at its field as soon as it is known, and goes when it is settled. */
  tellMarks(): void {
    const row = this.open;
    if (!row || this.box.hidden) return;
    for (const field of this.box.querySelectorAll<HTMLElement>(".grid-field[data-field]")) {
      const mark = this.app.edits.mark(row.id, field.dataset["field"] ?? "");
      const words = mark && mark.kind !== "saving" ? mark.message : "";
      const known = field.querySelector(":scope > .error");
      if ((known?.textContent ?? "") === words) continue;
      known?.remove();
      if (words !== "") field.append(element("p", { class: "error", role: "alert" }, words));
    }
  }

  private words(column: Column, value: string): (Node | string)[] {
    if (value === "") return ["–"];
    if (column.kind !== "choice" && column.kind !== "choices") return [value];
    return value.split(SEVERAL).map((one) => element("span", { class: `grid-chip is-${column.choices.find((choice) => choice.label === one)?.colour ?? "grey"}` }, one));
  }

  private control(row: Row, column: Column, id: string): HTMLElement {
    const mark = this.app.edits.mark(row.id, column.key);
    const value = mark ? mark.change.shown : plainText(row, column);
    const changed = (raw: unknown, shown: string): void => void this.write(row, column, raw, shown);
    if (column.kind === "files") {
      const box = filesControl(this.app, row, column, id, (ids, shown) => {
        this.isTouched = true;
        const saved = this.write(row, column, ids, shown);
        // Drawn anew while a file was being chosen: what was chosen there is shown with the row as it is then.
        if (!box.isConnected) void saved.then(() => this.again(row.id));
      });
      return box;
    }
    if (column.kind === "bool" || column.kind === "choice" || column.kind === "choices") return this.choice(row, column, id, changed);
    if (REFERENCES.has(column.kind)) return this.reference(row, column, id, changed);
    if (column.kind === "long") {
      const area = element("textarea", { id, rows: "4" });
      area.value = value;
      area.addEventListener("input", () => this.dirty.set(column.key, { raw: area.value, shown: area.value }));
      area.addEventListener("change", () => changed(area.value, area.value));
      return area;
    }
    const kind = column.kind === "date" ? { "data-date": true } : column.kind === "moment" ? { "data-datetime": true } : {};
    const input = element("input", { type: "text", id, value, ...kind });
    input.addEventListener("input", () => this.dirty.set(column.key, { raw: input.value, shown: input.value }));
    input.addEventListener("change", () => changed(input.value === "" ? null : input.value, input.value));
    return input;
  }

  private choice(row: Row, column: Column, id: string, changed: (raw: unknown, shown: string) => void): HTMLElement {
    const select = element("select", { id, multiple: column.kind === "choices" });
    const value = row.cells[column.key];
    const several = Array.isArray(value) ? (value as readonly unknown[]) : [];
    if (column.kind !== "choices") select.append(new Option("–", ""));
    const offers = column.kind === "bool" ? [["true", text("Yes")], ["false", text("No")]] : column.choices.map((one) => [one.code, one.label]);
    for (const [code = "", label = ""] of offers) select.append(new Option(label, code, false, String(value) === code || several.includes(code)));
    select.addEventListener("change", () => {
      const chosen = Array.from(select.selectedOptions).filter((one) => one.value !== "");
      const words = chosen.map((one) => one.label).join("、");
      if (column.kind === "choices") changed(chosen.map((one) => one.value), words);
      else if (column.kind === "bool") changed(chosen[0] ? chosen[0].value === "true" : null, words);
      else changed(chosen[0]?.value ?? null, words);
    });
    return select;
  }

  /** The first rows it may lead to; the others are found by typing. */
  private reference(row: Row, column: Column, id: string, changed: (raw: unknown, shown: string) => void): HTMLElement {
    const select = element("select", { id, "data-combobox": true, "data-options": `${this.app.api.base}/options/${encodeURIComponent(column.key)}` });
    const here = rawOf(column, row.cells[column.key]);
    select.append(new Option("", ""));
    if (here !== null && here !== undefined) select.append(new Option(plainText(row, column), String(here), true, true));
    void options(this.app.api, column.key, "").then((found) => {
      for (const one of found) if (String(one.value) !== String(here)) select.append(new Option(one.label, String(one.value)));
      select.dispatchEvent(new Event("options-changed"));
    }).catch(() => undefined);
    select.addEventListener("change", () => changed(select.value === "" ? null : Number(select.value), select.selectedOptions[0]?.label ?? ""));
    return select;
  }

  private write(row: Row, column: Column, raw: unknown, shown: string): Promise<void> {
    this.dirty.delete(column.key);
    const now = this.app.windows.byId(row.id) ?? row;
    return this.app.edits.save({ id: row.id, version: now.version, key: column.key, base: row.cells[column.key] ?? null, raw: raw === "" ? null : raw, shown });
  }

  private again(rowId: number): void {
    const now = this.app.windows.byId(rowId);
    if (now && this.open?.id === rowId) void this.show(now);
  }

  /** Nothing typed is lost when another row is opened: it is sent. */
  private keepChanges(): void {
    // Leaving a field sends it, once; what says nothing when it is left is sent here.
    if (this.box.contains(document.activeElement)) (document.activeElement as HTMLElement).blur();
    const row = this.open;
    if (row) for (const [key, { raw, shown }] of this.dirty) {
      const column = this.app.byKey.get(key);
      if (column) void this.write(row, column, raw, shown);
    }
    this.dirty = new Map();
  }

  private async showHistory(row: Row, key: string): Promise<void> {
    const column = this.app.byKey.get(key);
    const field = this.box.querySelector<HTMLElement>(`[data-field="${CSS.escape(key)}"]`);
    if (!column || !field) return;
    const known = field.querySelector(".grid-history");
    if (known) return known.remove();
    const list = element("ol", { class: "grid-history" }, element("li", { class: "muted" }, text("Loading …")));
    field.append(list);
    field.scrollIntoView({ block: "nearest" });
    try {
      const told = await this.app.api.get<Past[] | { history: Past[] }>(`/rows/${row.id}/history?field=${encodeURIComponent(key)}`);
      const past = Array.isArray(told) ? told : told.history;
      const lines = past.map((one) => {
        const who = [one.person, one.post].filter((word) => word).join(" · ");
        const change = `${this.pastWords(column, one.old)} → ${this.pastWords(column, one.new)}`;
        const why = one.why ? [element("span", { class: "muted" }, one.why)] : [];
        return element("li", {}, element("span", { class: "muted" }, `${momentText(one.at)} ${who}`), element("span", {}, change), ...why);
      });
      list.replaceChildren(...(lines.length > 0 ? lines : [element("li", { class: "muted" }, text("This cell was never changed."))]));
    } catch (error) {
      list.replaceChildren(element("li", { class: "muted" }, (error instanceof ApiError && error.message) || text("That did not work. Please try again.")));
    }
  }

  private pastWords(column: Column, value: unknown): string {
    if (value === null || value === undefined || value === "") return "–";
    if (typeof value === "object" && !Array.isArray(value)) return JSON.stringify(value);
    if (REFERENCES.has(column.kind) && !Array.isArray(value)) return String(value);
    return shownText(column, value as never).split(SEVERAL).join("、");
  }

  // --- a new row --------------------------------------------------------------------------------------------------------

  /** A form of the fields one may write; refusals stand at their fields. */
  showNew(values: Readonly<Record<string, unknown>>, told?: ApiError, then?: () => void): void {
    const { app } = this;
    this.keepChanges();
    this.open = undefined;
    this.box.hidden = false;
    this.app.root.classList.add("has-panel");
    const given: Record<string, unknown> = { ...values };
    const close = element("button", { type: "button", class: "btn btn-quiet btn-icon", "aria-label": text("Close") }, "×");
    close.addEventListener("click", () => this.close());
    const form = element("form", { class: "grid-fields" });
    for (const column of app.schema.columns) {
      if (!app.isWritable(column) && !takesFiles(app, column)) continue;
      const id = `new-${column.key}`;
      const blank: Row = { id: 0, version: 0, key: "", cells: { [column.key]: (given[column.key] as never) ?? null } };
      const errors = (told?.fields[column.key] ?? []).map((one) => element("p", { class: "error" }, one));
      const field = element("div", { class: "grid-field" }, element("label", { for: id }, column.label + (column.required ? " *" : "")), this.controlFor(blank, column, id, given), ...errors);
      form.append(field);
    }
    const key = requestKey();
    const save = element("button", { type: "submit", class: "btn btn-primary" }, text("Add the row"));
    form.append(save);
    if (told && Object.keys(told.fields).length === 0) form.prepend(element("p", { class: "error" }, told.message));
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      (document.activeElement as HTMLElement | null)?.blur();
      void app.addRow(given, key, true, then);
    });
    this.box.replaceChildren(element("header", { class: "grid-panel-head" }, element("h2", {}, text("New row")), close), form);
    enhanceDates(form);
    enhanceSelects(form);
    form.querySelector<HTMLElement>("input:not([type=hidden]), textarea, select")?.focus();
  }

  /** One more value for the form of a new row that is open. */
  fill(key: string, raw: unknown): void {
    const control = this.box.querySelector<HTMLInputElement>(`form [id="new-${CSS.escape(key)}"]`);
    if (!control) return;
    control.value = raw === null ? "" : String(raw);
    control.dispatchEvent(new Event("change"));
  }

  /** An editor of the column that writes into `given`. */
  controlFor(blank: Row, column: Column, id: string, given: Record<string, unknown>, told = (): void => undefined): HTMLElement {
    const changed = (raw: unknown): void => {
      given[column.key] = raw === "" ? null : raw;
      told();
    };
    if (column.kind === "files") return filesControl(this.app, blank, column, id, changed);
    if (column.kind === "bool" || column.kind === "choice" || column.kind === "choices") return this.choice(blank, column, id, changed);
    if (REFERENCES.has(column.kind)) return this.reference(blank, column, id, changed);
    const isLong = column.kind === "long";
    const control = isLong ? element("textarea", { id, rows: "4" }) : element("input", { id, type: "text", "data-date": column.kind === "date", "data-datetime": column.kind === "moment" });
    control.value = plainText(blank, column);
    control.addEventListener("input", () => changed(control.value));
    control.addEventListener("change", () => changed(control.value));
    return control;
  }
}
