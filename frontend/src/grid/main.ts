/** Starts the spreadsheet of the page: columns, the view the address names, then the rows. */
import { element } from "../dom";
import { text } from "../messages";
import { ApiError, SheetApi } from "./api";
import { GridApp, keptLayout } from "./app";
import type { Schema, Spec } from "./model";
import "./bulk";
import "./exports";
import "./mine";
import "./toolbar/start";

interface View {
  readonly id: number;
  readonly name: string;
  readonly spec: Partial<Spec>;
}

/** For scripts of other parts and for tests: the element says which spreadsheet it is. */
export interface GridElement extends HTMLElement {
  app?: GridApp;
}

/** The saved view that the address names, if the person may see it. */
async function named(api: SheetApi): Promise<View | undefined> {
  const id = Number(new URLSearchParams(window.location.search).get("view"));
  if (!id) return undefined;
  const told = await api.get<View[] | { views: View[] }>("/views").catch(() => []);
  return (Array.isArray(told) ? told : told.views).find((one) => one.id === id);
}

async function start(root: GridElement): Promise<void> {
  const api = new SheetApi(root.dataset["code"] ?? "");
  try {
    const [schema, view] = await Promise.all([api.get<Schema>(""), named(api)]);
    const app = new GridApp(root, api, schema, view?.spec ?? keptLayout(schema.code));
    app.keepsLayout = view === undefined;
    root.app = app;
    document.dispatchEvent(new CustomEvent("grid:ready", { detail: app }));
  } catch (error) {
    const again = element("button", { type: "button", class: "btn" }, text("Try again"));
    again.addEventListener("click", () => window.location.reload());
    root.replaceChildren(element("p", { class: "grid-empty" }, (error instanceof ApiError && error.message) || text("That did not work. Please try again."), again));
  }
}

const root = document.getElementById("grid");
if (root) void start(root);
