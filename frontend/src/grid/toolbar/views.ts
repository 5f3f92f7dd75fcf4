/** Saved views: opened, saved, shared with posts, locked, sent as an address. */
import { element } from "../../dom";
import { text } from "../../messages";
import { showToast } from "../../toast";
import { ApiError, requestKey, type SheetApi } from "../api";
import type { Spec } from "../model";
import { button, chosen, type Box } from "./box";
import type { Me } from "./conditions";

export interface SavedView {
  readonly id: number;
  readonly name: string;
  readonly share: "own" | "posts" | "all";
  readonly post_ids: readonly number[];
  readonly posts_gone: number;
  readonly locked: boolean;
  readonly version: number;
  readonly owner: string;
  readonly mine: boolean;
  readonly can: { readonly change: boolean; readonly keep: boolean };
  readonly first: boolean;
  readonly left_out: number;
  readonly spec: Partial<Spec> | null;
  readonly problem: string | null;
}
interface Told {
  readonly views: SavedView[];
  readonly posts: { id: number; name: string }[];
  readonly me: Me;
}

export interface ViewHost {
  /** What is to be kept: the view as it stands, without a group's narrowing. */
  wanted(): Spec;
  isChanged(): boolean;
  opened(view: SavedView | undefined): void;
  saved(view: SavedView): void;
}

export class Views {
  list: SavedView[] = [];
  me: Me = { person: null, units: [] };
  current: SavedView | undefined;
  private posts: { id: number; name: string }[] = [];

  constructor(
    private readonly api: SheetApi,
    private readonly host: ViewHost,
  ) {}

  async load(): Promise<void> {
    const told = await this.api.get<Told>("/views");
    [this.list, this.posts, this.me] = [told.views, told.posts, told.me];
    if (this.current) this.current = this.list.find((one) => one.id === this.current?.id) ?? this.current;
  }

  address(view: SavedView | undefined): string {
    const address = new URL(window.location.href);
    address.search = "";
    address.hash = "";
    address.searchParams.set("view", String(view?.id ?? 0));
    return address.href;
  }

  choose(view: SavedView | undefined): void {
    if (view?.problem) return showToast({ text: view.problem, tone: "warn" });
    this.current = view;
    window.history.replaceState(window.history.state, "", this.address(view));
    this.host.opened(view);
  }

  fill(box: Box): void {
    const line = (view: SavedView | undefined): HTMLElement => {
      const marks: string[] = [];
      if (view) {
        if (!view.mine) marks.push(view.owner);
        if (view.share !== "own" && view.mine) marks.push(view.share === "all" ? text("shared with all") : text("shared with posts"));
        if (view.locked) marks.push(text("locked"));
        if (view.first) marks.push(text("opens first"));
        if (view.problem) marks.push(text("does not open for you"));
      }
      const node = element("button", { type: "button", class: "view-line", "aria-current": String(view?.id === this.current?.id) }, element("span", {}, view?.name ?? text("All rows")), element("small", {}, marks.join(" · ")));
      node.addEventListener("click", () => {
        box.close();
        this.choose(view);
      });
      return node;
    };
    const notes: HTMLElement[] = [];
    const { current } = this;
    if (current && current.left_out > 0) notes.push(element("p", { class: "muted" }, text("Parts of this view are not yours to see and are left out.")));
    if (current && current.posts_gone > 0 && current.can.keep) notes.push(element("p", { class: "muted" }, text("A post this view was shared with does not exist any more.")));
    box.body.replaceChildren(element("nav", { class: "view-list", "aria-label": text("Views") }, line(undefined), ...this.list.map(line)), ...notes);
    box.foot.replaceChildren();
    if (current?.can.change && this.host.isChanged()) box.foot.append(button(text("Save changes"), "floppy-disk", () => void this.change(box, { spec: this.host.wanted() }), "btn-primary"));
    box.foot.append(button(text("Save as …"), "plus", () => this.form(box, undefined)));
    if (current?.can.keep) box.foot.append(button(text("Name and sharing"), "share-nodes", () => this.form(box, current)));
    if (current) box.foot.append(button(text("Copy the address"), "link", () => void this.copy()));
    if (current) {
      box.foot.append(button(current.first ? text("Do not open first") : text("Open first"), "house", () => void this.act(box, async () => {
        await this.api.post("/views/first", { view: current.first ? null : current.id, request_key: requestKey() });
        await this.load();
        this.fill(box);
      }), "btn-quiet"));
    }
    if (current?.can.keep) {
      const away = button(text("Delete"), "trash", () => {
        // The second press says it again.
        if (away.dataset["sure"]) {
          void this.act(box, async () => {
            await this.api.remove(`/views/${current.id}`, { version: current.version, request_key: requestKey() });
            await this.load();
            box.close();
            this.choose(undefined);
          });
        } else {
          away.dataset["sure"] = "1";
          away.lastChild!.textContent = ` ${text("Delete “{name}”?", { name: current.name })}`;
        }
      }, "btn-danger-quiet");
      box.foot.append(away);
    }
  }

