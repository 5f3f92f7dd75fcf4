/** The list under a cell: choices in their colours, rows of another sheet; filtered by what stands in the sink. */
import { element, placeUnder } from "../dom";
import { text } from "../messages";
import { initials } from "../pinyin";
import type { SheetApi } from "./api";
import { REFERENCES, type Cell, type Column } from "./model";

export interface Offer {
  readonly value: unknown;
  readonly label: string;
  readonly keys: string;
  readonly colour: string;
}
const SHOWN = 50;
const WAIT = 120;

export function hasList(column: Column): boolean {
  return column.kind === "choice" || column.kind === "choices" || column.kind === "bool" || REFERENCES.has(column.kind);
}

/** Rows a reference may lead to: by name or by the initials of its pinyin. */
export async function options(api: SheetApi, key: string, typed: string, signal?: AbortSignal): Promise<Offer[]> {
  interface Told {
    options?: { value: unknown; label: string; pinyin?: string }[];
  }
  const told = await api.post<Told | NonNullable<Told["options"]>>(`/options/${encodeURIComponent(key)}`, { q: typed }, signal);
  const rows = Array.isArray(told) ? told : (told.options ?? []);
  return rows.map((one) => ({ value: one.value, label: one.label, keys: one.pinyin ?? "", colour: "" }));
}

export class Picker {
  private readonly list = element("ul", { class: "combo-list grid-list", role: "listbox", id: "grid-list" });
  private offers: Offer[] = [];
  private shown: Offer[] = [];
  private active = -1;
  private typed = "";
  private searching: Promise<void> = Promise.resolve();
  private control: AbortController | undefined;
  readonly chosen: Set<unknown>;
  readonly isMultiple: boolean;
  /** Whether the person moved in the list: then what is marked counts, not what was typed. */
  isMoved = false;

  constructor(
    private readonly api: SheetApi,
    private readonly column: Column,
    value: Cell,
    private readonly anchor: HTMLElement,
    private readonly picked: (offer: Offer | undefined) => void,
  ) {
    this.isMultiple = column.kind === "choices";
    this.chosen = new Set(Array.isArray(value) && !REFERENCES.has(column.kind) ? value : []);
    if (REFERENCES.has(column.kind)) this.chosen = new Set(Array.isArray(value) ? [value[0]] : []);
    else if (!this.isMultiple && value !== null) this.chosen = new Set([value]);
    if (this.isMultiple) this.list.setAttribute("aria-multiselectable", "true");
    this.list.setAttribute("aria-label", column.label);
    if (column.kind === "bool") {
      this.offers = [
        { value: true, label: text("Yes"), keys: "y1", colour: "green" },
        { value: false, label: text("No"), keys: "n0", colour: "grey" },
      ];
    } else if (!REFERENCES.has(column.kind)) {
      this.offers = column.choices.map((one) => ({ value: one.code, label: one.label, keys: `${initials(one.label)} ${one.code}`.toLowerCase(), colour: one.colour }));
    }
    this.list.addEventListener("mousedown", (event) => {
      event.preventDefault();
      const row = (event.target as HTMLElement).closest<HTMLElement>("[data-index]");
      if (row) this.take(Number(row.dataset["index"]));
    });
    document.body.append(this.list);
    this.filter("");
  }

  /** Show what fits the text. */
  filter(typed: string): void {
    this.typed = typed.trim().toLowerCase();
    this.isMoved = false;
    if (REFERENCES.has(this.column.kind)) this.search();
    else this.draw(this.fitting(this.offers));
  }

  private fitting(offers: readonly Offer[]): Offer[] {
    const { typed } = this;
    if (typed === "") return [...offers];
    const rank = (one: Offer): number => {
      const label = one.label.toLowerCase();
      return label === typed ? 0 : label.startsWith(typed) ? 1 : one.keys.startsWith(typed) ? 2 : 3;
    };
    return offers.filter((one) => one.label.toLowerCase().includes(typed) || one.keys.includes(typed)).sort((a, b) => rank(a) - rank(b));
  }

