/** Texts of the page scripts come translated from the server (templates/appbuilder/messages.html, for single pages in data-ui-messages): one catalogue for both sides. */
let catalogue: Record<string, string> | undefined;

function load(): Record<string, string> {
  const sources = document.querySelectorAll("#ui-messages, script[data-ui-messages]");
  return Object.assign({}, ...Array.from(sources, (one) => JSON.parse(one.textContent || "{}") as Record<string, string>));
}

/** The translated text of `key`, with {name} replaced; the key itself where the server sent none. */
export function text(key: string, values: Record<string, string | number> = {}): string {
  catalogue ??= load();
  return (catalogue[key] ?? key).replace(/\{(\w+)\}/g, (whole, name: string) =>
    name in values ? String(values[name]) : whole,
  );
}
