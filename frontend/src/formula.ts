/** A formula while it is written: textarea[data-formula] names the address that reads it, [data-formula-said] shows what it says. */
import { element } from "./dom";
import { send } from "./http";
import { Latest } from "./latest";

interface Checked {
  right: boolean;
  message: string;
  at: number;
  length: number;
  samples: [string, string][];
}

const WAIT = 400;

/** The text with the wrong part underlined; what is missing at the end is shown as a space. */
function echo(text: string, at: number, length: number): HTMLElement {
  const from = at - 1;
  const wrong = text.slice(from, from + length) || "\u2423";
  return element("pre", { class: "formula-echo" }, text.slice(0, from), element("u", {}, wrong), text.slice(from + length));
}

function show(box: HTMLElement, text: string, found: Checked): void {
  const tone = found.right ? "ok" : "danger";
  const icon = element("i", { class: `fa-solid fa-${found.right ? "circle-check" : "circle-exclamation"}`, "aria-hidden": "true" });
  box.replaceChildren(element("div", { class: `note is-${tone}` }, icon, element("div", {}, found.message)));
  if (found.at > 0) box.append(echo(text, found.at, found.length));
  if (found.samples.length === 0) return;
  const rows = found.samples.map(([name, value]) => element("tr", {}, element("td", { class: "main" }, name), element("td", {}, value)));
  box.append(element("table", { class: "table" }, element("tbody", {}, ...rows)));
}

function start(area: HTMLTextAreaElement): void {
  const box = document.querySelector<HTMLElement>("[data-formula-said]");
  if (!box) return;
  let asked = "";
  const ask = async (): Promise<Checked> => {
    asked = area.value;
    const answer = await send(area.dataset["formula"] ?? "", { formula: asked, key: area.dataset["key"] ?? "" });
    if (!answer.ok || answer.redirected) throw new Error(String(answer.status));
    return (await answer.json()) as Checked;
  };
  const latest = new Latest(WAIT, ask, (found) => {
    area.setAttribute("aria-invalid", String(!found.right));
    show(box, asked, found);
  }, () => undefined);
  area.addEventListener("input", () => {
    if (area.value.trim()) latest.soon();
    else box.replaceChildren();
  });
  if (area.value.trim() && box.childElementCount === 0) void latest.now();
}

export function startFormulas(): void {
  document.querySelectorAll<HTMLTextAreaElement>("textarea[data-formula]").forEach(start);
}