  private async copy(): Promise<void> {
    const address = this.address(this.current);
    try {
      await navigator.clipboard.writeText(address);
      showToast({ text: text("The address of the view is copied.") });
    } catch {
      showToast({ text: address });
    }
  }

  private async change(box: Box, part: Record<string, unknown>): Promise<void> {
    const view = this.current;
    if (!view) return;
    await this.act(box, async () => {
      const told = await this.api.patch<{ view: SavedView }>(`/views/${view.id}`, { version: view.version, request_key: requestKey(), ...part });
      await this.kept(told.view);
      box.close();
    });
  }

  private async kept(view: SavedView): Promise<void> {
    this.current = view;
    await this.load();
    window.history.replaceState(window.history.state, "", this.address(view));
    this.host.saved(view);
    showToast({ text: text("“{name}” is saved.", { name: view.name }), tone: "ok" });
  }

  private async act(box: Box, act: () => Promise<void>): Promise<void> {
    try {
      await act();
    } catch (error) {
      const words = (error instanceof ApiError && (Object.values(error.fields)[0]?.[0] || error.message)) || text("That did not work. Please try again.");
      let told = box.foot.querySelector(".tool-error");
      if (!told) box.foot.prepend((told = element("p", { class: "tool-error", role: "alert" })));
      told.textContent = words;
      if (error instanceof ApiError && error.status === 409) await this.load().catch(() => undefined);
    }
  }

  /** Name, sharing and lock: of a new view, or of the one that is open. */
  private form(box: Box, view: SavedView | undefined): void {
    const name = element("input", { type: "text", maxlength: "80", required: true, value: view?.name ?? "" });
    const posts = this.posts.map((one) => {
      const tick = element("input", { type: "checkbox", value: String(one.id), checked: view?.post_ids.includes(one.id) ?? false });
      return element("label", { class: "filter-tick" }, tick, one.name);
    });
    const list = element("div", { class: "filter-ticks", hidden: view?.share !== "posts" }, ...posts);
    const share = chosen(text("Who sees it"), [["own", text("only me")], ["posts", text("certain posts")], ["all", text("all who read this sheet")]], view?.share ?? "own", (value) => {
      list.hidden = value !== "posts";
    });
    const locked = element("input", { type: "checkbox", checked: view?.locked ?? false });
    const send = element("button", { type: "submit", class: "btn btn-primary" }, text("Save"));
    const form = element(
      "form",
      { class: "view-form", novalidate: true },
      element("label", {}, text("Name"), name),
      element("label", {}, text("Who sees it"), share),
      list,
      element("label", { class: "filter-tick" }, locked, text("Locked: only I change it")),
      element("div", { class: "tool-inline" }, send, button(text("Cancel"), "arrow-left", () => this.fill(box), "btn-quiet")),
    );
    const key = requestKey();
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      const post_ids = posts.flatMap((one) => {
        const tick = one.querySelector("input");
        return tick?.checked ? [Number(tick.value)] : [];
      });
      const part = { name: name.value, share: share.value, post_ids, locked: locked.checked };
      if (view) return void this.change(box, part);
      void this.act(box, async () => {
        const told = await this.api.post<{ view: SavedView }>("/views", { ...part, spec: this.host.wanted(), request_key: key });
        await this.kept(told.view);
        box.close();
      });
    });
    box.body.replaceChildren(form);
    box.foot.replaceChildren();
    name.focus();
  }
}
