/** Rows ticked in a list form, and the bar of what can be done with all of them. */
import { text } from "./messages";

function rowsOf(form: HTMLFormElement): HTMLInputElement[] {
  return Array.from(form.querySelectorAll<HTMLInputElement>("input[data-select-row]:not([disabled])"));
}

function refresh(form: HTMLFormElement): void {
  const rows = rowsOf(form);
  const ticked = rows.filter((row) => row.checked);
  rows.forEach((row) => row.closest("tr, .list-group-item, .thumbnail")?.classList.toggle("is-selected", row.checked));
  const bar = form.querySelector<HTMLElement>(".bulk-bar");
  if (bar) bar.hidden = ticked.length === 0;
  form.querySelectorAll("[data-selected-count]").forEach((node) => (node.textContent = String(ticked.length)));
  const all = form.querySelector<HTMLInputElement>("input[data-select-all]");
  if (all) {
    all.checked = rows.length > 0 && ticked.length === rows.length;
    all.indeterminate = ticked.length > 0 && ticked.length < rows.length;
  }
}

function startOne(form: HTMLFormElement): void {
  let last: HTMLInputElement | undefined;
  form.addEventListener("click", (event) => {
    const box = event.target as HTMLInputElement;
    if (box.matches("[data-select-all]")) {
      rowsOf(form).forEach((row) => (row.checked = box.checked));
      refresh(form);
    } else if (box.matches("[data-select-row]")) {
      const rows = rowsOf(form);
      if (event.shiftKey && last) {
        const [from, to] = [rows.indexOf(last), rows.indexOf(box)].sort((a, b) => a - b) as [number, number];
        rows.slice(from, to + 1).forEach((row) => (row.checked = box.checked));
      }
      last = box;
      refresh(form);
    } else if (box.closest("[data-select-none]")) {
      rowsOf(form).forEach((row) => (row.checked = false));
      refresh(form);
    }
  });
  form.querySelectorAll("input[data-select-all]").forEach((box) => box.setAttribute("aria-label", text("Select all rows")));
  form.querySelectorAll("input[data-select-row], input[data-select-all]").forEach((box) => box.closest("td, th")?.classList.add("cell-check"));
  rowsOf(form).forEach((row) => {
    if (!row.hasAttribute("aria-label") && !row.labels?.length) row.setAttribute("aria-label", text("Select this row"));
  });
  refresh(form);
}

export function startSelection(): void {
  document.querySelectorAll<HTMLFormElement>("form[data-select]").forEach(startOne);
}
