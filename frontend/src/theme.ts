/** Runs before the first paint, so that a dark page never flashes white. Loaded blocking in <head>. */
import { readThemeChoice } from "./theme-choice";

const root = document.documentElement;
root.classList.add("js");
const choice = readThemeChoice();
if (choice !== "auto") root.dataset["theme"] = choice;
