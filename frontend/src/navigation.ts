/** The side navigation as a drawer, its remembered groups, and the small menus of the top bar. */
import { text } from "./messages";

const CLOSED = "nav-closed-groups";

function startDrawer(): void {
  const toggle = document.querySelector<HTMLButtonElement>(".nav-toggle");
  const nav = document.getElementById("sidenav");
  if (!toggle || !nav) return;
  const set = (open: boolean): void => {
    document.documentElement.classList.toggle("nav-open", open);
    toggle.setAttribute("aria-expanded", String(open));
    if (open) nav.querySelector<HTMLElement>("a, summary")?.focus();
    else if (nav.contains(document.activeElement)) toggle.focus();
  };
  toggle.addEventListener("click", () => set(!document.documentElement.classList.contains("nav-open")));
  document.querySelector(".nav-scrim")?.addEventListener("click", () => set(false));
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && document.documentElement.classList.contains("nav-open")) set(false);
  });
}

function startGroups(): void {
  const groups = document.querySelectorAll<HTMLDetailsElement>(".sidenav details[data-group]");
  const closed = new Set<string>(JSON.parse(localStorage.getItem(CLOSED) ?? "[]") as string[]);
  groups.forEach((group) => {
    const name = group.dataset["group"] ?? "";
    const holdsCurrent = group.querySelector("[aria-current]") !== null;
    if (closed.has(name) && !holdsCurrent) group.open = false;
    group.addEventListener("toggle", () => {
      if (group.open) closed.delete(name);
      else closed.add(name);
      localStorage.setItem(CLOSED, JSON.stringify([...closed]));
    });
  });
  document.querySelector(".sidenav [aria-current]")?.scrollIntoView({ block: "nearest" });
}

function startMenus(): void {
  document.addEventListener("click", (event) => {
    document.querySelectorAll<HTMLDetailsElement>("details.menu[open]").forEach((menu) => {
      if (!menu.contains(event.target as Node)) menu.open = false;
    });
  });
  document.addEventListener("keydown", (event) => {
    const menu = document.querySelector<HTMLDetailsElement>("details.menu[open]");
    if (!menu) return;
    if (event.key === "Escape") {
      menu.open = false;
      menu.querySelector<HTMLElement>("summary")?.focus();
    } else if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      const items = Array.from(menu.querySelectorAll<HTMLElement>(".menu-list a, .menu-list button"));
      const at = items.indexOf(document.activeElement as HTMLElement);
      event.preventDefault();
      items[(at + (event.key === "ArrowDown" ? 1 : -1) + items.length) % items.length]?.focus();
    }
  });
  document.querySelectorAll<HTMLElement>(".topbar [data-search-toggle]").forEach((button) =>
    button.addEventListener("click", () => {
      const form = document.querySelector(".topbar-search");
      form?.classList.toggle("is-open");
      form?.querySelector("input")?.focus();
    }),
  );
}

/** Tabs of a generated page: the address keeps the open tab, so that going back returns to it. */
function startTabs(): void {
  document.querySelectorAll<HTMLElement>(".tabs[role=tablist]").forEach((list) => {
    const tabs = Array.from(list.querySelectorAll<HTMLElement>("[role=tab]"));
    const show = (wanted: HTMLElement): void => {
      for (const tab of tabs) {
        const isWanted = tab === wanted;
        tab.setAttribute("aria-selected", String(isWanted));
        tab.tabIndex = isWanted ? 0 : -1;
        document.getElementById(tab.getAttribute("aria-controls") ?? "")?.classList.toggle("active", isWanted);
      }
    };
    list.addEventListener("click", (event) => {
      const tab = (event.target as HTMLElement).closest<HTMLElement>("[role=tab]");
      if (!tab) return;
      show(tab);
      history.replaceState(null, "", `#${tab.getAttribute("aria-controls") ?? ""}`);
    });
    list.addEventListener("keydown", (event) => {
      const step = event.key === "ArrowRight" ? 1 : event.key === "ArrowLeft" ? -1 : 0;
      if (step === 0) return;
      const next = tabs[(tabs.indexOf(document.activeElement as HTMLElement) + step + tabs.length) % tabs.length];
      next?.focus();
      next?.click();
    });
    const named = tabs.find((tab) => `#${tab.getAttribute("aria-controls") ?? ""}` === window.location.hash);
    if (named) show(named);
  });
}

export function startNavigation(): void {
  startDrawer();
  startGroups();
  startMenus();
  startTabs();
  document.addEventListener("click", (event) => {
    const close = (event.target as HTMLElement).closest(".alert .close");
    close?.closest(".alert")?.remove();
    if ((event.target as HTMLElement).closest("[data-print]")) window.print();
  });
  document.querySelectorAll(".alert .close").forEach((button) => button.setAttribute("aria-label", text("Close")));
}
