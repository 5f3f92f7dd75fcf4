/** Hangs the toolbar over the spreadsheet as soon as it stands. */
import type { GridApp } from "../app";
import { Toolbar } from "./toolbar";

document.addEventListener("grid:ready", (event) => {
  const host = document.querySelector<HTMLElement>("[data-grid-toolbar]");
  if (host && host.childElementCount === 0) new Toolbar((event as CustomEvent<GridApp>).detail, host);
});
