/** Files in cells: chosen or dropped in the side panel, dropped on a cell; each is kept at once, the row then names them. */
import { FileField, filesBox, type Kept } from "../attachments";
import { element } from "../dom";
import { text } from "../messages";
import { fileLink } from "../file-view";
import type { GridApp } from "./app";
import { requestKey } from "./api";
import type { Cell, Column, Row } from "./model";

type Named = readonly [number, string];
/** What the server most likely shows by itself; it decides by the content. */
const SHOWN: readonly (readonly [RegExp, string])[] = [[/\.(png|jpe?g|gif|webp)$/i, "image"], [/\.pdf$/i, "pdf"], [/\.(mp3|wav|m4a|ogg)$/i, "audio"], [/\.(mp4|webm)$/i, "video"]];

export function filesOf(value: Cell | undefined): readonly Named[] {
  return Array.isArray(value) ? (value as unknown[]).filter((one): one is Named => Array.isArray(one)) : [];
}

/** Whether files may be put into the cells of the column. */
export function takesFiles(app: GridApp, column: Column): boolean {
  return column.kind === "files" && column.write === "extra" && app.schema.can.edit;
}

function keptOf(app: GridApp, [id, name]: Named): Kept {
  const address = `${app.api.base}/files/${id}`;
  const preview = SHOWN.find(([pattern]) => pattern.test(name))?.[1] ?? "";
  return { id, name: name || `#${id}`, size: "", bytes: Number.MAX_SAFE_INTEGER, icon: "paperclip", preview, preview_url: `${address}?inline=1`, discard_url: "", save_url: address };
}

/** The names of a cell, each a link; a cell that is looked up names them alone. */
export function fileLinks(app: GridApp, column: Column, value: Cell | undefined): Node[] {
  return filesOf(value).map((one) => {
    const kept = keptOf(app, one);
    const link = column.write !== "extra" ? kept.name : kept.preview ? fileLink(kept.name, kept.preview, kept.preview_url) : element("a", { href: kept.save_url ?? "", download: "" }, kept.name);
    return element("span", { class: "grid-file" }, link);
  });
}

/** The control of a field of the panel; `changed` gets the ids whenever a file came or went. */
export function filesControl(app: GridApp, row: Row, column: Column, id: string, changed: (ids: number[], shown: string) => void): HTMLElement {
  const address = `${app.api.base}/files/${encodeURIComponent(column.key)}?form=${requestKey()}`;
  const box = filesBox(id, column.key, address, filesOf(row.cells[column.key]).map((one) => keptOf(app, one)));
  const field = new FileField(box);
  field.onChange = (kept) => changed(kept.map((one) => one.id), text("{n} files", { n: kept.length }));
  return box;
}

/** A file dropped on a cell opens the row at that field and goes the way of a chosen one. */
export function listenToFiles(app: GridApp): void {
  const { pane } = app.table;
  const under = (event: DragEvent): { column: Column; row: Row } | undefined => {
    if (!event.dataTransfer?.types.includes("Files")) return undefined;
    const at = app.table.placeUnder(event);
    const column = app.shown[at.col];
    const row = app.windows.row(at.row);
    return column && row && takesFiles(app, column) ? { column, row } : undefined;
  };
  pane.addEventListener("dragover", (event) => {
    if (!event.dataTransfer?.types.includes("Files")) return;
    event.preventDefault();
    event.dataTransfer.dropEffect = under(event) ? "copy" : "none";
  });
  pane.addEventListener("drop", (event) => {
    const found = under(event);
    const files = Array.from(event.dataTransfer?.files ?? []);
    if (files.length > 0) event.preventDefault();
    if (found) void app.panel.showFiles(found.row, found.column.key, files);
  });
}
