/** A month of a duty roster: people and shifts are dragged with the mouse, or chosen by click, tap or Enter and then put in their place. */
import { send } from "./http";
import { element } from "./dom";
import { text } from "./messages";
import { showToast } from "./toast";

interface Person {
  kind: "person";
  node: HTMLElement;
  id: string;
  name: string;
  shift: HTMLElement | null;
}
interface Shift {
  kind: "shift";
  node: HTMLElement;
}
type Piece = Person | Shift;

interface Refusal {
  error?: { message?: string; fields?: Record<string, string[]> };
}

const id = (shift: HTMLElement | null): string => shift?.dataset["shift"] ?? "";
const version = (shift: HTMLElement | null): string => shift?.dataset["version"] ?? "";
const seatOf = (node: HTMLElement): string => node.closest<HTMLElement>("[data-seat]")?.dataset["seat"] ?? "main";

function pieceAt(target: EventTarget | null): Piece | undefined {
  if (!(target instanceof HTMLElement)) return undefined;
  const person = target.closest<HTMLElement>("a[data-person]");
  if (person) {
    return {
      kind: "person", node: person, id: person.dataset["person"] ?? "", name: person.dataset["name"] ?? "",
      shift: person.closest<HTMLElement>("[data-shift]"),
    };
  }
  const shift = target.closest<HTMLElement>("[data-shift][draggable]");
  return shift ? { kind: "shift", node: shift } : undefined;
}

class Roster {
  private picked: Piece | undefined;
  private readonly bar = document.querySelector<HTMLElement>(".roster-pick");
  private readonly dialog = document.querySelector<HTMLDialogElement>("#roster-swap");

  constructor(private root: HTMLElement) {
    this.listen();
    this.bar?.querySelector("[data-pick-cancel]")?.addEventListener("click", () => this.putDown(true));
    this.bar?.querySelector("[data-pick-off]")?.addEventListener("click", () => this.takeOff());
    document.addEventListener("keydown", (event) => {
      if (event.key === "Escape" && this.picked && !document.querySelector("dialog[open]")) this.putDown(true);
    });
    this.dialog?.querySelector("form")?.addEventListener("submit", (event) => {
      event.preventDefault();
      void this.sendSwap(event.target as HTMLFormElement);
    });
  }

  private listen(): void {
    const root = this.root;
    root.addEventListener("dragstart", (event) => {
      const piece = pieceAt(event.target);
      if (!piece) return;
      event.dataTransfer?.setData("text/plain", piece.node.textContent?.trim() ?? "");
      if (event.dataTransfer) event.dataTransfer.effectAllowed = "move";
      this.pick(piece, false);
    });
    root.addEventListener("dragend", () => this.putDown(false));
    root.addEventListener("dragover", (event) => {
      const place = this.placeAt(event.target);
      root.querySelectorAll(".is-over").forEach((node) => node !== place && node.classList.remove("is-over"));
      if (!place) return;
      event.preventDefault();
      place.classList.add("is-over");
    });
    root.addEventListener("drop", (event) => {
      const place = this.placeAt(event.target);
      if (!place) return;
      event.preventDefault();
      this.drop(place);
    });
    root.addEventListener("click", (event) => this.onClick(event));
  }

  private onClick(event: MouseEvent): void {
    if (event.ctrlKey || event.metaKey || event.shiftKey) return;
    const target = event.target as HTMLElement;
    const here = target.closest<HTMLElement>("[data-here]");
    if (here) {
      const place = here.closest<HTMLElement>(here.dataset["here"] === "day" ? "[data-day]" : "[data-seat]");
      if (place && this.picked) this.drop(place);
      return;
    }
    const hole = target.closest<HTMLElement>("a[data-hole]");
    if (hole && this.picked?.kind === "person") {
      event.preventDefault();
      this.drop(hole);
      return;
    }
    const grip = target.closest<HTMLElement>("[data-grip]");
    const piece = grip ? pieceAt(grip.closest("[data-shift]")) : pieceAt(target);
    if (!piece || (piece.kind === "shift" && !grip)) return;
    event.preventDefault();
    if (this.picked?.node === piece.node) this.putDown(true);
    else if (this.picked?.kind === "person" && piece.kind === "person" && piece.shift) this.drop(piece.node);
    else this.pick(piece, true);
  }

