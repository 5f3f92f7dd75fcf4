/** Choosing files in a form: [data-files] names the address that keeps each one at once; the form itself sends their ids. */
import { element } from "./dom";
import { submitBy } from "./dialogs";
import { csrfToken, post } from "./http";
import { text } from "./messages";
import { fileLink } from "./file-view";

export interface Kept {
  id: number;
  name: string;
  size: string;
  bytes: number;
  icon: string;
  preview: string;
  preview_url: string;
  /** "" for a file that belongs to a row already: nothing is deleted with it. */
  discard_url: string;
  /** Where it is saved from, when it is not shown. */
  save_url?: string;
}

// One after the other: each upload keeps one process of the server busy.
const AT_ONCE = 1;
const SMALL_PICTURE = 4 * 1024 * 1024;

function megabytes(bytes: number): string {
  return bytes < 1024 * 1024 ? `${Math.max(1, Math.round(bytes / 1024))} KB` : `${(bytes / 1024 / 1024).toFixed(1)} MB`;
}

/** What the server says in words, or our own words where it could not speak. */
function reasonOf(request: XMLHttpRequest): string {
  try {
    const answer = JSON.parse(request.responseText) as { error?: { message?: string } };
    if (answer.error?.message) return answer.error.message;
  } catch {
    // Not our server's answer: a proxy's, or none.
  }
  return request.status === 413 ? text("The file is too large.") : text("The file did not arrive. Check the connection and choose it again.");
}

export class FileField {
  /** Told whenever a file came or was taken away. */
  onChange: (kept: readonly Kept[]) => void = () => undefined;
  private readonly held = new Map<HTMLElement, Kept>();
  private readonly input: HTMLInputElement;
  private readonly list: HTMLElement;
  private readonly status: HTMLElement;
  private readonly waiting: (() => void)[] = [];
  private running = 0;
  private sendWhenDone: { form: HTMLFormElement; by: HTMLElement | null; refused: number } | undefined;

  constructor(private readonly box: HTMLElement) {
    this.input = box.querySelector<HTMLInputElement>("input[type=file]")!;
    this.list = box.querySelector<HTMLElement>("[data-files-list]")!;
    this.status = box.querySelector<HTMLElement>("[data-files-status]")!;
    this.input.removeAttribute("name");
    this.list.querySelectorAll<HTMLElement>("[data-file]").forEach((row) => {
      row.replaceWith(this.keptRow(JSON.parse(row.dataset["file"]!) as Kept));
    });
    this.input.addEventListener("change", () => this.takeChosen());
    this.listenToDrops();
    this.holdForm();
    this.takeChosen(); // somebody was faster than this script
  }

  private takeChosen(): void {
    this.take(Array.from(this.input.files ?? []));
    this.input.value = "";
  }

  take(files: File[]): void {
    for (const file of files) {
      if (file.size > this.largest) this.refuse(file.name, text("The file is larger than {limit} MB.", { limit: Math.floor(this.largest / 1048576) }));
      else if (this.count >= this.most) this.refuse(file.name, text("At most {limit} files at a time.", { limit: this.most }));
      else this.send(file);
    }
  }

  private get most(): number {
    return Number(this.box.dataset["most"]);
  }

  private get largest(): number {
    return Number(this.box.dataset["largest"]);
  }

  /** Chosen ones and those on their way. */
  private get count(): number {
    return this.list.querySelectorAll(".file-row:not(.is-refused)").length;
  }

  private get refused(): HTMLElement[] {
    return Array.from(this.list.querySelectorAll<HTMLElement>(".is-refused"));
  }

