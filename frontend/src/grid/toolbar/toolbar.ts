/** The bar over a spreadsheet: views, filter, order, groups, columns, colours, figures, words to search for. */
import { element } from "../../dom";
import { text } from "../../messages";
import type { GridApp, Paint } from "../app";
import type { ColourRule, Condition, ConditionGroup, Query, Row, Spec } from "../model";
import { button, openBox, type Box } from "./box";
import { countOf, holds, inWords, isGroup, joined, listOf, partsOf, withoutLast } from "./conditions";
import { Figures } from "./figures";
import { FilterBuilder, type Names } from "./filter";
import { groupable, GroupPanel, usualPart, type Part } from "./groups";
import { fillColumns } from "./columns";
import { fillColours, fillSorting } from "./sorting";
import { Views, type SavedView } from "./views";

const SOON = 350;

/** The columns that conditions ask for: a colour needs their cells. */
function asked(group: ConditionGroup): string[] {
  return partsOf(group).flatMap((one) => (isGroup(one) ? asked(one) : [one.field]));
}

export class Toolbar {
  private readonly views: Views;
  private readonly groups: GroupPanel;
  private readonly figures: Figures;
  private readonly search = element("input", { type: "search", class: "tool-search", placeholder: text("Search in the rows"), "aria-label": text("Search in the rows"), maxlength: "100" });
  private readonly view = this.tool(text("All rows"), "table-list", () => this.openViews());
  private readonly filter = this.tool(text("Filter"), "filter", () => this.openFilter());
  private readonly sort = this.tool(text("Sort"), "arrow-down-wide-short", () => fillSorting(this.app, openBox(this.sort, text("Sort"))));
  private readonly group = this.tool(text("Group"), "layer-group", () => this.toggleGroups());
  private readonly column = this.tool(text("Columns"), "table-columns", () => fillColumns(this.app, openBox(this.column, text("Columns"))));
  private readonly colour = this.tool(text("Colours"), "palette", () => this.openColours());
  private readonly figure = this.tool(text("Totals"), "calculator", () => this.openFigures());
  private readonly height = this.tool(text("Tall rows"), "text-height", () => this.app.change({ height: this.app.spec().height === "tall" ? "short" : "tall" }));
  private readonly names: Names;
  private readonly known = new Map<string, string>();
  /** A group's line narrows the rows; a view does not keep that. */
  private narrowed: { base: ConditionGroup | undefined; filter: ConditionGroup } | undefined;
  private kept = "";
  private last = "";
  private summed = "";
  private drawn: readonly string[] = [];
  private timer = 0;

  constructor(
    private readonly app: GridApp,
    host: HTMLElement,
  ) {
    this.names = {
      of: (key, id) => this.known.get(`${key}:${String(id)}`) ?? `#${String(id)}`,
      keep: (key, id, name) => void this.known.set(`${key}:${String(id)}`, name),
    };
    this.views = new Views(app.api, {
      wanted: () => this.wanted(),
      isChanged: () => this.isChanged(),
      opened: (view) => this.opened(view),
      saved: () => this.settled(),
    });
    this.figures = new Figures(app, () => app.query());
    this.groups = new GroupPanel(app, () => this.base(), () => this.figures.wanted, (by) => this.groupBy(by), (conditions) => this.narrow(conditions));
    host.setAttribute("role", "toolbar");
    host.setAttribute("aria-label", text("View"));
    host.append(element("div", { class: "tools" }, this.view, this.filter, this.sort, this.group, this.column, this.colour, this.figure, this.height, ...(app.posts.isChoice ? [app.posts.control()] : []), this.search));
    host.addEventListener("keydown", (event) => this.key(event, host));
    this.search.value = app.query().search ?? "";
    this.search.addEventListener("input", () => this.later(() => this.ask({ ...this.app.query(), search: this.search.value.trim() })));
    app.on("query", () => this.queryChanged());
    app.on("view", () => this.viewChanged());
    app.on("rows", () => this.emptied());
    app.menu.columnEntries.push((key) => this.columnEntries(key));
    this.settled();
    this.applied();
    void this.begin();
  }

  private async begin(): Promise<void> {
    const named = new URLSearchParams(window.location.search).get("view");
    try {
      await this.views.load();
    } catch {
      return;
    }
    const view = this.views.list.find((one) => String(one.id) === named);
    if (named && named !== "0" && !view) this.app.notice("view", text("This view is gone, or it is no longer shared with a post you act for. All rows are shown."), this.closing());
    else if (view?.problem) this.app.notice("view", view.problem, this.closing());
    else if (view) {
      // The page was opened with it.
      this.views.current = view;
      this.settled();
    } else if (named === null) {
      const first = this.views.list.find((one) => one.first && !one.problem);
      if (first) this.views.choose(first);
    }
    this.paint();
    this.draw();
  }

