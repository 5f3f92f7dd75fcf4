/** A long <select> becomes a box one types in: filter by any part of the name or by pinyin initials. The select stays the form's value. */
import { element, placeUnder } from "./dom";
import { getJson, postJson } from "./http";
import { initials } from "./pinyin";
import { text } from "./messages";

const SHOWN = 200;
let serial = 0;

interface Choice {
  option: HTMLOptionElement;
  label: string;
  keys: string;
  group: string;
}

function readChoices(select: HTMLSelectElement): Choice[] {
  return Array.from(select.options)
    .filter((option) => option.value !== "" && option.value !== "__None")
    .map((option) => ({
      option,
      label: (option.textContent ?? "").trim(),
      keys: (option.dataset["pinyin"] ?? initials(option.textContent ?? "")).toLowerCase(),
      group: option.parentElement instanceof HTMLOptGroupElement ? option.parentElement.label : "",
    }));
}

export class Combobox {
  private readonly box = element("div", { class: "combo" });
  private readonly control = element("div", { class: "combo-control" });
  private readonly list = element("ul", { class: "combo-list", role: "listbox", hidden: true });
  private readonly input: HTMLInputElement;
  private readonly clear = element("button", { class: "combo-clear", type: "button", tabindex: "-1" }, "×");
  private choices: Choice[] = [];
  private shown: Choice[] = [];
  private active = -1;
  private turn = 0;
  private answered: { readonly typed: string; readonly values: ReadonlySet<string> } | undefined;

  constructor(private readonly select: HTMLSelectElement) {
    serial += 1;
    this.list.id = `combo-list-${serial}`;
    const id = `${select.id || "combo-" + serial}-box`;
    this.input = element("input", {
      class: "combo-input", type: "text", id, role: "combobox", autocomplete: "off", spellcheck: "false",
      "aria-autocomplete": "list", "aria-expanded": "false", "aria-controls": this.list.id, disabled: select.disabled,
    });
    this.clear.setAttribute("aria-label", text("Clear"));
    if (select.id) document.querySelectorAll<HTMLLabelElement>(`label[for="${CSS.escape(select.id)}"]`).forEach((label) => (label.htmlFor = id));
    for (const name of ["aria-describedby", "aria-invalid", "aria-label"]) {
      const value = select.getAttribute(name);
      if (value) this.input.setAttribute(name, value);
    }
    if (!this.input.hasAttribute("aria-label") && !select.id) this.input.setAttribute("aria-label", text("Select"));
    this.build();
    this.listen();
    this.reload();
  }

  private build(): void {
    const { select, box } = this;
    select.classList.add("combo-native");
    select.tabIndex = -1;
    select.setAttribute("aria-hidden", "true");
    select.dataset["enhanced"] = "1";
    select.insertAdjacentElement("beforebegin", box);
    this.control.append(this.input);
    box.append(this.control, this.clear, this.list, select);
  }

  private listen(): void {
    this.control.addEventListener("mousedown", (event) => {
      if ((event.target as HTMLElement).closest("button")) return;
      if (event.target !== this.input) event.preventDefault();
      this.input.focus();
      if (this.list.hidden) this.open();
    });
    this.input.addEventListener("input", () => {
      this.open();
      if (this.select.dataset["options"]) void this.look(this.select.dataset["options"]);
    });
    this.input.addEventListener("keydown", (event) => this.onKey(event));
    this.input.addEventListener("focus", () => this.input.select());
    this.input.addEventListener("blur", () => this.close());
    this.clear.addEventListener("click", () => {
      Array.from(this.select.options).forEach((option) => (option.selected = false));
      if (!this.select.multiple) this.select.value = this.emptyValue();
      this.announce();
      this.input.focus();
    });
    this.list.addEventListener("mousedown", (event) => {
      event.preventDefault();
      const row = (event.target as HTMLElement).closest<HTMLElement>("[data-index]");
      if (row) this.choose(Number(row.dataset["index"]));
    });
    this.select.addEventListener("change", () => this.render());
    this.select.addEventListener("options-changed", () => this.reload());
    this.select.addEventListener("invalid", () => window.setTimeout(() => this.input.focus()));
    this.select.form?.addEventListener("reset", () => window.setTimeout(() => this.render()));
    window.addEventListener("scroll", (event) => {
      if (!this.list.hidden && event.target !== this.list) placeUnder(this.list, this.control, { matchWidth: true });
    }, true);
  }

