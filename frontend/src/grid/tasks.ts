/** Waits for a task of the server that changes this sheet: how far it is, a way to stop it, its words when it fails. */
import { text } from "../messages";
import { ApiError, call } from "./api";
import type { GridApp } from "./app";

const EVERY = 1_000;
const ENDED = new Set(["done", "failed", "cancelled"]);

interface State {
  readonly state: string;
  readonly done: number;
  readonly total: number;
  readonly message: string;
}

/** How it ended. What it had written when it was stopped stays, as one change set that can be undone. */
export async function followed(app: GridApp, task: number, label: string): Promise<string> {
  const address = `/api/v1/tasks/${task}`;
  let state = await call<State>("GET", address);
  await app.long(label, state.total, async (progress, signal) => {
    signal.addEventListener("abort", () => void call("POST", `${address}/cancel`, {}).catch(() => undefined));
    while (!ENDED.has(state.state)) {
      await new Promise((resolve) => window.setTimeout(resolve, EVERY));
      // A server that does not answer for a moment goes on working.
      state = await call<State>("GET", address).catch((error: unknown) => {
        if (error instanceof ApiError && error.status < 500) throw error;
        return state;
      });
      progress(state.done);
    }
  });
  app.reload();
  if (state.state === "failed") app.notice("task", state.message || text("That did not work. Please try again."), { label: text("Close"), act: () => app.notice("task", "") });
  return state.state;
}