  private closing(): { label: string; act: () => void } {
    return { label: text("Close"), act: () => this.app.notice("view", "") };
  }

  // --- the view as it stands ------------------------------------------------------------------------------------------

  /** The query without a group's narrowing. */
  private base(): Query {
    const query = this.app.query();
    if (this.narrowed?.filter !== query.filter) return query;
    const { filter: _narrowed, ...rest } = query;
    return this.narrowed?.base ? { ...rest, filter: this.narrowed.base } : rest;
  }
  private wanted(): Spec {
    const { columns, frozen, group, figures, colours, height } = this.app.spec();
    const { filter, search, sort } = this.base();
    const query = { ...(countOf(filter) > 0 && filter ? { filter } : {}), ...(search ? { search } : {}), ...(sort?.length ? { sort } : {}) };
    const kept = columns.map((one) => ({ key: one.key, width: Math.round(one.width), ...(one.hidden ? { hidden: true } : {}) }));
    return { query, columns: kept, frozen, group: group ?? null, figures: figures ?? [], colours: colours ?? [], height: height ?? "short" };
  }
  private isChanged(): boolean {
    return JSON.stringify(this.wanted()) !== this.kept;
  }
  private settled(): void {
    this.kept = JSON.stringify(this.wanted());
    this.draw();
  }
  private opened(view: SavedView | undefined): void {
    this.app.viewName = view?.name ?? "";
    this.app.notice("view", "");
    this.app.keepsLayout = view === undefined;
    this.narrowed = undefined;
    this.app.setSpec(view?.spec ?? {});
    this.search.value = this.app.query().search ?? "";
    this.applied();
    this.settled();
    if (view && view.left_out > 0) this.app.notice("view", text("Parts of this view are not yours to see and are left out."), this.closing());
  }
  /** Whoever changed the view: colours, groups and figures follow it. */
  private viewChanged(): void {
    const { colours, figures } = this.app.spec();
    const now = [colours ?? [], this.grouped(), figures ?? []].map((one) => JSON.stringify(one));
    const [painted, grouped, summed] = now.map((one, at) => one !== this.drawn[at]);
    this.drawn = now;
    if (painted) this.paint();
    if (grouped) this.groups.show(this.grouped());
    if (summed) {
      void this.figures.refresh();
      if (!grouped) this.groups.refresh();
    }
    this.draw();
  }
  /** All of it anew. */
  private applied(): void {
    this.drawn = [];
    this.viewChanged();
    this.last = JSON.stringify([this.base().filter ?? null, this.base().search ?? ""]);
  }
  private grouped(): readonly Part[] {
    const { group } = this.app.spec() as { group?: { by?: readonly Part[] } | null };
    return group?.by ?? [];
  }

  private ask(query: Query): void {
    const { search, ...rest } = query;
    this.app.setQuery(search ? { ...rest, search } : rest);
  }
  private later(act: () => void): void {
    window.clearTimeout(this.timer);
    this.timer = window.setTimeout(act, SOON);
  }
  private queryChanged(): void {
    const query = this.app.query();
    if (this.narrowed && this.narrowed.filter !== query.filter) {
      this.narrowed = undefined;
      this.groups.released();
    }
    if (document.activeElement !== this.search) this.search.value = query.search ?? "";
    const base = this.base();
    const now = JSON.stringify([base.filter ?? null, base.search ?? ""]);
    if (now !== this.last) {
      this.last = now;
      this.groups.refresh();
    }
    // Also of a group's rows alone; another order changes no figure.
    const all = JSON.stringify([query.filter ?? null, query.search ?? ""]);
    if (all !== this.summed) {
      this.summed = all;
      void this.figures.refresh();
    }
    this.draw();
  }

  // --- parts ------------------------------------------------------------------------------------------------------------

