/** Choosing files in a form: [data-files] names the address that keeps each one at once; the form itself sends their ids. */
import { element } from "./dom";
import { submitBy } from "./dialogs";
import { csrfToken, post } from "./http";
import { text } from "./messages";
import { fileLink } from "./file-view";

interface Kept {
  id: number;
  name: string;
  size: string;
  bytes: number;
  icon: string;
  preview: string;
  preview_url: string;
  discard_url: string;
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

class FileField {
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
    if (request.status !== 200 || !request.responseURL.includes("/attachments/")) {
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
    fresh.querySelector("input")!.dispatchEvent(new Event("change", { bubbles: true }));
    this.say(text("{name} is attached.", { name: kept.name }));
  }

  private keptRow(kept: Kept): HTMLElement {
    const remove = element("button", { type: "button", class: "btn btn-quiet btn-sm", "aria-label": `${text("Remove")} ${kept.name}` }, text("Remove"));
    const name = kept.preview ? fileLink(kept.name, kept.preview, kept.preview_url) : kept.name;
    const row = this.row(kept.icon, name, kept.size, remove);
    if (kept.preview === "image" && kept.bytes < SMALL_PICTURE) {
      row.querySelector(".file-icon")!.replaceChildren(element("img", { src: kept.preview_url, alt: "", loading: "lazy" }));
    }
    row.append(element("input", { type: "hidden", name: this.box.dataset["name"]!, value: String(kept.id) }));
    remove.addEventListener("click", () => {
      this.forget(row);
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