  private pick(piece: Piece, withBar: boolean): void {
    this.putDown(false);
    this.forgetRefusals();
    this.picked = piece;
    piece.node.classList.add("is-picked");
    // The buttons that say "here" would push what is dragged away from under the pointer.
    if (!withBar || !this.bar) return;
    this.root.classList.add(piece.kind === "person" ? "is-person" : "is-shift");
    const shift = piece.kind === "shift" ? piece.node : piece.shift;
    const span = shift?.dataset["span"] ?? "";
    const what = piece.kind === "person" ? [piece.name, span].filter(Boolean).join(" · ") : span;
    this.bar.querySelector("[data-pick-text]")!.textContent = (this.bar.dataset["picked"] ?? "{what}").replace("{what}", what);
    const form = this.bar.querySelector<HTMLAnchorElement>("[data-pick-form]")!;
    const link = piece.kind === "person" ? piece.node : piece.node.querySelector<HTMLAnchorElement>(".roster-shift-head a");
    form.href = link?.getAttribute("href") ?? "#";
    form.hidden = piece.kind === "person" && !piece.shift;
    this.bar.querySelector<HTMLElement>("[data-pick-off]")!.hidden = piece.kind !== "person" || !piece.shift;
    this.bar.hidden = false;
  }

  private putDown(focus: boolean): void {
    const piece = this.picked;
    this.picked = undefined;
    piece?.node.classList.remove("is-picked");
    this.root.classList.remove("is-person", "is-shift");
    this.root.querySelectorAll(".is-over").forEach((node) => node.classList.remove("is-over"));
    if (this.bar) this.bar.hidden = true;
    if (focus && piece?.kind === "person") piece.node.focus();
    else if (focus) piece?.node.querySelector<HTMLElement>("[data-grip]")?.focus();
  }

  /** Where the picked piece could go under the pointer: another's name, a seat, a hole, a day. */
  private placeAt(target: EventTarget | null): HTMLElement | null {
    if (!this.picked || !(target instanceof HTMLElement)) return null;
    if (this.picked.kind === "shift") return target.closest<HTMLElement>("[data-day]");
    const person = target.closest<HTMLElement>("[data-shift] a[data-person]");
    if (person && person !== this.picked.node) return person;
    return target.closest<HTMLElement>("[data-seat], a[data-hole]") ?? target.closest<HTMLElement>(".roster-shift")?.querySelector<HTMLElement>("[data-seat]") ?? null;
  }

  private drop(place: HTMLElement): void {
    const piece = this.picked;
    this.putDown(false);
    if (!piece) return;
    const data = this.root.dataset;
    if (piece.kind === "shift") {
      const day = place.dataset["day"] ?? "";
      if (piece.node.closest<HTMLElement>("[data-day]")?.dataset["day"] === day) return;
      void this.send(data["moveShift"], { shift: id(piece.node), version: version(piece.node), day }, place);
      return;
    }
    if (place.matches("a[data-hole]")) {
      location.assign(`${place.getAttribute("href")}&main=${encodeURIComponent(piece.id)}`);
      return;
    }
    const shift = place.closest<HTMLElement>("[data-shift]");
    const seat = seatOf(place);
    if (place.matches("a[data-person]")) {
      if (piece.shift) this.askSwap(piece, place, shift);
      else void this.send(data["put"], { shift: id(shift), version: version(shift), person: piece.id, seat, instead_of: place.dataset["person"] ?? "" }, place);
    } else if (!piece.shift) {
      void this.send(data["put"], { shift: id(shift), version: version(shift), person: piece.id, seat }, place);
    } else {
      const target = `${id(shift)}:${version(shift)}`;
      void this.send(data["movePerson"], { shift: id(piece.shift), version: version(piece.shift), person: piece.id, target, seat }, place);
    }
  }