  private tool(label: string, icon: string, act: () => void): HTMLButtonElement {
    const made = button(label, icon, act, "tool");
    made.setAttribute("aria-haspopup", "dialog");
    made.dataset["label"] = label;
    return made;
  }
  private mark(node: HTMLElement, label: string, isOn: boolean): void {
    node.lastChild!.textContent = ` ${label}`;
    node.classList.toggle("is-on", isOn);
  }
  private draw(): void {
    const { app } = this;
    const conditions = countOf(this.base().filter);
    const orders = app.query().sort?.length ?? 0;
    const hidden = app.columns().filter((one) => one.hidden).length;
    const { current } = this.views;
    this.mark(this.view, `${current?.name ?? text("All rows")}${current && this.isChanged() ? " *" : ""}`, current !== undefined);
    this.view.title = current && this.isChanged() ? text("The view was changed and is not saved.") : text("Views");
    const counted = (label: string, n: number): string => (n > 0 ? `${label} ${n}` : label);
    this.mark(this.filter, counted(text("Filter"), conditions), conditions > 0);
    this.mark(this.sort, counted(text("Sort"), orders), orders > 0);
    this.mark(this.group, text("Group"), this.grouped().length > 0);
    this.mark(this.column, hidden > 0 ? `${text("Columns")} ${app.columns().length - hidden}/${app.columns().length}` : text("Columns"), false);
    this.mark(this.colour, counted(text("Colours"), app.spec().colours?.length ?? 0), (app.spec().colours?.length ?? 0) > 0);
    this.mark(this.figure, text("Totals"), this.figures.wanted.length > 0);
    this.mark(this.height, text("Tall rows"), app.spec().height === "tall");
    this.height.setAttribute("aria-pressed", String(app.spec().height === "tall"));
    this.height.removeAttribute("aria-haspopup");
  }

  private openViews(): void {
    const box = openBox(this.view, text("Views"));
    this.views.fill(box);
    void this.views.load().then(() => {
      if (!box.body.querySelector("form")) this.views.fill(box);
    }, () => undefined);
  }

  private openFilter(add?: Condition): void {
    const box = openBox(this.filter, text("Filter"), true);
    const columns = this.app.schema.columns.filter((one) => one.filterable);
    const { filter } = this.base();
    void this.learn(filter).then(() => {
      const start = add ? joined(filter, [add]) : filter;
      const builder = new FilterBuilder(this.app.api, columns, this.names, start, (next) => this.later(() => this.filterBy(next)));
      box.body.replaceChildren(builder.node);
      const total = element("span", { class: "muted tool-total", role: "status" });
      const tell = (): void => {
        const { windows } = this.app;
        total.textContent = windows.isCounted ? text("{n} rows", { n: windows.total.toLocaleString("en-US") }) : text("counting …");
      };
      const timer = window.setInterval(() => (box.body.isConnected ? tell() : window.clearInterval(timer)), 300);
      tell();
      box.foot.replaceChildren(total, button(text("Clear all"), "eraser", () => builder.clear(), "btn-quiet"), button(text("Done"), "check", () => box.close(), "btn-primary"));
      if (countOf(start) === 0) builder.add();
      else builder.node.querySelector<HTMLElement>("select")?.focus();
    });
  }
  private filterBy(filter: ConditionGroup): void {
    const { filter: _old, ...rest } = this.base();
    this.narrowed = undefined;
    this.groups.released();
    this.ask(countOf(filter) > 0 ? { ...rest, filter } : rest);
  }

  /** What the rows are called that a filter names by their ids. */
  private async learn(filter: ConditionGroup | undefined): Promise<void> {
    const wanted: Record<string, unknown[]> = {};
    const visit = (group: ConditionGroup | undefined): void => {
      for (const one of partsOf(group)) {
        if (isGroup(one)) visit(one);
        else if (this.app.byKey.get(one.field)?.refers) for (const id of listOf(one.value)) if (!this.known.has(`${one.field}:${String(id)}`)) (wanted[one.field] ??= []).push(Number(id));
      }
    };
    visit(filter);
    if (Object.keys(wanted).length === 0) return;
    try {
      const told = await this.app.api.post<{ names: Record<string, Record<string, string>> }>("/views/names", { ids: wanted });
      for (const [key, names] of Object.entries(told.names)) for (const [id, name] of Object.entries(names)) this.names.keep(key, id, name);
    } catch {
      // Numbers stand for the names then.
    }
  }

