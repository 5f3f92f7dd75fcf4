/** Two people on one form: a button [data-take-over] puts the other's value into the field it names. */
export function startOvertaken(): void {
  document.querySelectorAll<HTMLButtonElement>("button[data-take-over]").forEach((button) => {
    const field = document.getElementById(button.dataset["takeOver"] ?? "");
    if (!(field instanceof HTMLInputElement || field instanceof HTMLSelectElement || field instanceof HTMLTextAreaElement)) {
      button.hidden = true;
      return;
    }
    button.addEventListener("click", () => {
      const value = button.dataset["value"] ?? "";
      if (field instanceof HTMLInputElement && field.type === "checkbox") field.checked = value === "True";
      else field.value = value;
      field.dispatchEvent(new Event("input", { bubbles: true }));
      field.dispatchEvent(new Event("change", { bubbles: true }));
      field.focus();
    });
  });
}
