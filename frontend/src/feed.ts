/** One poll keeps every badge of the page fresh; it rests while the page is hidden and stops for good when the session has ended. */
import { getJson, HttpError } from "./http";
import { showToast, type Toast } from "./toast";

const EVERY = 20_000;
const LONGEST = 160_000;
const SEEN = "toasts-seen";

interface Feed {
  badges?: Record<string, number>;
  toasts?: (Toast & { id: number })[];
}

export function showBadge(node: HTMLElement, count: number): void {
  node.textContent = count > 999 ? "999+" : String(count);
  node.hidden = count === 0;
}

function seenUpTo(): number {
  return Number(sessionStorage.getItem(SEEN) ?? 0);
}

function apply(feed: Feed): void {
  const badges = feed.badges ?? {};
  document.querySelectorAll<HTMLElement>("[data-badge]").forEach((node) => {
    const count = badges[node.dataset["badge"] ?? ""];
    if (count !== undefined) showBadge(node, count);
  });
  const last = seenUpTo();
  for (const toast of feed.toasts ?? []) {
    if (toast.id <= last) continue;
    showToast(toast);
    sessionStorage.setItem(SEEN, String(Math.max(seenUpTo(), toast.id)));
  }
}

export function startFeed(): void {
  const address = document.body.dataset["feedUrl"];
  if (!address) return;
  let wait = EVERY;
  let timer = 0;
  const poll = async (): Promise<void> => {
    if (document.hidden) return;
    try {
      apply(await getJson<Feed>(address));
      wait = EVERY;
    } catch (error) {
      if (error instanceof HttpError && [401, 403, 404].includes(error.status)) return;
      wait = Math.min(LONGEST, wait * 2);
    }
    timer = window.setTimeout(() => void poll(), wait);
  };
  document.addEventListener("visibilitychange", () => {
    window.clearTimeout(timer);
    if (!document.hidden) void poll();
  });
  timer = window.setTimeout(() => void poll(), 1500);
}
