/** Starts what the page contains. Every part looks for its own attributes and does nothing where they are missing. */
import { enhanceDates } from "./calendar";
import { enhanceSelects } from "./combobox";
import { startDialogs } from "./dialogs";
import { startDue } from "./due";
import { startFeed } from "./feed";
import { startFilters } from "./filters";
import { startForms } from "./forms";
import { startNavigation } from "./navigation";
import { startPreviews } from "./preview";
import { startProgress } from "./progress";
import { startSelection } from "./selection";
import { startShortcuts } from "./shortcuts";
import { startThemeSwitch } from "./theme-choice";

startDialogs();
startNavigation();
startThemeSwitch();
startFilters();
enhanceDates(document);
enhanceSelects(document);
startForms();
startPreviews();
startSelection();
startProgress();
startShortcuts();
startDue();
startFeed();
