/** Search filters of a generated list: rows of field, comparison, value; the names are Flask-AppBuilder's (_flt_<comparison>_<column>). */
import { element } from "./dom";
import { enhanceDates } from "./calendar";
import { enhanceSelects } from "./combobox";
import { text } from "./messages";

type Takes = "text" | "many" | "span" | "day" | "days" | "yes" | "nothing";

interface Comparison {
  name: string;
  takes: Takes;
}

interface FilterData {
  labels: Record<string, string>;
  fields: Record<string, string>;
  comparisons: Record<string, Comparison[]>;
  active: [string, string, string | string[]][];
}

class FilterForm {
  private readonly rows: HTMLElement;

  constructor(form: HTMLFormElement, private readonly data: FilterData) {
    this.rows = form.querySelector<HTMLElement>(".filter-rows")!;
    for (const [column, comparison, value] of data.active) this.add(column, comparison, Array.isArray(value) ? value : [value]);
    form.querySelectorAll<HTMLElement>("[data-add-filter]").forEach((button) =>
      button.addEventListener("click", () => {
        this.add(button.dataset["addFilter"] ?? "", undefined, [])?.focus();
        button.closest("details")?.removeAttribute("open");
      }),
    );
  }

  private add(column: string, comparison: string | undefined, values: string[]): HTMLElement | null {
    const offered = this.data.comparisons[column] ?? [];
    if (!offered.length) return null;
    const at = Math.max(0, offered.findIndex((one) => one.name === comparison));
    const label = this.data.labels[column] ?? column;
    const compare = element("select", { "data-plain": true, "aria-label": `${label}: ${text("Comparison")}` });
    offered.forEach((one, index) => compare.append(new Option(one.name, String(index), index === at, index === at)));
    const holder = element("div", { class: "filter-value" });
    const fill = (given: string[]): void => {
      const chosen = offered[Number(compare.value)]!;
      holder.replaceChildren(...this.inputs(column, chosen.takes, given));
      holder.querySelectorAll("select, input, textarea").forEach((field) => {
        field.setAttribute("name", `_flt_${compare.value}_${column}`);
        if (!field.hasAttribute("aria-label")) field.setAttribute("aria-label", label);
      });
      enhanceDates(holder);
      enhanceSelects(holder);
    };
    fill(values);
    compare.addEventListener("change", () => fill([]));
    const remove = element("button", { type: "button", class: "btn btn-quiet btn-sm filter-remove", "aria-label": `${text("Remove")}: ${label}` }, "×");
    const row = element("div", { class: "filter-row" }, element("b", {}, label), compare, holder, remove);
    remove.addEventListener("click", () => row.remove());
    this.rows.append(row);
    return holder.querySelector<HTMLElement>(".combo-input, select, input:not([type=hidden])") ?? compare;
  }

  /** The fields that one comparison wants filled in. */
  private inputs(column: string, takes: Takes, values: string[]): Node[] {
    const [first = "", last = ""] = values;
    if (takes === "nothing") return [element("input", { type: "hidden", value: "y" })];
    if (takes === "days") return [element("input", { type: "text", inputmode: "numeric", maxlength: "5", value: first || "90" })];
    if (takes === "span") {
      const label = this.data.labels[column] ?? column;
      return [this.one(column, first, `${label}: ${text("from")}`), element("span", { class: "muted" }, "–"), this.one(column, last, `${label}: ${text("until")}`)];
    }
    if (takes === "many" || takes === "yes") {
      const select = this.template(column) as HTMLSelectElement;
      for (const option of Array.from(select.options)) option.selected = values.includes(option.value);
      return [select];
    }
    return [this.one(column, first)];
  }

  private one(column: string, value: string, label = ""): HTMLElement {
    const field = this.template(column);
    field.value = value;
    // A moment is compared by its day.
    if ("datetime" in field.dataset) {
      field.removeAttribute("data-datetime");
      field.setAttribute("data-date", "");
    }
    if (label) field.setAttribute("aria-label", label);
    return field;
  }

  private template(column: string): HTMLInputElement | HTMLSelectElement {
    const template = element("template");
    template.innerHTML = this.data.fields[column] ?? "";
    const field = template.content.querySelector<HTMLInputElement | HTMLSelectElement>("select, input, textarea") ?? element("input", { type: "text" });
    field.removeAttribute("id");
    field.required = false;
    return field;
  }
}

export function startFilters(): void {
  document.querySelectorAll<HTMLFormElement>("form[data-filter-form]").forEach((form) => {
    const source = form.querySelector("script[type='application/json']");
    if (source?.textContent) new FilterForm(form, JSON.parse(source.textContent) as FilterData);
  });
}
