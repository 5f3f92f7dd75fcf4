/** Shows a background task until it ends: done, failed or cancelled. Reloading or closing the page changes nothing for the task. */
import { element } from "./dom";
import { getJson, HttpError, post } from "./http";
import { text } from "./messages";
import { showToast } from "./toast";

const EVERY = 2_000;

interface TaskState {
  state: string;
  done?: number;
  total?: number;
  message?: string;
  links?: { href: string; label: string }[];
}

const ENDED = new Set(["done", "failed", "cancelled"]);
const NAMES: Record<string, string> = {
  queued: "Waiting", running: "Running", done: "Done", failed: "Failed", cancelled: "Cancelled",
};

class Task {
  private readonly bar: HTMLProgressElement;
  private wait = EVERY;

  constructor(private readonly box: HTMLElement, private readonly address: string) {
    this.bar = box.querySelector("progress")!;
    const cancel = box.querySelector<HTMLButtonElement>("[data-cancel-url]");
    cancel?.addEventListener("click", () => void this.cancel(cancel));
    if (!ENDED.has(box.dataset["state"] ?? "")) void this.poll();
  }

  private async poll(): Promise<void> {
    try {
      const state = await getJson<TaskState>(this.address);
      this.wait = EVERY;
      this.show(state);
      if (ENDED.has(state.state)) {
        if (this.box.dataset["reload"] !== undefined) window.location.reload();
        return;
      }
    } catch (error) {
      if (error instanceof HttpError && [401, 403, 404].includes(error.status)) return;
      this.wait = Math.min(30_000, this.wait * 2);
    }
    window.setTimeout(() => void this.poll(), this.wait);
  }

  private show(state: TaskState): void {
    const total = state.total ?? 0;
    const done = state.done ?? 0;
    this.box.dataset["state"] = state.state;
    this.box.classList.toggle("is-done", state.state === "done");
    this.box.classList.toggle("is-failed", state.state === "failed");
    if (total > 0) {
      this.bar.max = total;
      this.bar.value = state.state === "done" ? total : done;
    } else if (state.state === "done") {
      this.bar.max = this.bar.value = 1;
    } else {
      this.bar.removeAttribute("value");
    }
    const count = total > 0 ? `${done.toLocaleString()} / ${total.toLocaleString()}` : "";
    this.put("[data-task-state]", text(NAMES[state.state] ?? state.state));
    this.put("[data-task-count]", count);
    this.put("[data-task-message]", state.message ?? "");
    const cancel = this.box.querySelector<HTMLElement>("[data-cancel-url]");
    if (cancel) cancel.hidden = ENDED.has(state.state);
    const links = this.box.querySelector("[data-task-links]");
    links?.replaceChildren(...(state.links ?? []).map((link) => element("a", { href: link.href, class: "btn btn-sm" }, link.label)));
  }

  private put(selector: string, value: string): void {
    const node = this.box.querySelector(selector);
    if (node) node.textContent = value;
  }

  private async cancel(button: HTMLButtonElement): Promise<void> {
    button.disabled = true;
    try {
      await post(button.dataset["cancelUrl"] ?? "");
    } catch {
      button.disabled = false;
      showToast({ text: text("That did not work. Please try again."), tone: "danger" });
    }
  }
}

export function startProgress(): void {
  document.querySelectorAll<HTMLElement>("[data-task-url]").forEach((box) => new Task(box, box.dataset["taskUrl"] ?? ""));
}
