/** Rows sorted by several columns, rules of colour: what stands in the toolbar's boxes. */
import { element } from "../../dom";
import { text } from "../../messages";
import type { GridApp } from "../app";
import type { ColourRule, Sorting } from "../model";
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

/** The names of COLOURS in app/rules/values.py. */
export function colours(): [string, string][] {
  return [["red", text("red")], ["orange", text("orange")], ["yellow", text("yellow")], ["green", text("green")], ["teal", text("teal")], ["blue", text("blue")], ["purple", text("purple")], ["grey", text("grey")]];
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
