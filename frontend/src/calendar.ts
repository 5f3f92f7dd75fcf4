/** Date and moment fields: typed as YYYY-MM-DD [HH:MM], or picked from a small calendar that starts on Monday. */
import { element, placeUnder } from "./dom";
import { text } from "./messages";

const pad = (value: number): string => String(value).padStart(2, "0");
const iso = (date: Date): string => `${date.getFullYear()}-${pad(date.getMonth() + 1)}-${pad(date.getDate())}`;

interface Parsed {
  date: Date;
  time: string;
}

/** Accepts 2026-1-5, 2026/1/5, 2026年1月5日, 20260105, 1-5 (this year) and a time behind it; undefined when it is none of these. */
export function parseMoment(typed: string, today: Date): Parsed | undefined {
  const [, day = "", time = ""] = /^\s*(.*?)(?:[\sT]+(\d{1,2}[:：]\d{2}(?:[:：]\d{2})?))?\s*$/.exec(typed) ?? [];
  const compact = /^(\d{4})(\d{2})(\d{2})$/.exec(day);
  const parts = compact ? compact.slice(1) : day.split(/[-/.年月日]/).filter((part) => part !== "");
  // 11.3 may be the number 11.30, which lost its 0: the server reads it so as well (app/rules/fields.py).
  if (parts.length === 2 && day.includes(".")) return undefined;
  if (parts.length === 2) parts.unshift(String(today.getFullYear()));
  if (parts.length !== 3 || parts.some((part) => !/^\d+$/.test(part))) return undefined;
  const [year, month, date] = parts.map(Number) as [number, number, number];
  const made = new Date(year, month - 1, date);
  if (year < 1900 || made.getMonth() !== month - 1 || made.getDate() !== date) return undefined;
  const clock = time ? time.replace(/：/g, ":").split(":").map((part) => part.padStart(2, "0")) : [];
  if (clock.length > 0 && (Number(clock[0]) > 23 || Number(clock[1]) > 59 || Number(clock[2] ?? 0) > 59)) return undefined;
  return { date: made, time: clock.join(":") };
}

class DateField {
  private readonly withTime: boolean;
  private readonly withSeconds: boolean;
  private popup: HTMLElement | undefined;
  private month = new Date();

  constructor(private readonly input: HTMLInputElement) {
    this.withTime = "datetime" in input.dataset;
    this.withSeconds = "seconds" in input.dataset;
    input.dataset["enhanced"] = "1";
    input.autocomplete = "off";
    input.inputMode = "numeric";
    input.placeholder ||= this.withTime ? "2026-01-05 09:30" : "2026-01-05";
    const button = element("button", { type: "button", "aria-label": text("Choose a date"), tabindex: "-1" });
    button.append(element("i", { class: "fa-regular fa-calendar", "aria-hidden": "true" }));
    const box = element("div", { class: "date-box" });
    input.insertAdjacentElement("beforebegin", box);
    box.append(input, button);
    button.addEventListener("click", () => (this.popup ? this.close() : this.open()));
    input.addEventListener("change", () => this.normalise());
    input.addEventListener("keydown", (event) => {
      if (event.key === "ArrowDown" && event.altKey) this.open();
      if (event.key === "Escape" && this.popup) {
        event.stopPropagation();
        this.close();
      }
    });
  }

  private format(date: Date, time: string): string {
    if (!this.withTime) return iso(date);
    const clock = time || "00:00";
    const full = this.withSeconds && clock.length === 5 ? `${clock}:00` : clock;
    return `${iso(date)} ${this.withSeconds ? full : full.slice(0, 5)}`;
  }

  private normalise(): void {
    const typed = this.input.value.trim();
    const parsed = typed ? parseMoment(typed, new Date()) : undefined;
    this.input.setCustomValidity(typed && !parsed ? text("Please enter a date such as 2026-01-05.") : "");
    if (parsed) this.input.value = this.format(parsed.date, parsed.time);
  }

  private current(): Parsed | undefined {
    return parseMoment(this.input.value, new Date());
  }

  private open(): void {
    this.month = this.current()?.date ?? new Date();
    this.popup = element("div", { class: "calendar", role: "dialog", "aria-label": text("Choose a date") });
    this.input.parentElement!.append(this.popup);
    this.draw();
    document.addEventListener("mousedown", this.outside);
    this.popup.addEventListener("keydown", (event) => this.onKey(event));
    this.popup.querySelector<HTMLElement>("[data-focus]")?.focus();
  }

  private readonly outside = (event: MouseEvent): void => {
    if (!this.input.parentElement!.contains(event.target as Node)) this.close();
  };

  private close(): void {
    this.popup?.remove();
    this.popup = undefined;
    document.removeEventListener("mousedown", this.outside);
    this.input.focus();
  }

  private pick(date: Date, time: string): void {
    this.input.value = this.format(date, time);
    this.input.setCustomValidity("");
    this.input.dispatchEvent(new Event("input", { bubbles: true }));
    this.input.dispatchEvent(new Event("change", { bubbles: true }));
  }

