/** Conditions in groups within groups, built by mouse or keyboard: a draft that is asked as soon as it is whole. */
import { element } from "../../dom";
import { text } from "../../messages";
import type { SheetApi } from "../api";
import { NUMBERS, REFERENCES, type Column, type Condition, type ConditionGroup } from "../model";
import { options } from "../picker";
import { button, chosen, iconButton } from "./box";
import { isGroup, listOf, opText, partsOf, TIMES, type Single } from "./conditions";
import { spanText } from "./spans";

interface DraftOne {
  field: string;
  op: string;
  value: unknown;
}
interface DraftGroup {
  any: boolean;
  parts: Draft[];
}
type Draft = DraftOne | DraftGroup;

const DEEPEST = 4;
const COUNTED = /^(last|next) (\d{1,4}) (days|weeks|months)$/;
const NONE = new Set(["empty", "not_empty", "me", "my_unit"]);

export interface Names {
  of(key: string, id: unknown): string;
  keep(key: string, id: unknown, name: string): void;
}

function drafted(group: ConditionGroup): DraftGroup {
  return { any: group.any !== undefined, parts: partsOf(group).map((one) => (isGroup(one) ? drafted(one) : { field: one.field, op: one.op, value: one.value })) };
}

/** Only what is whole is asked. */
function finished(group: DraftGroup): ConditionGroup {
  const parts: Condition[] = [];
  for (const one of group.parts) {
    if ("parts" in one) {
      const inner = finished(one);
      if (partsOf(inner).length > 0) parts.push(inner);
    } else if (isWhole(one)) parts.push(NONE.has(one.op) ? { field: one.field, op: one.op } : { field: one.field, op: one.op, value: one.value });
  }
  return group.any ? { any: parts } : { all: parts };
}

function isWhole(one: DraftOne): boolean {
  if (NONE.has(one.op)) return true;
  const values = listOf(one.value).filter((each) => each !== "");
  return one.op === "between" ? values.length === 2 : values.length > 0;
}

export class FilterBuilder {
  readonly node = element("div", { class: "filter-builder" });
  private readonly root: DraftGroup;

  constructor(
    private readonly api: SheetApi,
    private readonly columns: readonly Column[],
    private readonly names: Names,
    filter: ConditionGroup | undefined,
    private readonly changed: (filter: ConditionGroup) => void,
  ) {
    this.root = drafted(filter ?? { all: [] });
    this.draw();
  }

  add(): void {
    this.addTo(this.root);
  }
  clear(): void {
    this.root.parts = [];
    this.draw();
    this.tell();
  }

  private tell(): void {
    this.changed(finished(this.root));
  }
  private addTo(group: DraftGroup): void {
    const column = this.columns[0];
    if (!column) return;
    const one = this.fresh(column);
    group.parts.push(one);
    this.draw(one);
  }
  private fresh(column: Column): DraftOne {
    return { field: column.key, op: this.ops(column)[0] ?? "empty", value: undefined };
  }
  /** One of several covers one alone. */
  private ops(column: Column): readonly string[] {
    const isListed = column.operators.includes("in");
    const found = column.operators.filter((one) => !(isListed && (one === "is" || one === "is_not")));
    return [...found.filter((one) => one !== "me" && one !== "my_unit"), ...found.filter((one) => one === "me" || one === "my_unit")];
  }

  private draw(focus?: DraftOne): void {
    this.node.replaceChildren(this.group(this.root, 1, undefined, focus));
    const target = focus ? this.node.querySelector<HTMLElement>("[data-fresh] select") : null;
    target?.focus();
  }

  private group(group: DraftGroup, depth: number, parent: DraftGroup | undefined, focus?: DraftOne): HTMLElement {
    const lines = group.parts.map((one) => ("parts" in one ? this.group(one, depth + 1, group, focus) : this.line(one, group, one === focus)));
    const way = chosen(text("How the conditions go together"), [["all", text("All of these hold")], ["any", text("Any of these holds")]], group.any ? "any" : "all", (value) => {
      group.any = value === "any";
      this.tell();
    });
    const head = element("div", { class: "filter-head" }, way);
    if (parent) head.append(iconButton(text("Remove the group"), "xmark", () => this.remove(parent, group)));
    const foot = element("div", { class: "filter-foot" }, button(text("Condition"), "plus", () => this.addTo(group)));
    if (depth < DEEPEST) {
      foot.append(button(text("Condition group"), "object-group", () => {
        const inner: DraftGroup = { any: !group.any, parts: [] };
        group.parts.push(inner);
        this.addTo(inner);
      }, "btn-quiet"));
    }
    const isBare = !parent && group.parts.length < 2;
    return element("div", { class: "filter-group", role: "group", "aria-label": text("Conditions") }, ...(isBare ? [] : [head]), ...lines, foot);
  }

