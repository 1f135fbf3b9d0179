/** On every page: the kit's components, dialogs, toasts, keys. */
import { Alpine } from "./kit.js";
import { installModals } from "./lib/modal.js";
import { installShortcuts } from "./lib/shortcuts.js";
import { showPendingToast } from "./lib/toast.js";
import "./components/form.js";
import "./components/widgets.js";
import "./components/pin.js";
import "./components/amount.js";

// Filters that apply at once; the button beside them is for those without a script.
document.addEventListener("change", (event) => {
  if (event.target.matches("[data-autosubmit]")) event.target.form.requestSubmit();
});

// Modules run in order before this event, so every page script has registered its components by now.
document.addEventListener("DOMContentLoaded", () => {
  installModals();
  installShortcuts();
  Alpine.start();
  showPendingToast();
});