  private search(): void {
    this.control?.abort();
    const control = new AbortController();
    this.control = control;
    const { typed } = this;
    this.searching = new Promise((resolve) => window.setTimeout(resolve, this.shown.length === 0 ? 0 : WAIT))
      .then(() => (control.signal.aborted ? [] : options(this.api, this.column.key, typed, control.signal)))
      .then((found) => {
        if (!control.signal.aborted) this.draw(found);
      })
      .catch(() => {
        if (!control.signal.aborted) this.draw([]);
      });
  }

  private draw(offers: Offer[]): void {
    this.shown = offers.slice(0, SHOWN);
    const current = this.shown.findIndex((one) => this.chosen.has(one.value));
    this.active = this.typed === "" ? (current >= 0 ? current : -1) : this.shown.length > 0 ? 0 : -1;
    const rows = this.shown.map((one, at) => {
      const label = one.colour !== "" && one.colour !== undefined ? element("span", { class: `grid-chip is-${one.colour}` }, one.label) : one.label;
      const tick = this.isMultiple ? [element("span", { class: "grid-tick", "aria-hidden": "true" }, this.chosen.has(one.value) ? "☑" : "☐")] : [];
      return element("li", { role: "option", "data-index": String(at), id: `grid-list-${at}`, "aria-selected": String(this.chosen.has(one.value)) }, ...tick, label);
    });
    if (rows.length === 0) rows.push(element("li", { class: "combo-note" }, text("No match")));
    if (offers.length > SHOWN) rows.push(element("li", { class: "combo-note" }, text("Type to narrow the list")));
    if (this.isMultiple) rows.push(element("li", { class: "combo-note" }, text("Space ticks, Enter keeps")));
    this.list.replaceChildren(...rows);
    this.mark();
  }

  private mark(): void {
    for (const row of this.list.querySelectorAll(".is-active")) row.classList.remove("is-active");
    const row = this.list.querySelector<HTMLElement>(`[data-index="${this.active}"]`);
    row?.classList.add("is-active");
    if (row) this.anchor.setAttribute("aria-activedescendant", row.id);
    else this.anchor.removeAttribute("aria-activedescendant");
    this.list.style.minWidth = `${Math.max(160, this.anchor.getBoundingClientRect().width)}px`;
    placeUnder(this.list, this.anchor);
    row?.scrollIntoView({ block: "nearest" });
  }

  move(step: number): void {
    if (this.shown.length === 0) return;
    this.isMoved = true;
    this.active = this.active < 0 ? (step > 0 ? 0 : this.shown.length - 1) : (this.active + step + this.shown.length) % this.shown.length;
    this.mark();
  }

  toggle(): void {
    const offer = this.shown[this.active];
    if (!offer) return;
    if (this.chosen.has(offer.value)) this.chosen.delete(offer.value);
    else this.chosen.add(offer.value);
    const at = this.active;
    this.draw(this.fitting(this.offers));
    this.active = at;
    this.mark();
  }

  private take(at: number): void {
    this.active = at;
    if (this.isMultiple) this.toggle();
    else this.picked(this.shown[at]);
  }

  /** What Enter means: the marked one, none where nothing is typed or marked, undefined where nothing fits. */
  async decide(typed: string): Promise<Offer | null | undefined> {
    await this.searching;
    if (this.isMultiple) {
      if (typed.trim() !== "" && this.shown[this.active] && !this.isMoved) this.chosen.add(this.shown[this.active]?.value);
      const all = this.offers.filter((one) => this.chosen.has(one.value));
      return { value: all.map((one) => one.value), label: all.map((one) => one.label).join("、"), keys: "", colour: "" };
    }
    if (typed.trim() === "" && !this.isMoved) return null;
    return this.shown[this.active];
  }

  get element(): HTMLElement {
    return this.list;
  }
  close(): void {
    this.control?.abort();
    this.list.remove();
  }
}
