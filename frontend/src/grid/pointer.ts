/** The mouse: a selection by dragging, the handle that fills, headers that sort, move and grow. */
import type { GridApp } from "./app";
import type { Range } from "./table";

export function listenToPointer(app: GridApp): void {
  const { table } = app;
  table.pane.addEventListener("pointerdown", (event) => pressed(app, event));
  table.pane.addEventListener("dblclick", (event) => {
    const target = event.target as HTMLElement;
    if (target.closest(".grid-grip")) return app.fitColumn(table.placeUnder(event).col);
    if (target.closest(".grid-head, .grid-foot")) return;
    if (target.closest(".grid-number")) return app.openRow();
    app.editor.begin("list");
  });
  table.pane.addEventListener("contextmenu", (event) => {
    event.preventDefault();
    const isHead = table.head.contains(event.target as Node);
    const at = table.placeUnder(event);
    const { top, bottom, left, right } = table.range;
    const isInside = at.row >= top && at.row <= bottom && at.col >= left && at.col <= right;
    if (!isHead && !isInside) table.go(at.row, at.col);
    if (isHead) app.menu.openForColumn(at.col, event);
    else app.menu.openForCell(event);
  });
}

function pressed(app: GridApp, event: PointerEvent): void {
  if (event.button !== 0) return;
  const { table } = app;
  const target = event.target as HTMLElement;
  if (event.pointerType === "touch" && !target.closest(".grid-menu-button")) {
    // A finger scrolls; a tap chooses.
    table.pane.addEventListener("click", (tap) => table.go(table.placeUnder(tap).row, table.placeUnder(tap).col), { once: true });
    return;
  }
  event.preventDefault();
  if (app.editor.isOpen) void app.editor.commit();
  table.focus();
  if (target.closest(".grid-menu-button")) return app.menu.openForColumn(table.placeUnder(event).col, event);
  if (table.head.contains(target)) return headPressed(app, event, target);
  if (table.foot.contains(target)) return;
  const at = table.placeUnder(event);
  if (target === table.handle) return drag(app, event, (next) => fillTo(app, next), () => filled(app));
  const last = app.shown.length - 1;
  if (target.closest(".grid-number")) {
    if (at.row >= app.windows.total && app.schema.can.add) return void app.addRow({});
    const from = event.shiftKey ? table.range.top : at.row;
    const rows = (to: number): void => table.select({ top: Math.min(from, to), bottom: Math.max(from, to), left: 0, right: last });
    rows(at.row);
    return drag(app, event, (next) => rows(table.placeUnder(next).row));
  }
  table.go(at.row, at.col, event.shiftKey);
  drag(app, event, (next) => {
    const to = table.placeUnder(next);
    table.go(to.row, to.col, true);
  });
}

function drag(app: GridApp, event: PointerEvent, move: (next: PointerEvent) => void, end?: () => void): void {
  const { pane } = app.table;
  pane.setPointerCapture(event.pointerId);
  const last = { x: event.clientX, y: event.clientY };
  const moved = (next: PointerEvent): void => {
    if (next.clientX === last.x && next.clientY === last.y) return;
    last.x = next.clientX;
    last.y = next.clientY;
    move(next);
  };
  pane.addEventListener("pointermove", moved);
  pane.addEventListener(
    "lostpointercapture",
    () => {
      pane.removeEventListener("pointermove", moved);
      end?.();
    },
    { once: true },
  );
}

/** The handle goes down or to the right, whichever is further. */
function fillTo(app: GridApp, event: PointerEvent): void {
  const { table } = app;
  const { top, bottom, left, right } = table.range;
  const to = table.placeUnder(event);
  const down = Math.min(to.row, app.windows.total - 1) - bottom;
  const aside = to.col - right;
  let filling: Range | undefined;
  if (down > 0 && down >= aside) filling = { top: bottom + 1, bottom: bottom + down, left, right };
  else if (aside > 0) filling = { top, bottom, left: right + 1, right: to.col };
  table.filling = filling;
  if (filling) table.show({ row: filling.bottom, col: filling.right });
  table.later(false);
}

function filled(app: GridApp): void {
  const { table } = app;
  const to = table.filling;
  table.filling = undefined;
  table.later(false);
  if (to) void app.transfer.fill(table.range, to, true);
}

function headPressed(app: GridApp, event: PointerEvent, target: HTMLElement): void {
  const { table } = app;
  if (target.closest(".grid-number")) return table.select({ top: 0, left: 0, bottom: Math.max(0, app.windows.total - 1), right: app.shown.length - 1 });
  const grip = target.classList.contains("grid-grip");
  // The grip lies half on the next column; the cell it is in is the one that grows.
  const from = grip ? Number(target.parentElement?.getAttribute("aria-colindex") ?? 2) - 2 : table.placeUnder(event).col;
  const wide = table.widths[from] ?? 100;
  let to = from;
  let width = wide;
  let isMoved = false;
  drag(
    app,
    event,
    (next) => {
      if (!isMoved && Math.abs(next.clientX - event.clientX) < 5) return;
      isMoved = true;
      if (grip) {
        width = Math.max(48, Math.min(900, wide + next.clientX - event.clientX));
        table.showGuide(table.edgeOf(from) + width);
        return;
      }
      to = table.placeUnder(next).col;
      table.showGuide(table.edgeOf(to > from ? to + 1 : to));
    },
    () => {
      table.showGuide(undefined);
      if (grip) {
        if (width !== wide) app.resizeColumn(from, width);
      } else if (isMoved) app.moveColumn(from, to);
      else table.select({ top: 0, bottom: Math.max(0, app.windows.total - 1), left: from, right: from });
    },
  );
}
