/** "Export": the view as it stands, all its rows, as a workbook or as CSV. */
import { element } from "../dom";
import { text } from "../messages";
import { ApiError, requestKey } from "./api";
import type { GridApp } from "./app";
import { button, chosen, openBox } from "./toolbar/box";

interface Told {
  readonly page: string;
  readonly content: string | null;
}

const FORMATS = (sheet: string): readonly (readonly [string, string])[] => [
  ...(sheet === "ledger" ? ([["xlsx utf-8 ledger", text("Ledger for printing (xlsx, A4)")]] as const) : []),
  ["xlsx", text("Workbook (xlsx)")],
  ["csv utf-8", text("CSV, UTF-8")],
  ["csv gb18030", text("CSV, GB18030")],
];

function open(app: GridApp, anchor: HTMLElement): void {
  const box = openBox(anchor, text("Export this view"));
  // One key for one box: pressed twice it makes one file.
  const key = requestKey();
  let format = "xlsx";
  const told = text("{rows} rows, {columns} columns, in this order", { rows: app.windows.isCounted ? String(app.windows.total) : "…", columns: String(app.shown.length) });
  const reason = element("input", { type: "text", maxlength: "200", required: true, id: "export-reason", autocomplete: "off" });
  const problem = element("p", { class: "field-error", role: "alert", hidden: true });
  box.body.append(
    element("p", {}, told),
    element("label", { for: "export-reason" }, text("What is it for?")),
    reason,
    element("p", { class: "muted" }, text("The reason and the number of rows stand in the audit trail, your name in the file.")),
    chosen(text("Format"), FORMATS(app.schema.code), format, (value) => (format = value)),
    problem,
  );
  const refuse = (words: string, confirm = false): void => {
    problem.replaceChildren(words);
    if (confirm) problem.append(" ", element("a", { href: "/account/confirm/", target: "_blank", rel: "noopener" }, text("Confirm the password in a new tab")));
    problem.hidden = false;
  };
  const go = button(text("Export"), "file-export", () => void send(), "btn-primary");
  const send = async (): Promise<void> => {
    if (reason.value.trim() === "") {
      refuse(text("Say what you need the file for."));
      reason.focus();
      return;
    }
    go.disabled = true;
    const [kind, encoding, layout] = format.split(" ");
    const query = { ...app.query(), columns: app.shown.map((one) => one.key) };
    try {
      const made = await app.api.post<Told>("/exports", { query, format: kind, encoding: encoding ?? "utf-8", layout: layout ?? "", view: app.viewName, reason: reason.value, request_key: key });
      window.location.assign(made.page);
    } catch (error) {
      go.disabled = false;
      if (error instanceof ApiError) refuse(error.message || text("That did not work. Please try again."), error.code === "account.confirm-first");
      else refuse(text("That did not work. Please try again."));
    }
  };
  box.body.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && event.target === reason && !event.isComposing) void send();
  });
  box.foot.append(go);
  reason.focus();
}

document.addEventListener("grid:ready", (event) => {
  const app = (event as CustomEvent<GridApp>).detail;
  const host = document.querySelector<HTMLElement>("[data-grid-actions]");
  if (!host) return;
  const opener: HTMLButtonElement = button(text("Export"), "file-export", () => open(app, opener), "btn-quiet");
  host.append(opener);
});
