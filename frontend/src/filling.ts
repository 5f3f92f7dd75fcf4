/** Buttons that fill a field: [data-fill="id"] with data-fill-value puts a value in, data-fill-add appends a sentence. */
function fill(button: HTMLElement): void {
  const field = document.getElementById(button.dataset["fill"] ?? "") as HTMLInputElement | HTMLTextAreaElement | null;
  if (!field) return;
  const added = button.dataset["fillAdd"];
  if (added === undefined) field.value = button.dataset["fillValue"] ?? "";
  else if (!field.value.includes(added)) {
    const before = field.value.trimEnd();
    // Chinese sentences follow each other without a space.
    field.value = before + (/[\x21-\x7e]$/.test(before) ? " " : "") + added;
  }
  field.dispatchEvent(new Event("input", { bubbles: true }));
  field.dispatchEvent(new Event("change", { bubbles: true }));
  field.focus();
}

export function startFilling(): void {
  document.addEventListener("click", (event) => {
    const button = (event.target as HTMLElement).closest<HTMLElement>("[data-fill]");
    if (button) fill(button);
  });
}
