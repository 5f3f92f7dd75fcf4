/** The main appeal of a merger: [data-mains] names the address that finds them, [data-for] the field that takes the number. */
import { element } from "./dom";
import { getJson } from "./http";
import { Latest } from "./latest";

interface Main {
  value: string;
  label: string;
  note: string;
}

const WAIT = 250;

function start(box: HTMLElement): void {
  const field = document.getElementById(box.dataset["for"] ?? "");
  const list = box.querySelector<HTMLElement>("[role=listbox]");
  const empty = box.querySelector<HTMLElement>("[data-mains-empty]");
  if (!(field instanceof HTMLInputElement) || !list || !empty) return;
  let found: Main[] = [];
  let active = -1;

  field.autocomplete = "off";
  for (const [name, value] of Object.entries({ role: "combobox", "aria-autocomplete": "list", "aria-expanded": "false", "aria-controls": list.id }))
    field.setAttribute(name, value);

  const mark = (to: number): void => {
    active = to;
    [...list.children].forEach((option, at) => {
      option.setAttribute("aria-selected", String(at === active));
      if (at === active) option.scrollIntoView({ block: "nearest" });
    });
    if (active < 0) field.removeAttribute("aria-activedescendant");
    else field.setAttribute("aria-activedescendant", `${list.id}-${active}`);
  };
  const choose = (at: number): void => {
    const main = found[at];
    if (!main) return;
    field.value = main.value;
    field.dispatchEvent(new Event("change", { bubbles: true }));
    mark(at);
    field.focus();
  };
  const show = (mains: Main[]): void => {
    found = mains;
    list.replaceChildren(
      ...mains.map((main, at) => {
        const option = element(
          "li",
          { role: "option", id: `${list.id}-${at}`, "aria-selected": "false" },
          element("b", {}, main.value),
          " ",
          main.label,
          element("span", { class: "muted" }, main.note),
        );
        option.addEventListener("pointerdown", (event) => {
          event.preventDefault();
          choose(at);
        });
        return option;
      }),
    );
    empty.hidden = mains.length > 0;
    field.setAttribute("aria-expanded", String(mains.length > 0));
    mark(-1);
  };
  // Without an answer the number can still be typed.
  const ask = (): Promise<Main[]> => getJson<Main[]>(`${box.dataset["mains"] ?? ""}?${new URLSearchParams({ q: field.value.trim() }).toString()}`);
  const latest = new Latest(WAIT, ask, show);

  field.addEventListener("input", () => latest.soon());
  field.addEventListener("keydown", (event) => {
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      if (found.length) mark((active + (event.key === "ArrowDown" ? 1 : found.length + (active < 0 ? 0 : -1))) % found.length);
    } else if (event.key === "Enter" && active >= 0 && field.value !== found[active]?.value) {
      event.preventDefault();
      choose(active);
    } else if (event.key === "Escape" && active >= 0) {
      event.preventDefault();
      mark(-1);
    }
  });
  box.hidden = false;
  void latest.now();
}

export function startMains(): void {
  document.querySelectorAll<HTMLElement>("[data-mains]").forEach(start);
}
