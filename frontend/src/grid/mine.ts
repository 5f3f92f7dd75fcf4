/** What one changed in this sheet, each taken back also after the page was loaded anew; rows into the trash, which has a page. */
import { element } from "../dom";
import { text } from "../messages";
import { showToast } from "../toast";
import { ApiError, requestKey } from "./api";
import type { GridApp } from "./app";
import type { Entry } from "./menu";
import type { Row } from "./model";
import { button, openBox, type Box } from "./toolbar/box";
import { momentText } from "./values";

interface Own {
  readonly id: number;
  readonly kind: string;
  readonly at: string;
  readonly total: number;
  readonly done: number;
  readonly refused: number;
  readonly state: string;
  readonly undone: number | null;
}
const KINDS: () => Readonly<Record<string, string>> = () => ({
  cell: text("Typed"),
  paste: text("Pasted"),
  fill: text("Filled"),
  bulk: text("Many rows changed"),
  new: text("Row added"),
  delete: text("Row deleted"),
  restore: text("Row restored"),
  import: text("Imported"),
});

/** What was wrong with a field says more than that something was. */
function words(error: unknown): string {
  const told = error instanceof ApiError ? Object.values(error.fields).flat().join(" ") || error.message : "";
  return told || text("That did not work. Please try again.");
}
function wrong(error: unknown): HTMLElement {
  return element("p", { class: "error", role: "alert" }, words(error));
}

async function listMine(app: GridApp, box: Box): Promise<void> {
  try {
    const { edits } = await app.api.get<{ edits: readonly Own[] }>("/edits/mine");
    const kinds = KINDS();
    const rows = edits.filter((one) => one.kind !== "undo").map((one) => {
      const back = button(text("Undo"), "rotate-left", () => {
        back.disabled = true;
        void app.edits.undoOnly(one.id).then(() => listMine(app, box));
      });
      const refused = one.refused > 0 ? ` · ${text("{n} refused", { n: one.refused })}` : "";
      const count = one.done === 1 ? text("1 row") : text("{n} rows", { n: one.done });
      const isRunning = one.state === "pending" || one.state === "running";
      const state = isRunning ? element("span", { class: "muted" }, text("running, {done} of {all}", { done: one.done + one.refused, all: one.total })) : one.undone === null ? back : element("span", { class: "muted" }, text("taken back"));
      return element("li", { "data-set": String(one.id) }, element("span", {}, element("b", {}, kinds[one.kind] ?? one.kind), ` ${count}${refused}`, element("small", { class: "muted" }, momentText(one.at))), state);
    });
    box.body.replaceChildren(rows.length > 0 ? element("ul", { class: "grid-past-list" }, ...rows) : element("p", { class: "muted" }, text("You have changed nothing in this sheet so far.")));
  } catch (error) {
    box.body.replaceChildren(wrong(error));
  }
}

/** Rows into the trash, one step back for all of them; a row that may not be deleted says why and stays. */
async function remove(app: GridApp, rows: readonly Row[]): Promise<void> {
  const sets: number[] = [];
  let why = "";
  await app.long(text("Deleting rows"), rows.length, async (progress, signal) => {
    for (const [at, row] of rows.entries()) {
      if (signal.aborted) break;
      try {
        const told = await app.api.remove<{ change_set: number | null }>(`/rows/${row.id}`, { version: row.version, request_key: requestKey(), ...app.posts.said });
        if (told.change_set !== null) sets.push(told.change_set);
      } catch (error) {
        why = words(error);
      }
      progress(at + 1);
    }
  });
  app.edits.rememberAll(sets);
  if (sets.length > 0) {
    app.reload();
    const isKept = app.schema.family === "dictionary";
    const one = isKept ? text("The row is switched off. The trash brings it back.") : text("The row is in the trash.");
    const several = isKept ? text("{n} rows are switched off. The trash brings them back.", { n: sets.length }) : text("{n} rows are in the trash.", { n: sets.length });
    app.notice("removed", sets.length === 1 ? one : several, {
      label: text("Undo"),
      act: () => {
        app.notice("removed", "");
        void app.edits.undo();
      },
    }, { label: text("Close"), act: () => app.notice("removed", "") });
  }
  if (why !== "") showToast({ text: why, tone: "danger" });
}

function removal(app: GridApp): Entry[] {
  const { rows, count } = app.selection();
  if (!app.schema.can.remove || rows.length === 0 || rows.length !== count || count > 200) return [];
  const label = count === 1 ? text("Delete the row") : text("Delete {n} rows", { n: count });
  return [{ label, icon: "trash", act: () => void remove(app, rows) }];
}

document.addEventListener("grid:ready", (event) => {
  const app = (event as CustomEvent<GridApp>).detail;
  const host = document.querySelector<HTMLElement>("[data-grid-actions]");
  if (!host) return;
  if (app.schema.can.add || app.schema.columns.some((one) => app.isWritable(one))) {
    const opener: HTMLButtonElement = button(text("My changes"), "clock-rotate-left", () => void listMine(app, openBox(opener, text("My changes"))), "btn-quiet");
    host.append(opener);
  }
  app.menu.cellEntries.push(() => removal(app));
});
