/** Rows sorted by several columns, columns chosen, ordered and frozen, rules of colour: what stands in the toolbar's boxes. */
import { element } from "../../dom";
import { text } from "../../messages";
import type { GridApp } from "../app";
import { usualSpec, type ColourRule, type ShownColumn, type Sorting } from "../model";
import { button, chosen, iconButton, type Box } from "./box";
import { countOf } from "./conditions";
import { FilterBuilder, type Names } from "./filter";

const MOST_ORDERS = 4;
const MOST_COLOURS = 20;

export function fillSorting(app: GridApp, box: Box): void {
  const offers = app.schema.columns.filter((one) => one.sortable).map((one) => [one.key, one.label] as const);
  const draw = (orders: readonly Sorting[]): void => {
    const keep = (next: readonly Sorting[]): void => {
      app.sort(next);
      draw(next);
    };
    const lines = orders.map(([key, way], at) => {
      const column = chosen(text("Column"), offers, key, (value) => keep(orders.map((one, n) => (n === at ? ([value, way] as const) : one))));
      const turn = chosen(text("Direction"), [["asc", text("ascending")], ["desc", text("descending")]], way, (value) => keep(orders.map((one, n) => (n === at ? ([key, value as "asc" | "desc"] as const) : one))));
      const up = iconButton(text("Move up"), "arrow-up", () => {
        const next = [...orders];
        next.splice(at - 1, 0, ...next.splice(at, 1));
        keep(next);
      }, at === 0);
      return element("div", { class: "tool-line" }, column, turn, up, iconButton(text("Remove"), "xmark", () => keep(orders.filter((_one, n) => n !== at))));
    });
    const free = offers.find(([key]) => !orders.some((one) => one[0] === key));
    const note = orders.length === 0 ? [element("p", { class: "muted" }, text("In the usual order of the sheet."))] : [];
    box.body.replaceChildren(...note, ...lines);
    box.foot.replaceChildren();
    if (free && orders.length < MOST_ORDERS) box.foot.append(button(text("Sort by a column"), "plus", () => keep([...orders, [free[0], "asc"]])));
    if (orders.length > 0) box.foot.append(button(text("Usual order"), "rotate-left", () => keep([]), "btn-quiet"));
  };
  draw(app.query().sort ?? []);
}

export function fillColumns(app: GridApp, box: Box): void {
  const search = element("input", { type: "search", placeholder: text("Find a column"), "aria-label": text("Find a column") });
  const list = element("div", { class: "tool-list" });
  const draw = (focus?: string): void => {
    const all = app.columns();
    const keep = (next: ShownColumn[], key?: string): void => {
      app.setColumns(next);
      draw(key);
    };
    const term = search.value.trim().toLowerCase();
    const move = (at: number, by: number): void => {
      const next = all.map((one) => ({ ...one }));
      const [one] = next.splice(at, 1);
      if (one) next.splice(at + by, 0, one);
      keep(next, `${by < 0 ? "up" : "down"}-${one?.key}`);
    };
    const lines = all.flatMap((one, at) => {
      const column = app.byKey.get(one.key);
      if (!column || !column.label.toLowerCase().includes(term)) return [];
      const tick = element("input", { type: "checkbox", checked: !one.hidden, "data-at": one.key });
      tick.addEventListener("change", () => {
        const next = all.map((each) => (each.key === one.key ? { ...each, hidden: !tick.checked } : each));
        if (next.every((each) => each.hidden)) tick.checked = true;
        else keep(next, one.key);
      });
      const up = iconButton(text("Move up"), "arrow-up", () => move(at, -1), at === 0);
      const down = iconButton(text("Move down"), "arrow-down", () => move(at, 1), at === all.length - 1);
      up.dataset["at"] = `up-${one.key}`;
      down.dataset["at"] = `down-${one.key}`;
      return [element("div", { class: "tool-line" }, element("label", { class: "filter-tick" }, tick, column.label), up, down)];
    });
    list.replaceChildren(...(lines.length > 0 ? lines : [element("p", { class: "muted" }, text("No match"))]));
    if (focus) list.querySelector<HTMLElement>(`[data-at="${focus}"]`)?.focus();
  };
  search.addEventListener("input", () => draw());
  const frozen = chosen(text("Frozen columns"), [0, 1, 2, 3, 4, 5].map((n) => [String(n), String(n)] as const), String(Math.min(5, app.spec().frozen)), (value) => app.freeze(Number(value)));
  box.body.replaceChildren(search, list);
  box.foot.replaceChildren(
    element("label", { class: "tool-inline" }, text("Frozen columns"), frozen),
    button(text("Show all"), "eye", () => {
      app.showAllColumns();
      draw();
    }, "btn-quiet"),
    button(text("Usual columns"), "rotate-left", () => {
      app.setColumns(usualSpec(app.schema).columns);
      draw();
    }, "btn-quiet"),
  );
  draw();
  search.focus();
}

/** The names of COLOURS in app/rules/values.py. */
export function colours(): [string, string][] {
  return [["red", text("red")], ["orange", text("orange")], ["green", text("green")], ["teal", text("teal")], ["blue", text("blue")], ["purple", text("purple")], ["grey", text("grey")]];
}

export function fillColours(app: GridApp, box: Box, names: Names, changed: (rules: readonly ColourRule[]) => void): void {
  const columns = app.schema.columns.filter((one) => one.filterable);
  let rules = [...(app.spec().colours ?? [])];
  const keep = (): void => changed(rules.filter((one) => countOf(one.when) > 0));
  const draw = (): void => {
    const lines = rules.map((rule, at) => {
      const put = (part: Partial<ColourRule>): void => {
        rules[at] = { ...(rules[at] ?? rule), ...part };
        swatch.className = `colour-swatch paint-${rules[at]?.colour ?? "red"}`;
        keep();
      };
      const swatch = element("span", { class: `colour-swatch paint-${rule.colour}`, "aria-hidden": "true" });
      const colour = chosen(text("Colour"), colours(), rule.colour, (value) => put({ colour: value }));
      const scope = chosen(text("What is coloured"), [["row", text("the row")], ...app.schema.columns.map((one): [string, string] => [one.key, text("the cell “{name}”", { name: one.label })])], rule.scope, (value) => put({ scope: value }));
      const away = iconButton(text("Remove the rule"), "xmark", () => {
        rules = rules.filter((_one, n) => n !== at);
        keep();
        draw();
      });
      const when = new FilterBuilder(app.api, columns, names, rule.when, (filter) => put({ when: filter }));
      if (countOf(rule.when) === 0) when.add();
      return element("section", { class: "colour-rule" }, element("div", { class: "tool-line" }, swatch, colour, scope, away), when.node);
    });
    const note = rules.length === 0 ? [element("p", { class: "muted" }, text("Rows that meet a condition are coloured. The first rule that holds counts."))] : [];
    box.body.replaceChildren(...note, ...lines);
    box.foot.replaceChildren();
    if (rules.length < MOST_COLOURS) {
      box.foot.append(button(text("Add a rule"), "plus", () => {
        rules = [...rules, { when: { all: [] }, colour: "red", scope: "row" }];
        draw();
        box.body.querySelector<HTMLElement>(".colour-rule:last-child select")?.focus();
      }));
    }
  };
  draw();
}