  private remove(group: DraftGroup, one: Draft): void {
    group.parts = group.parts.filter((each) => each !== one);
    this.draw();
    this.tell();
    (this.node.querySelector<HTMLElement>(".filter-line select") ?? this.node.querySelector<HTMLElement>(".filter-foot button"))?.focus();
  }

  private line(one: DraftOne, group: DraftGroup, isFresh: boolean): HTMLElement {
    const column = this.columns.find((each) => each.key === one.field) ?? this.columns[0];
    const node = element("div", { class: "filter-line", "data-fresh": isFresh });
    if (!column) return node;
    const field = chosen(text("Column"), this.columns.map((each) => [each.key, each.label] as const), column.key, (key) => {
      const next = this.columns.find((each) => each.key === key);
      if (!next) return;
      Object.assign(one, this.fresh(next));
      const made = this.line(one, group, false);
      node.replaceWith(made);
      made.querySelector<HTMLElement>("select")?.focus();
      this.tell();
    });
    let ops = this.ops(column);
    if (!ops.includes(one.op)) ops = [...ops, one.op];
    const value = element("div", { class: "filter-value" });
    const fill = (): void => value.replaceChildren(...this.value(one, column));
    const op = chosen(text("Comparison"), ops.map((each) => [each, opText(each, column)] as const), one.op, (next) => {
      const isSame = NONE.has(next) === NONE.has(one.op) && (next === "between") === (one.op === "between") && (next === "in" || next === "not_in") === (one.op === "in" || one.op === "not_in");
      one.op = next;
      if (!isSame) one.value = undefined;
      fill();
      this.tell();
    });
    fill();
    node.append(field, op, value, iconButton(text("Remove the condition"), "xmark", () => this.remove(group, one)));
    return node;
  }

  private set(one: DraftOne, value: unknown): void {
    one.value = value;
    this.tell();
  }

  private value(one: DraftOne, column: Column): HTMLElement[] {
    if (NONE.has(one.op)) return [];
    if (TIMES.has(column.kind)) return one.op === "between" ? this.pair(one, "date") : [this.day(one)];
    if (column.kind === "bool") {
      if (typeof one.value !== "boolean") one.value = true;
      return [chosen(text("Value"), [["1", text("Yes")], ["", text("No")]], one.value ? "1" : "", (value) => this.set(one, value === "1"))];
    }
    if (column.choices.length > 0) return [this.ticks(one, column)];
    if (REFERENCES.has(column.kind)) return [this.rows(one, column)];
    if (one.op === "between") return this.pair(one, "text");
    const input = element("input", { type: "text", maxlength: "500", "aria-label": text("Value"), value: String(one.value ?? "") });
    if (NUMBERS.has(column.kind)) input.inputMode = "decimal";
    input.addEventListener("input", () => this.set(one, input.value.trim()));
    return [input];
  }

  private pair(one: DraftOne, type: string): HTMLElement[] {
    const [first = "", last = ""] = listOf(one.value).map(String);
    const inputs = [first, last].map((value, at) => element("input", { type, value, "aria-label": at === 0 ? text("from") : text("until") }));
    for (const input of inputs) input.addEventListener("input", () => this.set(one, inputs.map((each) => each.value.trim())));
    return inputs;
  }

