/** Rows and cells of the table as nodes: made once, filled again while scrolling. */

export interface Cell {
  readonly node: HTMLDivElement;
  readonly texts: HTMLSpanElement[];
  col: number;
  /** Class of the column: numbers to the right, what nobody types into. */
  base: string;
  className: string;
  shown: string;
  chips: string;
  selected: boolean;
}

export interface Line {
  readonly node: HTMLDivElement;
  readonly gutter: HTMLDivElement;
  readonly frozen: Cell[];
  readonly rest: Cell[];
  row: number;
  y: number;
  className: string;
  number: string;
}

export function div(className: string, role?: string): HTMLDivElement {
  const node = document.createElement("div");
  node.className = className;
  if (role !== undefined) node.setAttribute("role", role);
  return node;
}

export function cell(frozen: boolean, role: string): Cell {
  const node = div("", role);
  const span = document.createElement("span");
  span.append("");
  node.append(span);
  const base = frozen ? "grid-cell grid-frozen" : "grid-cell";
  node.className = base;
  return { node, texts: [span], col: -1, base, className: base, shown: "", chips: "", selected: false };
}

/** Texts of a cell and the colours of its choices, both with `\u0001` between several; nothing is touched that is so already. */
export function write(one: Cell, shown: string, chips: string): void {
  if (one.shown === shown && one.chips === chips) return;
  one.shown = shown;
  one.chips = chips;
  const words = shown === "" ? [] : shown.split("\u0001");
  const colours = chips.split("\u0001");
  while (one.texts.length < words.length) {
    const span = document.createElement("span");
    span.append("");
    one.node.append(span);
    one.texts.push(span);
  }
  one.texts.forEach((span, at) => {
    const text = words[at] ?? "";
    const colour = text === "" ? "" : (colours[at] ?? "");
    const className = colour === "" ? "" : `grid-chip is-${colour}`;
    if ((span.firstChild as Text).data !== text) (span.firstChild as Text).data = text;
    if (span.className !== className) span.className = className;
  });
}

export function dress(one: Cell, extra: string): void {
  const wanted = extra === "" ? one.base : `${one.base} ${extra}`;
  if (one.className === wanted) return;
  if (isWrong(wanted)) one.node.setAttribute("aria-invalid", "true");
  else if (isWrong(one.className)) one.node.removeAttribute("aria-invalid");
  one.className = wanted;
  one.node.className = wanted;
}

/** Whether what stands there is not saved. */
export function isWrong(className: string): boolean {
  return className.includes("is-problem") || className.includes("is-conflict");
}

/** The cells of a row in the order of the columns, for whoever reads the document from its beginning to its end. */
export function inOrder(nodes: readonly HTMLElement[], parent: HTMLElement): void {
  let before: Element | null = null;
  for (const node of [...nodes].reverse()) {
    if (node.nextElementSibling !== before || node.parentElement !== parent) parent.insertBefore(node, before);
    before = node;
  }
}