  private onKey(event: KeyboardEvent): void {
    if (event.key === "Escape") {
      event.stopPropagation();
      this.close();
      return;
    }
    const step = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -7, ArrowDown: 7 }[event.key];
    const day = (event.target as HTMLElement).dataset["day"];
    const turn = { PageUp: -1, PageDown: 1 }[event.key];
    if ((step === undefined && turn === undefined) || !day) return;
    event.preventDefault();
    const from = parseMoment(day, new Date())!.date;
    if (turn === undefined) this.month = new Date(from.getFullYear(), from.getMonth(), from.getDate() + (step ?? 0));
    else {
      const last = new Date(from.getFullYear(), from.getMonth() + turn + 1, 0).getDate();
      this.month = new Date(from.getFullYear(), from.getMonth() + turn, Math.min(from.getDate(), last));
    }
    this.draw();
    this.popup?.querySelector<HTMLElement>(`[data-day="${iso(this.month)}"]`)?.focus();
  }

  private draw(): void {
    const popup = this.popup!;
    const selected = this.current();
    const time = selected?.time.slice(0, 5) ?? "";
    const turn = (by: number, label: string, sign: string): HTMLElement => {
      const button = element("button", { type: "button", class: "btn btn-quiet btn-sm btn-icon", "aria-label": label }, sign);
      button.addEventListener("click", () => {
        this.month = new Date(this.month.getFullYear(), this.month.getMonth() + by, 1);
        this.draw();
        popup.querySelector<HTMLElement>(`[aria-label="${label}"]`)?.focus();
      });
      return button;
    };
    const title = new Intl.DateTimeFormat(document.documentElement.lang, { year: "numeric", month: "long" }).format(this.month);
    popup.replaceChildren(
      element("div", { class: "calendar-head" }, turn(-1, text("Previous month"), "‹"), title, turn(1, text("Next month"), "›")),
      this.days(selected, time),
      this.foot(selected, time),
    );
    placeUnder(popup, this.input);
  }

  private days(selected: Parsed | undefined, time: string): HTMLElement {
    const grid = element("div", { class: "calendar-days" });
    const name = new Intl.DateTimeFormat(document.documentElement.lang, { weekday: "narrow" });
    const first = new Date(this.month.getFullYear(), this.month.getMonth(), 1);
    const start = new Date(first.getFullYear(), first.getMonth(), 1 - ((first.getDay() + 6) % 7));
    const dayAt = (offset: number): Date => new Date(start.getFullYear(), start.getMonth(), start.getDate() + offset);
    for (let column = 0; column < 7; column += 1) grid.append(element("span", {}, name.format(dayAt(column))));
    const today = iso(new Date());
    const marked = selected ? iso(selected.date) : "";
    for (let offset = 0; offset < 42; offset += 1) {
      const date = dayAt(offset);
      const key = iso(date);
      const button = element("button", {
        type: "button", "data-day": key, "aria-pressed": String(key === marked), tabindex: key === (marked || today) ? "0" : "-1",
        "data-focus": key === (marked || today),
      }, String(date.getDate()));
      button.classList.toggle("is-outside", date.getMonth() !== this.month.getMonth());
      button.classList.toggle("is-weekend", date.getDay() % 6 === 0);
      button.classList.toggle("is-today", key === today);
      button.addEventListener("click", () => {
        this.pick(date, time);
        if (!this.withTime) return this.close();
        // The day is chosen; the hour comes next.
        this.draw();
        this.popup?.querySelector<HTMLInputElement>(".calendar-foot input")?.select();
      });
      grid.append(button);
    }
    return grid;
  }

  private foot(selected: Parsed | undefined, time: string): HTMLElement {
    const foot = element("div", { class: "calendar-foot" });
    const now = element("button", { type: "button", class: "btn btn-sm" }, this.withTime ? text("Now") : text("Today"));
    now.addEventListener("click", () => {
      const moment = new Date();
      this.pick(moment, `${pad(moment.getHours())}:${pad(moment.getMinutes())}`);
      this.close();
    });
    foot.append(now);
    if (this.withTime) {
      const clock = element("input", { type: "text", value: time || "09:00", "aria-label": text("Time"), inputmode: "numeric", maxlength: "5" });
      const done = element("button", { type: "button", class: "btn btn-primary btn-sm" }, text("Done"));
      const apply = (): void => {
        if (/^\d{1,2}[:：]\d{2}$/.test(clock.value)) this.pick(selected?.date ?? this.month, clock.value.replace("：", ":").padStart(5, "0"));
      };
      clock.addEventListener("change", apply);
      clock.addEventListener("keydown", (event) => {
        if (event.key !== "Enter" || event.isComposing) return;
        event.preventDefault();
        done.click();
      });
      done.addEventListener("click", () => {
        apply();
        this.close();
      });
      foot.append(clock, done);
    }
    return foot;
  }
}

export function enhanceDates(root: ParentNode): void {
  // Flask-AppBuilder's own date widgets: the add-on icon goes, the field stays.
  root.querySelectorAll<HTMLElement>(".appbuilder_date, .appbuilder_datetime").forEach((group) => {
    const input = group.querySelector("input");
    if (!input) return;
    input.dataset[group.classList.contains("appbuilder_date") ? "date" : "datetime"] = "";
    input.dataset["seconds"] = "";
    group.replaceWith(input);
  });
  root.querySelectorAll<HTMLInputElement>("input[data-date]:not([data-enhanced]), input[data-datetime]:not([data-enhanced])").forEach((input) => new DateField(input));
}