  /** Rows that the page does not hold are asked for: what is chosen stays, the newest answer counts. */
  private async look(address: string): Promise<void> {
    const typed = this.input.value.trim();
    const turn = (this.turn += 1);
    await new Promise((done) => window.setTimeout(done, 150));
    if (turn !== this.turn || typed === (this.selected()[0]?.label ?? "")) return;
    const answer = await postJson<{ options: { value: number; label: string; pinyin: string }[] }>(address, { q: typed });
    if (turn !== this.turn) return;
    const kept = Array.from(this.select.options).filter((option) => option.selected || !/^\d+$/.test(option.value));
    const known = new Set(kept.map((option) => option.value));
    const found = answer.options.filter((row) => !known.has(String(row.value))).map((row) => {
      const option = new Option(row.label, String(row.value));
      option.dataset["pinyin"] = row.pinyin;
      return option;
    });
    this.select.replaceChildren(...kept, ...found);
    this.answered = { typed: typed.toLowerCase(), values: new Set(answer.options.map((row) => String(row.value))) };
    this.choices = readChoices(this.select);
    if (document.activeElement === this.input) this.open();
  }

  private emptyValue(): string {
    return Array.from(this.select.options).some((option) => option.value === "__None") ? "__None" : "";
  }

  private reload(): void {
    this.choices = readChoices(this.select);
    this.render();
  }

  private selected(): Choice[] {
    return this.choices.filter((choice) => choice.option.selected);
  }

  private render(): void {
    const selected = this.selected();
    this.control.querySelectorAll(".combo-token").forEach((token) => token.remove());
    if (this.select.multiple) {
      for (const choice of selected) this.control.insertBefore(this.token(choice), this.input);
      if (document.activeElement !== this.input) this.input.value = "";
    } else {
      this.input.value = selected[0]?.label ?? "";
    }
    this.input.placeholder = selected.length > 0 ? "" : this.select.dataset["placeholder"] || text("Type to search");
    const canClear = selected.length > 0 && !this.select.disabled && (this.select.multiple || this.hasEmptyChoice());
    this.clear.hidden = !canClear;
    this.box.classList.toggle("has-clear", canClear);
  }

  private hasEmptyChoice(): boolean {
    return Array.from(this.select.options).some((option) => option.value === "" || option.value === "__None");
  }

  private token(choice: Choice): HTMLElement {
    const remove = element("button", { type: "button", tabindex: "-1", "aria-label": `${text("Remove")} ${choice.label}` }, "×");
    remove.addEventListener("click", () => {
      choice.option.selected = false;
      this.announce();
    });
    return element("span", { class: "combo-token" }, choice.label, remove);
  }

  private matches(): Choice[] {
    const chosen = this.select.multiple ? "" : (this.selected()[0]?.label ?? "");
    const typed = this.input.value.trim().toLowerCase();
    if (typed === "" || typed === chosen.toLowerCase()) return this.choices;
    // What the server found for these words fits, whatever of it the label shows.
    const { answered } = this;
    if (answered?.typed === typed) return this.choices.filter((choice) => answered.values.has(choice.option.value));
    const hits = this.choices.filter((choice) => choice.label.toLowerCase().includes(typed) || choice.keys.includes(typed));
    const rank = (choice: Choice): number =>
      choice.label.toLowerCase().startsWith(typed) ? 0 : choice.keys.startsWith(typed) ? 1 : 2;
    return hits.sort((a, b) => rank(a) - rank(b));
  }

  private open(): void {
    if (this.select.disabled) return;
    this.shown = this.matches().slice(0, SHOWN);
    const wanted = this.shown.findIndex((choice) => choice.option.selected);
    this.active = wanted >= 0 ? wanted : this.shown.length > 0 ? 0 : -1;
    this.list.replaceChildren(...this.rows());
    this.list.hidden = false;
    this.box.classList.add("is-open");
    this.input.setAttribute("aria-expanded", "true");
    placeUnder(this.list, this.control, { matchWidth: true });
    this.mark();
  }