  private send(file: File): void {
    const bar = element("progress", { max: "100", value: "0", "aria-label": file.name });
    const cancel = element("button", { type: "button", class: "btn btn-quiet btn-sm" }, text("Cancel"));
    const row = this.row("arrow-up-from-bracket", file.name, megabytes(file.size), cancel, bar);
    row.classList.add("is-sending");
    this.list.append(row);
    const request = new XMLHttpRequest();
    const start = (): void => {
      this.running += 1;
      request.open("POST", this.box.dataset["files"]!);
      request.setRequestHeader("Accept", "application/json");
      request.setRequestHeader("X-CSRFToken", csrfToken());
      request.setRequestHeader("X-Requested-With", "XMLHttpRequest");
      request.setRequestHeader("X-File-Name", encodeURIComponent(file.name));
      request.setRequestHeader("Content-Type", "application/octet-stream");
      request.upload.addEventListener("progress", (event) => {
        if (event.lengthComputable) bar.value = Math.round((event.loaded / event.total) * 100);
      });
      request.addEventListener("load", () => this.arrived(request, row, file));
      request.addEventListener("error", () => this.refuse(file.name, reasonOf(request), row));
      request.addEventListener("loadend", () => {
        this.running -= 1;
        this.next();
      });
      request.send(file);
    };
    cancel.addEventListener("click", () => {
      const place = this.waiting.indexOf(start);
      if (place >= 0) this.waiting.splice(place, 1);
      else request.abort();
      this.forget(row);
      this.next();
    });
    this.waiting.push(start);
    this.next();
  }

  private next(): void {
    while (this.running < AT_ONCE && this.waiting.length > 0) this.waiting.shift()!();
    if (this.running > 0 || this.waiting.length > 0 || !this.sendWhenDone) return;
    const { form, by, refused } = this.sendWhenDone;
    this.sendWhenDone = undefined;
    by?.classList.remove("is-busy");
    // What was refused before the form was sent had been seen; what was refused since has not.
    if (this.refused.length <= refused) submitBy(form, by);
    else this.refused.pop()!.querySelector("button")!.focus();
  }

  private arrived(request: XMLHttpRequest, row: HTMLElement, file: File): void {
    if (request.status !== 200 || !/\/(attachments|files)\//.test(request.responseURL)) {
      this.refuse(file.name, request.status === 200 ? text("You are no longer signed in. Sign in in another window, then choose the file again.") : reasonOf(request), row);
      return;
    }
    const kept = JSON.parse(request.responseText) as Kept;
    if (this.list.querySelector(`input[type=hidden][value="${kept.id}"]`)) {
      this.forget(row);
      this.say(text("This file was chosen already."));
      return;
    }
    const fresh = this.keptRow(kept);
    row.replaceWith(fresh);
    this.tell();
    fresh.querySelector("input")!.dispatchEvent(new Event("change", { bubbles: true }));
    this.say(text("{name} is attached.", { name: kept.name }));
  }

  private keptRow(kept: Kept): HTMLElement {
    const remove = element("button", { type: "button", class: "btn btn-quiet btn-sm", "aria-label": `${text("Remove")} ${kept.name}` }, text("Remove"));
    const saved = kept.save_url ? element("a", { href: kept.save_url, download: "" }, kept.name) : kept.name;
    const name = kept.preview ? fileLink(kept.name, kept.preview, kept.preview_url) : saved;
    const row = this.row(kept.icon, name, kept.size, remove);
    if (kept.preview === "image" && kept.bytes < SMALL_PICTURE) {
      row.querySelector(".file-icon")!.replaceChildren(element("img", { src: kept.preview_url, alt: "", loading: "lazy" }));
    }
    row.append(element("input", { type: "hidden", name: this.box.dataset["name"]!, value: String(kept.id) }));
    this.held.set(row, kept);
    remove.addEventListener("click", () => {
      this.forget(row);
      this.tell();
      if (!kept.discard_url) return;
      // What fails to be deleted is deleted by itself within a day.
      void post(kept.discard_url).catch(() => undefined);
    });
    return row;
  }

  private refuse(name: string, reason: string, row?: HTMLElement): void {
    const close = element("button", { type: "button", class: "btn btn-quiet btn-sm", "aria-label": `${text("Close")} ${name}` }, text("Close"));
    const refused = this.row("circle-exclamation", name, reason, close);
    refused.classList.add("is-refused");
    close.addEventListener("click", () => this.forget(refused));
    if (row?.isConnected) row.replaceWith(refused);
    else this.list.append(refused);
    this.say(`${name}: ${reason}`);
  }

  private row(icon: string, name: Node | string, meta: string, button: HTMLElement, ...more: Node[]): HTMLLIElement {
    return element(
      "li",
      { class: "file-row" },
      element("span", { class: "file-icon", "aria-hidden": "true" }, element("i", { class: `fa-solid fa-${icon}` })),
      element("div", { class: "file-main" }, element("span", { class: "file-title" }, name), element("div", { class: "file-meta" }, meta), ...more),
      element("div", { class: "file-actions" }, button),
    );
  }

