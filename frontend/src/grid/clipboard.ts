/** The forms in which Excel and WPS hand tables over: text with tabs, and HTML with merged cells. */

/** Tabs, CRLF, and quotes around a cell with a tab, a line break or a quote. */
export function toTsv(block: readonly (readonly string[])[]): string {
  const cell = (text: string): string => (/[\t\r\n"]/.test(text) ? `"${text.split('"').join('""')}"` : text);
  return block.map((row) => row.map(cell).join("\t")).join("\r\n");
}

export function fromTsv(text: string): string[][] {
  const block: string[][] = [];
  let row: string[] = [];
  let at = 0;
  for (;;) {
    let cell = "";
    if (text[at] === '"') {
      at += 1;
      for (; at < text.length; at += 1) {
        if (text[at] === '"') {
          if (text[at + 1] !== '"') break;
          at += 1;
        }
        cell += text[at];
      }
      at += 1;
    }
    while (at < text.length && !"\t\r\n".includes(text.charAt(at))) cell += text[at++];
    row.push(cell.replace(/\r\n/g, "\n"));
    if (at >= text.length) break;
    if (text[at] === "\t") at += 1;
    else {
      at += text[at] === "\r" && text[at + 1] === "\n" ? 2 : 1;
      block.push(row);
      row = [];
      if (at >= text.length) return block;
    }
  }
  block.push(row);
  return block;
}

const escape = (text: string): string => text.replace(/[&<>"]/g, (sign) => `&#${sign.charCodeAt(0)};`).replace(/\r?\n/g, "<br>");

/** Excel keeps 18-digit numbers and leading zeros where a cell is said to be text; numbers of ours stay numbers. */
export function toHtml(block: readonly (readonly string[])[], isNumber: (column: number) => boolean): string {
  const attribute = (column: number): string => (isNumber(column) ? "" : ` style="mso-number-format:'\\@'"`);
  const rows = block.map((row) => `<tr>${row.map((text, at) => `<td${attribute(at)}>${escape(text)}</td>`).join("")}</tr>`);
  return `<html><head><meta charset="utf-8"></head><body><table>${rows.join("")}</table></body></html>`;
}

/** null: no table in it. A merged cell stands in its first place, the others stay empty. */
export function fromHtml(html: string): string[][] | null {
  if (!/<table/i.test(html)) return null;
  // Chromium holds style attributes of a parsed document against the page's policy and reports each; they are cut out first.
  const bare = html
    .replace(/<style[\s\S]*?<\/style>/gi, "")
    .replace(/<[^>]*>/g, (tag) => tag.replace(/\sstyle\s*=\s*("[^"]*"|'[^']*'|[^\s>]+)/gi, ""));
  const table = new DOMParser().parseFromString(bare, "text/html").querySelector("table");
  if (table === null) return null;
  const block: string[][] = [];
  const taken = new Set<string>();
  [...table.rows].forEach((row, r) => {
    const line = (block[r] ??= []);
    let c = 0;
    for (const cell of row.cells) {
      while (taken.has(`${r},${c}`)) line[c++] ??= "";
      for (let y = 0; y < cell.rowSpan; y += 1) for (let x = 0; x < cell.colSpan; x += 1) taken.add(`${r + y},${c + x}`);
      line[c] = words(cell);
      for (let x = 1; x < cell.colSpan; x += 1) line[c + x] = "";
      c += cell.colSpan;
    }
    while (taken.has(`${r},${c}`)) line[c++] ??= "";
  });
  return block;
}

/** Line breaks of the source are spaces, those of the table are breaks. */
function words(cell: HTMLTableCellElement): string {
  for (const node of cell.querySelectorAll("br")) node.replaceWith("\u0000");
  for (const node of cell.querySelectorAll("p + p, div + div")) node.prepend("\u0000");
  const text = (cell.textContent ?? "").replace(/[ \t\r\n]+/g, " ").replace(/ ?\u0000 ?/g, "\n");
  return text.replace(/\u00a0/g, " ").trim();
}

/** What was put on the clipboard as a block: the text where both forms have the same shape, for it keeps every space. */
export function fromClipboard(data: DataTransfer): string[][] {
  const typed = data.getData("text/plain");
  const table = fromHtml(data.getData("text/html"));
  if (table === null) return fromTsv(typed);
  if (typed === "") return table;
  const plain = fromTsv(typed);
  const same = plain.length === table.length && plain.every((row, at) => row.length === table[at]?.length);
  return same ? plain : table;
}
