/** Dialogs: <dialog data-modal>. Opened by [data-open-modal="id"] or openModal; focus stays inside and goes back where it was. */

const FOCUSABLE = "a[href], button:not([disabled]), input:not([disabled]):not([type=hidden]), select:not([disabled]), "
  + "textarea:not([disabled]), summary, [tabindex]:not([tabindex='-1'])";
const openers = new WeakMap();

const isSeen = (element) => element.getClientRects().length > 0 && getComputedStyle(element).visibility !== "hidden";
const focusable = (dialog) => [...dialog.querySelectorAll(FOCUSABLE)].filter((element) => element.tabIndex >= 0 && isSeen(element));

function firstFocus(dialog) {
  const fields = focusable(dialog);
  return dialog.querySelector("[data-autofocus]") ?? fields.find((element) => element.matches("input, select, textarea"))
    ?? fields.find((element) => !element.hasAttribute("data-close-modal")) ?? fields[0] ?? dialog;
}

/** Opens the dialog `id`; `detail` reaches its listeners of `modal-open`. */
export function openModal(id, detail = {}) {
  const dialog = document.getElementById(id);
  if (!dialog || dialog.open) return;
  openers.set(dialog, document.activeElement);
  dialog.showModal();
  dialog.dispatchEvent(new CustomEvent("modal-open", { bubbles: true, detail }));
  firstFocus(dialog).focus();
}

/** Closes the dialog `id`, or the one given. */
export function closeModal(target) {
  const dialog = typeof target === "string" ? document.getElementById(target) : target;
  if (dialog?.open) dialog.close();
}

function keepFocusInside(event) {
  if (event.key !== "Tab") return;
  const fields = focusable(event.currentTarget);
  if (fields.length === 0) return event.preventDefault();
  const [first, last] = [fields[0], fields[fields.length - 1]];
  const active = document.activeElement;
  const isOutside = !event.currentTarget.contains(active);
  if (event.shiftKey && (active === first || isOutside)) {
    event.preventDefault();
    last.focus();
  } else if (!event.shiftKey && (active === last || isOutside)) {
    event.preventDefault();
    first.focus();
  }
}

function isOnBackdrop(event, dialog) {
  const box = dialog.getBoundingClientRect();
  return event.target === dialog && (event.clientX < box.left || event.clientX > box.right || event.clientY < box.top || event.clientY > box.bottom);
}

function prepare(dialog) {
  dialog.addEventListener("keydown", keepFocusInside);
  dialog.addEventListener("pointerdown", (event) => { if (isOnBackdrop(event, dialog)) dialog.close(); });
  dialog.addEventListener("close", () => {
    const opener = openers.get(dialog);
    if (opener?.isConnected) opener.focus();
    dialog.dispatchEvent(new CustomEvent("modal-close", { bubbles: true }));
  });
}

/** Wires every dialog of the page and the buttons that open and close them. */
export function installModals() {
  document.querySelectorAll("dialog[data-modal]").forEach(prepare);
  document.addEventListener("click", (event) => {
    const opener = event.target.closest("[data-open-modal]");
    if (opener) {
      event.preventDefault();
      openModal(opener.dataset.openModal, { opener });
    }
    const closer = event.target.closest("[data-close-modal]");
    if (closer) closeModal(closer.closest("dialog"));
  });
}
