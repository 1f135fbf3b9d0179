/** Short messages at the edge of the screen. Their shapes are <template>s of the base layout. */

const SHOWN_MS = { success: 4000, info: 5000, warning: 8000, danger: 10_000 };
const LATER = "orion.toast";

function dismiss(element) {
  const hadFocus = element.contains(document.activeElement);
  element.remove();
  if (hadFocus) document.getElementById("main")?.focus({ preventScroll: true });
}

/**
 * Shows `text`. kind: success, info, warning, danger. action: {label, run} is offered as a button until the toast goes.
 * seconds overrides how long; a toast under the pointer or with the focus stays. Returns a function that removes it.
 */
export function toast(text, { kind = "success", action, seconds } = {}) {
  const region = document.getElementById("toasts");
  const template = document.getElementById(`toast-${kind}`);
  if (!region || !template) return () => {};
  const element = template.content.firstElementChild.cloneNode(true);
  element.querySelector("[data-toast-text]").textContent = text;
  element.querySelector("[data-toast-close]").addEventListener("click", () => dismiss(element));
  const button = element.querySelector("[data-toast-action]");
  if (action) {
    button.hidden = false;
    button.textContent = action.label;
    button.addEventListener("click", () => { dismiss(element); action.run(); }, { once: true });
  }
  region.append(element);
  while (region.children.length > 3) region.firstElementChild.remove();
  let timer;
  const start = () => { timer = setTimeout(() => dismiss(element), seconds ? seconds * 1000 : SHOWN_MS[kind]); };
  const hold = () => clearTimeout(timer);
  if (!action || seconds === undefined) {
    for (const event of ["pointerenter", "focusin"]) element.addEventListener(event, hold);
    for (const event of ["pointerleave", "focusout"]) element.addEventListener(event, () => { hold(); start(); });
  }
  start();
  return () => { hold(); dismiss(element); };
}

/** Shows the toast on the next page: for a form that leads somewhere else. */
export function toastOnNextPage(text, kind = "success") {
  try { sessionStorage.setItem(LATER, JSON.stringify({ text, kind })); } catch { /* the message is lost, the work is not */ }
}

/** Shows what the page before left. */
export function showPendingToast() {
  try {
    const pending = JSON.parse(sessionStorage.getItem(LATER) ?? "null");
    sessionStorage.removeItem(LATER);
    if (pending) toast(pending.text, { kind: pending.kind });
  } catch { /* nothing readable was left */ }
}
