/** Looking at a file in a dialog: links with [data-show-file=image|pdf|audio|video]; the arrow keys go through those of the page. */
import { element } from "./dom";
import { text } from "./messages";

const STEP = 1.5;
const SMALLEST = 1;
const LARGEST = 12;

export function fileLink(name: string, kind: string, address: string): HTMLAnchorElement {
  return element("a", { href: address, target: "_blank", rel: "noopener", "data-show-file": kind, "data-file-name": name }, name);
}

function iconButton(icon: string, label: string, press: () => void): HTMLButtonElement {
  const sign = element("i", { class: `fa-solid fa-${icon}`, "aria-hidden": "true" });
  const button = element("button", { type: "button", class: "btn btn-quiet btn-icon", title: label, "aria-label": label }, sign);
  button.addEventListener("click", press);
  return button;
}

class FileView {
  private readonly dialog: HTMLDialogElement;
  private readonly title = element("h2", { id: "file-view-title", class: "file-view-title" });
  private readonly tools = element("div", { class: "file-view-tools" });
  private readonly body = element("div", { class: "file-view-body" });
  private zoom = 1;

  constructor(private readonly links: HTMLAnchorElement[], private at: number) {
    const head = element("div", { class: "dialog-head" }, this.title, this.tools);
    this.dialog = element("dialog", { class: "dialog file-view", "aria-labelledby": "file-view-title" }, head, this.body);
    this.dialog.addEventListener("close", () => {
      this.dialog.remove();
      this.links[this.at]?.focus();
    });
    this.dialog.addEventListener("keydown", (event) => this.key(event));
    document.body.append(this.dialog);
    this.show();
    this.dialog.showModal();
    this.focus();
  }

  private get link(): HTMLAnchorElement {
    return this.links[this.at]!;
  }

  private show(): void {
    const { link } = this;
    const kind = link.dataset["showFile"];
    const name = link.dataset["fileName"] ?? "";
    this.zoom = 1;
    this.title.textContent = name;
    this.body.className = `file-view-body is-${kind}`;
    this.dialog.classList.toggle("is-audio", kind === "audio");
    this.body.replaceChildren(this.content(kind, link.href, name));
    const tools: Node[] = [];
    if (kind === "image") {
      tools.push(iconButton("magnifying-glass-minus", text("Smaller"), () => this.scale(1 / STEP)), iconButton("magnifying-glass-plus", text("Larger"), () => this.scale(STEP)));
    }
    if (this.links.length > 1) {
      tools.push(iconButton("chevron-left", text("Previous file"), () => this.turn(-1)), iconButton("chevron-right", text("Next file"), () => this.turn(1)));
    }
    const save = link.dataset["save"];
    if (save) {
      const label = text("Download");
      tools.push(element("a", { class: "btn btn-quiet btn-icon", href: save, title: label, "aria-label": label }, element("i", { class: "fa-solid fa-download", "aria-hidden": "true" })));
    }
    tools.push(iconButton("xmark", text("Close"), () => this.dialog.close()));
    this.tools.replaceChildren(...tools);
  }

  private content(kind: string | undefined, address: string, name: string): HTMLElement {
    if (kind === "image") {
      const picture = element("img", { src: address, alt: name });
      picture.addEventListener("click", () => this.scale(this.zoom > 1 ? 0 : STEP * STEP));
      picture.addEventListener("error", () => this.body.replaceChildren(this.sorry(address)));
      return picture;
    }
    if (kind === "audio" || kind === "video") {
      const player = element(kind, { src: address, controls: true, preload: "metadata", "aria-label": name });
      player.addEventListener("error", () => this.body.replaceChildren(this.sorry(address)));
      return player;
    }
    if (navigator.pdfViewerEnabled === false) return this.sorry(address);
    return element("iframe", { src: address, title: name });
  }

  private sorry(address: string): HTMLElement {
    const link = element("a", { class: "btn", href: this.link.dataset["save"] ?? address, target: "_blank", rel: "noopener" }, text("Open the file"));
    return element("div", { class: "file-view-sorry" }, element("p", {}, text("This browser cannot show the file here.")), link);
  }

  private focus(): void {
    const player = this.body.querySelector<HTMLElement>("audio, video");
    (player ?? this.tools.querySelector<HTMLElement>("button:last-child"))?.focus();
  }

  /** By a factor; 0 fits the picture into the window again. */
  private scale(factor: number): void {
    const picture = this.body.querySelector("img");
    if (!picture) return;
    this.zoom = factor === 0 ? 1 : Math.min(LARGEST, Math.max(SMALLEST, this.zoom * factor));
    this.body.classList.toggle("is-zoomed", this.zoom > 1);
    picture.style.width = this.zoom > 1 ? `${Math.round(this.zoom * 100)}%` : "";
  }

  private turn(step: number): void {
    this.at = (this.at + step + this.links.length) % this.links.length;
    this.show();
    this.focus();
  }

  private key(event: KeyboardEvent): void {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const inPlayer = event.target instanceof HTMLMediaElement;
    const keys: Record<string, () => void> = {
      "+": () => this.scale(STEP),
      "=": () => this.scale(STEP),
      "-": () => this.scale(1 / STEP),
      "0": () => this.scale(0),
      ...(inPlayer || this.zoom > 1 ? {} : { ArrowLeft: () => this.turn(-1), ArrowRight: () => this.turn(1) }),
    };
    const act = keys[event.key];
    if (!act) return;
    event.preventDefault();
    act();
  }
}

export function startFileView(): void {
  document.addEventListener("click", (event) => {
    if (event.button !== 0 || event.ctrlKey || event.metaKey || event.shiftKey) return;
    const link = (event.target as HTMLElement).closest<HTMLAnchorElement>("a[data-show-file]");
    if (!link) return;
    event.preventDefault();
    const links = Array.from(document.querySelectorAll<HTMLAnchorElement>("a[data-show-file]"));
    new FileView(links, links.indexOf(link));
  });
}
