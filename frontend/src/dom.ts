type Child = Node | string;

/** One element with attributes and children; a boolean attribute is present or absent. */
export function element<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  attributes: Record<string, string | boolean> = {},
  ...children: Child[]
): HTMLElementTagNameMap[K] {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === true) node.setAttribute(name, "");
    else if (value !== false) node.setAttribute(name, value);
  }
  node.append(...children);
  return node;
}

export function isTyping(target: EventTarget | null): boolean {
  return (
    target instanceof HTMLElement &&
    (target.isContentEditable || target.matches("input:not([type=checkbox]):not([type=radio]), textarea, select"))
  );
}

/** Puts a floating box under its anchor, or above where there is no room; position is fixed, so no scroll box cuts it. */
export function placeUnder(box: HTMLElement, anchor: HTMLElement, options: { matchWidth?: boolean } = {}): void {
  const rect = anchor.getBoundingClientRect();
  if (options.matchWidth) box.style.width = `${rect.width}px`;
  const height = box.offsetHeight;
  const below = window.innerHeight - rect.bottom;
  const top = below < height + 8 && rect.top > below ? Math.max(4, rect.top - height - 4) : rect.bottom + 4;
  const left = Math.max(4, Math.min(rect.left, window.innerWidth - box.offsetWidth - 4));
  box.style.top = `${top}px`;
  box.style.left = `${left}px`;
}
