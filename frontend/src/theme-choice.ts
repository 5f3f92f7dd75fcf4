export type ThemeChoice = "auto" | "light" | "dark";

const KEY = "theme";

/** The person's choice on this device; storage may be forbidden, then the device's own wish rules. */
export function readThemeChoice(): ThemeChoice {
  try {
    const stored = localStorage.getItem(KEY);
    return stored === "light" || stored === "dark" ? stored : "auto";
  } catch {
    return "auto";
  }
}

export function applyThemeChoice(choice: ThemeChoice): void {
  const root = document.documentElement;
  if (choice === "auto") delete root.dataset["theme"];
  else root.dataset["theme"] = choice;
  try {
    localStorage.setItem(KEY, choice);
  } catch {
    /* private mode: the choice lasts for this page */
  }
}

export function startThemeSwitch(): void {
  const buttons = document.querySelectorAll<HTMLButtonElement>("[data-theme-choice]");
  const show = (): void => {
    const current = readThemeChoice();
    buttons.forEach((button) => button.setAttribute("aria-pressed", String(button.dataset["themeChoice"] === current)));
  };
  buttons.forEach((button) =>
    button.addEventListener("click", () => {
      applyThemeChoice(button.dataset["themeChoice"] as ThemeChoice);
      show();
    }),
  );
  window.addEventListener("storage", (event) => {
    if (event.key !== KEY) return;
    applyThemeChoice(readThemeChoice());
    show();
  });
  show();
}