  /** A word for days, a number of days, or a date. */
  private day(one: DraftOne): HTMLElement {
    const words = ["today", "yesterday", "tomorrow", ...["week", "month", "quarter", "year"].flatMap((what) => [`this ${what}`, `last ${what}`, `next ${what}`])];
    const counted = COUNTED.exec(String(one.value ?? ""));
    const kind = one.value === undefined ? "today" : counted ? `${counted[1]} ${counted[3]}` : words.includes(String(one.value)) ? String(one.value) : "date";
    const more: [string, string][] = ["days", "weeks", "months"].flatMap((what) => ["last", "next"].map((way): [string, string] => [`${way} ${what}`, spanText(`${way} 0 ${what}`).replace("0", "N")]));
    const box = element("div", { class: "filter-day" });
    const extra = (which: string): void => {
      box.querySelector("input")?.remove();
      if (which === "date") {
        const input = element("input", { type: "date", "aria-label": text("Date"), value: /^\d{4}-/.test(String(one.value)) ? String(one.value) : "" });
        input.addEventListener("input", () => this.set(one, input.value));
        box.append(input);
      } else if (!words.includes(which)) {
        const input = element("input", { type: "number", min: "1", max: "9999", "aria-label": text("How many"), value: COUNTED.exec(String(one.value ?? ""))?.[2] ?? "7" });
        const [way, what] = which.split(" ");
        input.addEventListener("input", () => this.set(one, Number(input.value) > 0 ? `${way} ${Math.min(9999, Math.round(Number(input.value)))} ${what}` : ""));
        box.append(input);
      }
    };
    const select = chosen(text("Value"), [...words.map((each): [string, string] => [each, spanText(each)]), ...more, ["date", text("a date")]], kind, (which) => {
      const [way, what] = which.split(" ");
      this.set(one, which === "date" ? "" : words.includes(which) ? which : `${way} 7 ${what}`);
      extra(which);
    });
    box.append(select);
    if (one.value === undefined) {
      one.value = kind;
      queueMicrotask(() => this.tell());
    }
    extra(kind);
    return box;
  }

  private tick(one: DraftOne, value: unknown, label: HTMLElement | string): HTMLElement {
    const input = element("input", { type: "checkbox", checked: listOf(one.value).some((each) => each === value) });
    input.addEventListener("change", () => {
      const rest = listOf(one.value).filter((each) => each !== value);
      this.set(one, input.checked ? [...rest, value] : rest);
    });
    return element("label", { class: "filter-tick" }, input, label);
  }

  private ticks(one: DraftOne, column: Column): HTMLElement {
    one.value = listOf(one.value);
    // What is ticked comes first: it is seen without scrolling.
    const isOn = (code: string): boolean => listOf(one.value).some((each) => each === code);
    const choices = column.choices.length <= 8 ? column.choices : [...column.choices].sort((a, b) => Number(isOn(b.code)) - Number(isOn(a.code)));
    const lines = choices.map((each) => this.tick(one, each.code, element("span", { class: `grid-chip is-${each.colour}` }, each.label)));
    const list = element("div", { class: "filter-ticks" }, ...lines);
    if (column.choices.length <= 8) return list;
    const search = element("input", { type: "search", placeholder: text("Type to search"), "aria-label": text("Type to search") });
    search.addEventListener("input", () => {
      const term = search.value.trim().toLowerCase();
      lines.forEach((line) => line.toggleAttribute("hidden", !line.textContent?.toLowerCase().includes(term)));
    });
    return element("div", {}, search, list);
  }

  private rows(one: DraftOne, column: Column): HTMLElement {
    one.value = listOf(one.value);
    const list = element("div", { class: "filter-ticks" });
    const search = element("input", { type: "search", placeholder: text("Name or initials"), "aria-label": text("Name or initials") });
    let control = new AbortController();
    const find = async (): Promise<void> => {
      control.abort();
      control = new AbortController();
      const kept = listOf(one.value);
      try {
        const found = await options(this.api, column.key, search.value.trim(), control.signal);
        for (const each of found) this.names.keep(column.key, each.value, each.label);
        const others = found.filter((each) => !kept.includes(each.value)).map((each) => each.value);
        const lines = [...kept, ...others].map((id) => this.tick(one, id, this.names.of(column.key, id)));
        list.replaceChildren(...(lines.length > 0 ? lines : [element("p", { class: "muted" }, text("No match"))]));
      } catch {
        if (!control.signal.aborted) list.replaceChildren(element("p", { class: "muted" }, text("That did not work. Please try again.")));
      }
    };
    let timer = 0;
    search.addEventListener("input", () => {
      window.clearTimeout(timer);
      timer = window.setTimeout(() => void find(), 150);
    });
    void find();
    return element("div", {}, search, list);
  }
}

export type { Single };
