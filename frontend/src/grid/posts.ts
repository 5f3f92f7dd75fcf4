/** For which post one changes a sheet: shown where there is a choice, remembered by this browser for the sheet. */
import { element } from "../dom";
import { text } from "../messages";
import type { Schema } from "./model";

const kept = (code: string): string => `grid.post.${code}`;

export class Posts {
  private here: number | undefined;

  constructor(private readonly schema: Schema) {
    const { acting, code } = schema;
    let known: string | null = null;
    try {
      known = localStorage.getItem(kept(code));
    } catch {
      // A browser that keeps nothing begins with the first one each time.
    }
    if (this.isChoice) this.here = (acting.find(([id]) => String(id) === known) ?? acting[0])?.[0];
  }

  get isChoice(): boolean {
    return this.schema.acting.length > 1;
  }
  /** The post that is chosen; undefined where there is nothing to choose. */
  get chosen(): number | undefined {
    return this.here;
  }
  /** What every change of the sheet says of it. */
  get said(): Readonly<Record<string, unknown>> {
    return this.here === undefined ? {} : { post_id: this.here };
  }

  choose(id: number): void {
    this.here = id;
    try {
      localStorage.setItem(kept(this.schema.code), String(id));
    } catch {
      // It holds until the page is left.
    }
  }

  /** The switch for the bar over the cells. */
  control(): HTMLElement {
    const select = element("select", { "aria-label": text("Acting for"), id: "grid-post" }, ...this.schema.acting.map(([id, name]) => element("option", { value: String(id), selected: id === this.here }, name)));
    select.addEventListener("change", () => this.choose(Number(select.value)));
    return element("label", { class: "tool-post", title: text("What you change here is done for this post; the journal says so.") }, element("i", { class: "fa-solid fa-user-tie", "aria-hidden": "true" }), element("span", {}, text("Acting for")), select);
  }
}
