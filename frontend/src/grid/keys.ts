/** The keyboard, as in Excel. */
import type { GridApp } from "./app";

export function listenToKeys(app: GridApp): void {
  app.table.sink.addEventListener("keydown", (event) => {
    // 229: this key belongs to the input method, Enter and the arrows of its list included.
    if (event.isComposing || event.keyCode === 229) return;
    const handled = app.editor.isOpen ? inEditor(app, event) : inTable(app, event);
    if (handled) {
      event.preventDefault();
      event.stopPropagation();
    } else if (!app.editor.isOpen) event.stopPropagation(); // one-letter shortcuts of the page are text here
  });
}

function inEditor(app: GridApp, event: KeyboardEvent): boolean {
  const { editor } = app;
  const { picker } = editor;
  const shift = event.shiftKey;
  switch (event.key) {
    case "Escape":
      editor.close();
      return true;
    case "Enter":
      if (event.altKey && !picker) editor.newline();
      else if (event.ctrlKey || event.metaKey) void editor.commitAll();
      else void editor.commit(shift ? -1 : 1, 0, true);
      return true;
    case "Tab":
      void editor.commit(0, shift ? -1 : 1, true);
      return true;
    case "ArrowDown":
    case "ArrowUp":
      if (picker) picker.move(event.key === "ArrowDown" ? 1 : -1);
      // As in Excel: who typed over a cell goes on with the arrows, who opened it moves in its text.
      else if (!editor.isKept) void editor.commit(event.key === "ArrowDown" ? 1 : -1, 0);
      else return false;
      return true;
    case "ArrowLeft":
    case "ArrowRight":
      if (editor.isKept || picker) return false;
      void editor.commit(0, event.key === "ArrowRight" ? 1 : -1);
      return true;
    case " ":
      if (!picker?.isMultiple || (app.table.sink.value !== "" && !picker.isMoved)) return false;
      picker.toggle();
      return true;
    case "F2":
      return true;
    default:
      return false;
  }
}

function inTable(app: GridApp, event: KeyboardEvent): boolean {
  const far = event.ctrlKey || event.metaKey;
  if (far && !event.altKey && withControl(app, event)) return true;
  if (event.altKey) {
    if (event.key !== "ArrowDown" && event.key !== "Enter") return false;
    if (event.key === "Enter") app.openRow();
    else app.editor.begin("list");
    return true;
  }
  return moves(app, event, far) || acts(app, event);
}

function withControl(app: GridApp, event: KeyboardEvent): boolean {
  const { table, transfer } = app;
  const end = Math.max(0, app.windows.total - 1);
  const last = app.shown.length - 1;
  switch (event.key.toLowerCase()) {
    case "a":
      table.select({ top: 0, left: 0, bottom: end, right: last });
      return true;
    case " ":
      table.select({ ...table.range, top: 0, bottom: end });
      return true;
    case "d":
      void transfer.fillDown();
      return true;
    case "r":
      // The page is loaded anew by F5.
      void transfer.fillRight();
      return true;
    case "z":
      void (event.shiftKey ? app.edits.redo() : app.edits.undo());
      return true;
    case "y":
      void app.edits.redo();
      return true;
    case ";":
      app.editor.today();
      return true;
    case "f":
      app.finder.open();
      return true;
    case "enter":
      app.openRow();
      return true;
    case "c":
    case "x":
    case "v":
      // A read-only field would not be told of the clipboard by every browser.
      table.sink.readOnly = false;
      if (event.key.toLowerCase() !== "v") {
        table.sink.value = " ";
        table.sink.select();
      }
      window.setTimeout(() => {
        if (!app.editor.isOpen) table.sink.value = "";
        app.guardSink();
      });
      return false;
    default:
      return false;
  }
}

function moves(app: GridApp, event: KeyboardEvent, far: boolean): boolean {
  const { table } = app;
  const shift = event.shiftKey;
  const extend = shift && event.key !== "Enter" && event.key !== "Tab";
  const { row, col } = extend ? table.corner : table.active;
  const last = app.shown.length - 1;
  const end = Math.max(0, app.windows.total - 1);
  const to: Record<string, readonly [number, number]> = {
    ArrowDown: [far ? end : row + 1, col],
    ArrowUp: [far ? 0 : row - 1, col],
    ArrowRight: [row, far ? last : col + 1],
    ArrowLeft: [row, far ? 0 : col - 1],
    PageDown: [row + table.page, col],
    PageUp: [row - table.page, col],
    Home: [far ? 0 : row, 0],
    End: [far ? end : row, last],
  };
  const place = to[event.key];
  if (place) {
    table.go(place[0], place[1], extend);
    return true;
  }
  if (event.key === "Enter") table.run(row + (shift ? -1 : 1), shift ? -1 : 1, 0);
  else if (event.key === "Tab") {
    // At the edge of the table Tab goes on in the page, so that nobody is caught in it.
    if ((shift && col === 0) || (!shift && col === last)) return false;
    table.run(row, 0, shift ? -1 : 1);
  } else return false;
  return true;
}

function acts(app: GridApp, event: KeyboardEvent): boolean {
  switch (event.key) {
    case "F2":
      app.editor.begin("kept");
      return true;
    case " ":
      if (event.shiftKey) app.table.select({ ...app.table.range, left: 0, right: app.shown.length - 1 });
      else app.openRow();
      return true;
    case "Delete":
    case "Backspace":
      void app.transfer.clear();
      return true;
    case "F6":
      app.focusNotices();
      return true;
    case "ContextMenu":
      app.menu.openForCell();
      return true;
    case "F10":
      if (!event.shiftKey) return false;
      app.menu.openForCell();
      return true;
    case "Escape":
      app.escape();
      return true;
    default:
      if (event.key.length === 1 && app.table.sink.readOnly && !event.ctrlKey && !event.metaKey) {
        const column = app.shown[app.table.active.col];
        if (column) app.explainFixed(column);
        return true;
      }
      return false;
  }
}