  private openColours(): void {
    const box = openBox(this.colour, text("Colours"), true);
    const rules = this.app.spec().colours ?? [];
    void Promise.all(rules.map((one) => this.learn(one.when))).then(() =>
      fillColours(this.app, box, this.names, (next) => this.later(() => {
        this.app.change({ colours: next });
      })),
    );
  }
  /** The first rule that holds colours the row; of a cell likewise. */
  private paint(): void {
    const rules: readonly ColourRule[] = this.app.spec().colours ?? [];
    this.app.alsoRead(rules.flatMap((one) => asked(one.when)));
    if (rules.length === 0) return this.app.setPainter(undefined);
    const { byKey } = this.app;
    this.app.setPainter((row: Row): Paint | undefined => {
      let whole: string | undefined;
      const cells: Record<string, string> = {};
      for (const one of rules) {
        const isTaken = one.scope === "row" ? whole !== undefined : one.scope in cells;
        if (isTaken || !holds(one.when, row, byKey, this.views.me)) continue;
        if (one.scope === "row") whole = one.colour;
        else cells[one.scope] = one.colour;
      }
      return whole === undefined ? { cells } : { row: whole, cells };
    });
  }

  private openFigures(): void {
    this.figures.fill(openBox(this.figure, text("Totals")), (figures) => {
      this.app.change({ figures });
    });
  }

  private toggleGroups(): void {
    if (this.grouped().length > 0) return this.groupBy([]);
    const usual = ["unit", "state"].map((key) => this.app.byKey.get(key)).find((one) => one !== undefined) ?? this.app.schema.columns.find(groupable);
    if (usual) this.groupBy([usualPart(usual)]);
    this.groups.node.querySelector<HTMLElement>("select")?.focus();
  }
  private groupBy(by: readonly Part[]): void {
    this.narrow(undefined);
    this.app.change({ group: by.length > 0 ? { by, figures: [] } : null });
  }
  private narrow(conditions: readonly Condition[] | undefined): void {
    const { filter: base, ...rest } = this.base();
    const had = this.narrowed !== undefined;
    this.narrowed = undefined;
    if (conditions) {
      const filter = joined(base, conditions);
      this.narrowed = { base, filter };
      this.app.setQuery({ ...rest, filter });
    } else if (had) this.app.setQuery(base ? { ...rest, filter: base } : rest);
  }

  private columnEntries(key: string): { label: string; icon: string; act: () => void }[] {
    const column = this.app.byKey.get(key);
    if (!column) return [];
    const found = [];
    if (column.filterable) found.push({ label: text("Filter by this column"), icon: "filter", act: () => this.openFilter({ field: key, op: column.operators.find((one) => one === "in") ?? column.operators[0] ?? "empty" }) });
    if (groupable(column)) found.push({ label: text("Group by this column"), icon: "layer-group", act: () => this.groupBy([usualPart(column)]) });
    return found;
  }

  /** A filter that finds nothing says so, and offers to take its last condition away. */
  private emptied(): void {
    const { app } = this;
    const filter = app.query().filter;
    const isBare = !app.windows.isEmpty || !filter || countOf(filter) === 0;
    const words = isBare ? undefined : withoutLast(filter);
    const act = (): void => {
      const { filter: _old, ...rest } = app.query();
      if (words) this.ask(countOf(words.rest) > 0 ? { ...rest, filter: words.rest } : rest);
    };
    const label = words?.last ? text("Take away “{condition}”", { condition: inWords(words.last, app.byKey, (key, id) => this.names.of(key, id)) }) : "";
    if (app.cards.isOn) return app.notice("no-rows", label === "" ? "" : text("No row matches"), { label, act });
    const box = app.root.querySelector<HTMLElement>(".grid-empty");
    if (!box || label === "" || box.hidden) return;
    const made = element("button", { type: "button", class: "btn btn-primary" }, label);
    made.addEventListener("click", act);
    box.append(made);
  }

  /** Arrows go from tool to tool; Escape, and Enter in the search, lead back to the cells. */
  private key(event: KeyboardEvent, host: HTMLElement): void {
    event.stopPropagation();
    const tools = [...host.querySelectorAll<HTMLElement>(".tools > *")];
    const here = tools.indexOf(document.activeElement as HTMLElement);
    const isSearch = document.activeElement === this.search;
    const isPost = document.activeElement instanceof HTMLSelectElement;
    if (event.key === "Escape" || (isSearch && (event.key === "Enter" || event.key === "ArrowDown"))) {
      event.preventDefault();
      this.app.table.focus();
    } else if (!isSearch && !isPost && (event.key === "ArrowRight" || event.key === "ArrowLeft")) {
      event.preventDefault();
      tools[(here + (event.key === "ArrowRight" ? 1 : -1) + tools.length) % tools.length]?.focus();
    }
  }
}

export type { Box };