  private takeOff(): void {
    const piece = this.picked;
    if (piece?.kind !== "person" || !piece.shift) return;
    this.putDown(false);
    const body = { shift: id(piece.shift), version: version(piece.shift), person: piece.id };
    void this.send(this.root.dataset["takeOff"], body, piece.node);
  }

  // --- swapping asks for a reason ------------------------------------------------------------------------------

  private askSwap(piece: Person, place: HTMLElement, shift: HTMLElement | null): void {
    const form = this.dialog?.querySelector("form");
    if (!this.dialog || !form) return;
    const set = (name: string, value: string): void => {
      form.querySelector<HTMLInputElement>(`[name="${name}"]`)!.value = value;
    };
    set("shift", id(piece.shift));
    set("version", version(piece.shift));
    set("person", piece.id);
    set("other", `${id(shift)}:${version(shift)}:${place.dataset["person"] ?? ""}`);
    set("reason", "");
    const sides = [`${piece.name} · ${piece.shift?.dataset["span"] ?? ""}`, `${place.dataset["name"] ?? ""} · ${shift?.dataset["span"] ?? ""}`];
    form.querySelector("[data-swap-text]")!.textContent = sides.join(" ⇄ ");
    form.querySelector<HTMLElement>(".roster-refusal")!.hidden = true;
    this.dialog.showModal();
    form.querySelector<HTMLElement>("[name=reason]")?.focus();
  }

  private async sendSwap(form: HTMLFormElement): Promise<void> {
    const body = Object.fromEntries(Array.from(new FormData(form), ([name, value]) => [name, String(value)]));
    const refusal = await this.post(this.root.dataset["swap"], body);
    if (refusal === undefined) this.dialog?.close();
    const box = form.querySelector<HTMLElement>(".roster-refusal")!;
    box.hidden = refusal === undefined;
    box.textContent = refusal ?? "";
  }

  // --- the server decides --------------------------------------------------------------------------------------

  private async send(address: string | undefined, body: Record<string, string>, place: HTMLElement): Promise<void> {
    const refusal = await this.post(address, body);
    if (refusal === undefined) return;
    this.forgetRefusals();
    const box = element("p", { class: "roster-refusal", role: "alert", tabindex: "-1" }, refusal);
    const shift = place.closest<HTMLElement>("[data-shift]");
    (shift ?? place.closest("[data-day]") ?? this.root).append(box);
    box.focus();
    box.scrollIntoView({ block: "nearest" });
  }

  private forgetRefusals(): void {
    this.root.querySelectorAll(".roster-refusal").forEach((node) => node.remove());
  }

  /** Sends it and shows the month anew; what speaks against it comes back in words. */
  private async post(address: string | undefined, body: Record<string, string>): Promise<string | undefined> {
    this.root.classList.add("is-busy");
    try {
      const answer = await send(address ?? "", body);
      if (!answer.ok) {
        const { error } = (await answer.json()) as Refusal;
        const fields = Object.values(error?.fields ?? {}).flat();
        return (fields.length > 0 ? fields.join(" ") : error?.message) || text("That did not work. Please try again.");
      }
      const done = (await answer.json()) as { message: string; shifts: number[] };
      await this.refresh();
      showToast({ text: done.message, tone: "ok" });
      document.getElementById(`shift-${done.shifts[done.shifts.length - 1] ?? 0}`)?.querySelector<HTMLElement>("a")?.focus();
      return undefined;
    } catch {
      return text("That did not work. Please try again.");
    } finally {
      this.root.classList.remove("is-busy");
    }
  }

  private async refresh(): Promise<void> {
    const answer = await fetch(location.href, { credentials: "same-origin", cache: "no-store", headers: { Accept: "text/html" } });
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const fresh = page.getElementById("roster");
    if (!answer.ok || answer.redirected || !fresh) location.reload();
    else this.root.replaceChildren(...Array.from(fresh.childNodes));
  }
}

export function startRoster(): void {
  // On a phone the month is a list: it opens at today, not at days long gone.
  const today = document.getElementById("today");
  if (today && !location.hash && window.matchMedia("(max-width: 900px)").matches) today.scrollIntoView();
  const root = document.querySelector<HTMLElement>("[data-roster][data-writable]");
  if (root) new Roster(root);
}
