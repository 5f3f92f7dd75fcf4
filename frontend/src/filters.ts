/** Search filters of a generated list: rows of field, comparison, value; the names are Flask-AppBuilder's (_flt_<comparison>_<column>). */
import { element } from "./dom";
import { enhanceDates } from "./calendar";
import { enhanceSelects } from "./combobox";
import { text } from "./messages";

interface FilterData {
  labels: Record<string, string>;
  fields: Record<string, string>;
  comparisons: Record<string, string[]>;
  active: [string, string, string | string[]][];
}

class FilterForm {
  private readonly rows: HTMLElement;

  constructor(private readonly form: HTMLFormElement, private readonly data: FilterData) {
    this.rows = form.querySelector<HTMLElement>(".filter-rows")!;
    for (const [column, comparison, value] of data.active) {
      for (const one of Array.isArray(value) ? value : [value]) this.add(column, comparison, one);
    }
    form.querySelectorAll<HTMLElement>("[data-add-filter]").forEach((button) =>
      button.addEventListener("click", () => {
        this.add(button.dataset["addFilter"] ?? "", undefined, undefined)?.focus();
        button.closest("details")?.removeAttribute("open");
      }),
    );
  }

  private add(column: string, comparison: string | undefined, value: string | undefined): HTMLElement | null {
    const names = this.data.comparisons[column] ?? [];
    const at = Math.max(0, comparison === undefined ? 0 : names.indexOf(comparison));
    const compare = element("select", { "data-plain": true, "aria-label": text("Comparison") });
    names.forEach((name, index) => compare.append(new Option(name, String(index), index === at, index === at)));
    const template = element("template");
    template.innerHTML = this.data.fields[column] ?? "";
    const holder = element("div", {}, template.content);
    const field = holder.querySelector<HTMLInputElement | HTMLSelectElement>("select, input, textarea");
    if (!field) return null;
    field.removeAttribute("id");
    field.required = false;
    field.setAttribute("aria-label", this.data.labels[column] ?? column);
    const rename = (): void => field.setAttribute("name", `_flt_${compare.value}_${column}`);
    rename();
    compare.addEventListener("change", rename);
    this.fill(field, value);
    const remove = element("button", { type: "button", class: "btn btn-quiet btn-sm filter-remove", "aria-label": text("Remove") }, "×");
    const row = element("div", { class: "filter-row" }, element("b", {}, this.data.labels[column] ?? column), compare, holder, remove);
    remove.addEventListener("click", () => {
      row.remove();
      if (value !== undefined) this.form.requestSubmit();
    });
    this.rows.append(row);
    enhanceDates(holder);
    enhanceSelects(holder);
    return holder.querySelector<HTMLElement>(".combo-input") ?? field;
  }

  private fill(field: HTMLInputElement | HTMLSelectElement, value: string | undefined): void {
    if (field instanceof HTMLInputElement && field.type === "checkbox") {
      field.checked = value !== undefined;
      field.value = "y";
    } else if (value !== undefined) {
      field.value = value;
    }
  }
}

export function startFilters(): void {
  document.querySelectorAll<HTMLFormElement>("form[data-filter-form]").forEach((form) => {
    const source = form.querySelector("script[type='application/json']");
    if (source?.textContent) new FilterForm(form, JSON.parse(source.textContent) as FilterData);
  });
}
