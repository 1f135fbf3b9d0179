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

// <details data-popover> closes like a menu: by a press beside it and by Escape.
function closePopovers(except) {
  for (const popover of document.querySelectorAll("details[data-popover][open]")) {
    if (popover.contains(except)) continue;
    const hadFocus = popover.contains(document.activeElement);
    popover.open = false;
    if (hadFocus && !except) popover.querySelector("summary").focus();
  }
}
document.addEventListener("pointerdown", (event) => closePopovers(event.target));
document.addEventListener("keydown", (event) => { if (event.key === "Escape") closePopovers(null); });

// Modules run in order before this event, so every page script has registered its components by now.
document.addEventListener("DOMContentLoaded", () => {
  installModals();
  installShortcuts();
  Alpine.start();
  showPendingToast();
});
