/** Choosing a span of days in the year: the first day, then the last one; the form of days opens with both. */
import { text } from "./messages";

function startOne(year: HTMLElement, address: string): void {
  let first: HTMLAnchorElement | undefined;
  const bar = document.createElement("p");
  bar.className = "year-pick no-print";
  bar.setAttribute("role", "status");
  bar.hidden = true;
  year.after(bar);

  const leave = (): void => {
    first?.closest("td")?.classList.remove("is-picked");
    first = undefined;
    bar.hidden = true;
  };
  year.addEventListener("click", (event) => {
    const link = (event.target as HTMLElement).closest<HTMLAnchorElement>("a[data-day]");
    if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    if (!first) {
      first = link;
      link.closest("td")?.classList.add("is-picked");
      bar.textContent = text("From {day}: choose the last day.", { day: link.dataset["day"] ?? "" });
      bar.hidden = false;
      return;
    }
    const [from, to] = [first.dataset["day"] ?? "", link.dataset["day"] ?? ""].sort() as [string, string];
    const query = new URLSearchParams(new URL(first.href).search);
    query.set("first_0", from);
    query.set("last_0", to);
    window.location.assign(`${address}?${query.toString()}`);
  });
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && first) leave();
  });
}

export function startYear(): void {
  document.querySelectorAll<HTMLElement>("[data-year][data-enter]").forEach((year) => startOne(year, year.dataset["enter"] ?? ""));
}