  private rows(): HTMLElement[] {
    if (this.shown.length === 0) return [element("li", { class: "combo-note" }, text("No match"))];
    const rows: HTMLElement[] = [];
    let group = "";
    this.shown.forEach((choice, index) => {
      if (choice.group !== group) {
        group = choice.group;
        rows.push(element("li", { class: "combo-group", role: "presentation" }, group));
      }
      rows.push(element("li", {
        role: "option", id: `${this.list.id}-${index}`, "data-index": String(index),
        "aria-selected": String(choice.option.selected), "aria-disabled": choice.option.disabled ? "true" : false,
      }, choice.label));
    });
    if (this.shown.length === SHOWN) rows.push(element("li", { class: "combo-note" }, text("Type to narrow the list")));
    return rows;
  }

  private mark(): void {
    this.list.querySelectorAll(".is-active").forEach((row) => row.classList.remove("is-active"));
    const row = this.list.querySelector<HTMLElement>(`[data-index="${this.active}"]`);
    row?.classList.add("is-active");
    row?.scrollIntoView({ block: "nearest" });
    if (row) this.input.setAttribute("aria-activedescendant", row.id);
    else this.input.removeAttribute("aria-activedescendant");
  }

  private close(): void {
    this.list.hidden = true;
    this.box.classList.remove("is-open");
    this.input.setAttribute("aria-expanded", "false");
    this.input.removeAttribute("aria-activedescendant");
    if (this.select.multiple) this.input.value = "";
    else this.render();
  }

  private choose(index: number): void {
    const choice = this.shown[index];
    if (!choice || choice.option.disabled) return;
    if (this.select.multiple) {
      choice.option.selected = !choice.option.selected;
      this.input.value = "";
      this.announce();
      this.open();
    } else {
      this.select.value = choice.option.value;
      this.announce();
      this.close();
    }
  }

  private announce(): void {
    this.select.dispatchEvent(new Event("change", { bubbles: true }));
  }

  private onKey(event: KeyboardEvent): void {
    if (event.isComposing) return;
    const isOpen = !this.list.hidden;
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      if (!isOpen) return this.open();
      const step = event.key === "ArrowDown" ? 1 : -1;
      this.active = (this.active + step + this.shown.length) % Math.max(1, this.shown.length);
      this.mark();
    } else if (event.key === "Enter" && isOpen && !event.ctrlKey && !event.metaKey) {
      event.preventDefault();
      this.choose(this.active);
    } else if (event.key === "Escape" && isOpen) {
      event.stopPropagation();
      event.preventDefault();
      this.close();
    } else if (event.key === "Backspace" && this.select.multiple && this.input.value === "") {
      const last = this.selected().pop();
      if (!last) return;
      last.option.selected = false;
      this.announce();
    }
  }
}

/** Fills a box from an address that answers [{id, text}] (Flask-AppBuilder's AJAX select), again when its master changes. */
async function fillFrom(select: HTMLSelectElement, address: string): Promise<void> {
  const wanted = select.dataset["value"] ?? select.value;
  const rows = await getJson<{ id: string | number; text: string }[]>(address);
  select.replaceChildren(new Option("", ""), ...rows.map((row) => new Option(row.text, String(row.id), false, String(row.id) === wanted)));
  select.dispatchEvent(new Event("options-changed"));
}

function startAjaxSelect(input: HTMLInputElement): void {
  const select = element("select", { name: input.name, id: input.id, "data-value": input.value });
  input.replaceWith(select);
  new Combobox(select);
  const endpoint = input.getAttribute("endpoint") ?? "";
  const master = document.getElementById(input.getAttribute("master_id") ?? "") as HTMLInputElement | null;
  if (!master) {
    void fillFrom(select, endpoint);
    return;
  }
  const follow = (): void => {
    if (master.value) void fillFrom(select, endpoint.replace("{{ID}}", encodeURIComponent(master.value)));
  };
  master.addEventListener("change", follow);
  follow();
}

export function enhanceSelects(root: ParentNode): void {
  root.querySelectorAll<HTMLSelectElement>("select:not([data-enhanced]):not([data-plain])").forEach((select) => {
    if (select.multiple || "combobox" in select.dataset || select.options.length > 8) new Combobox(select);
  });
  root.querySelectorAll<HTMLInputElement>("input.my_select2_ajax").forEach(startAjaxSelect);
}