  /** Takes a row away and puts the focus where the next thing can be done. */
  private forget(row: HTMLElement): void {
    const after = row.nextElementSibling ?? row.previousElementSibling;
    row.remove();
    (after?.querySelector<HTMLElement>("button") ?? this.input).focus();
  }

  private tell(): void {
    this.onChange(Array.from(this.list.children).flatMap((row) => this.held.get(row as HTMLElement) ?? []));
  }

  private say(words: string): void {
    this.status.textContent = words;
  }

  private listenToDrops(): void {
    const zone = this.box.querySelector<HTMLElement>("[data-drop]")!;
    const over = (on: boolean): void => void zone.classList.toggle("is-over", on);
    this.box.addEventListener("dragover", (event) => {
      if (!event.dataTransfer?.types.includes("Files")) return;
      event.preventDefault();
      over(true);
    });
    this.box.addEventListener("dragleave", (event) => {
      if (!this.box.contains(event.relatedTarget as Node | null)) over(false);
    });
    this.box.addEventListener("drop", (event) => {
      over(false);
      const files = Array.from(event.dataTransfer?.files ?? []);
      if (files.length === 0) return;
      event.preventDefault();
      this.take(files);
    });
  }

  /** A form sent while files are on their way waits for them; one that failed keeps it here. */
  private holdForm(): void {
    this.input.form?.addEventListener(
      "submit",
      (event) => {
        if (this.running === 0 && this.waiting.length === 0) return;
        event.preventDefault();
        event.stopImmediatePropagation();
        const by = event.submitter;
        by?.classList.add("is-busy");
        this.sendWhenDone = { form: event.target as HTMLFormElement, by, refused: this.refused.length };
        this.say(text("The form is sent as soon as the files have arrived."));
      },
      true,
    );
  }
}

/** The box of a field of files where no page of the server made one. */
export function filesBox(id: string, name: string, address: string, kept: readonly Kept[], most = 20, largest = 0): HTMLElement {
  const hint = element("span", { class: "drop-hint", "aria-hidden": "true" }, text("or drop them here"));
  const button = element("span", { class: "btn btn-sm", "aria-hidden": "true" }, text("Choose files"));
  const zone = element("div", { class: "drop-zone", "data-drop": "" }, element("input", { type: "file", id, multiple: true, "data-enhanced": "files" }), button, hint);
  const list = element("ul", { class: "file-list", "data-files-list": "" });
  const box = element("div", { class: "files", "data-files": address, "data-name": name, "data-most": String(most), "data-largest": String(largest || Number.MAX_SAFE_INTEGER) }, list, zone);
  box.append(element("div", { class: "sr-only", role: "status", "data-files-status": "" }));
  for (const one of kept) list.append(element("li", { class: "file-row", "data-file": JSON.stringify(one) }));
  return box;
}

/** A picture from the clipboard has no name of its own. */
function named(file: File): File {
  if (file.name && file.name !== "image.png") return file;
  const now = new Date();
  const two = (part: number): string => String(part).padStart(2, "0");
  const stamp = `${now.getFullYear()}-${two(now.getMonth() + 1)}-${two(now.getDate())} ${two(now.getHours())}.${two(now.getMinutes())}.${two(now.getSeconds())}`;
  return new File([file], `${text("Screenshot")} ${stamp}.${file.type.split("/")[1] ?? "png"}`, { type: file.type });
}

export function startAttachments(): void {
  const fields = Array.from(document.querySelectorAll<HTMLElement>("[data-files]"), (box) => new FileField(box));
  const [only] = fields;
  if (!only || fields.length > 1) return;
  document.addEventListener("paste", (event) => {
    const data = event.clipboardData;
    // Copied text of an office program comes with a picture of itself: then the text is meant.
    if (!data || data.files.length === 0 || data.types.includes("text/plain")) return;
    event.preventDefault();
    only.take(Array.from(data.files, named));
  });
  // A file that misses its place would replace the page and what was typed.
  for (const kind of ["dragover", "drop"] as const) {
    window.addEventListener(kind, (event) => {
      if (event.dataTransfer?.types.includes("Files")) event.preventDefault();
    });
  }
}
