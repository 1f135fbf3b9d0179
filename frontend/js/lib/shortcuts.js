/** Keys: `/` search, `?` list, and [data-shortcut="n"] elements. Single keys can be switched off in the list (WCAG 2.1.4). */
import { openModal } from "./modal.js";

const OFF = "orion.keys.off";
const isTyping = (target) => target.closest?.("input, textarea, select, [contenteditable]") !== null;

function areOff() {
  try { return localStorage.getItem(OFF) === "1"; } catch { return false; }
}

function listPageKeys(list) {
  for (const element of document.querySelectorAll("[data-shortcut]")) {
    const key = document.createElement("span");
    key.className = "kbd";
    key.textContent = element.dataset.shortcut;
    const term = document.createElement("dt");
    term.append(key);
    const text = document.createElement("dd");
    text.textContent = element.dataset.shortcutLabel ?? element.getAttribute("aria-label") ?? element.textContent.trim();
    list.append(term, text);
  }
}

function onKey(event) {
  if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented || isTyping(event.target) || areOff()) return;
  if (event.key === "?") return openModal("shortcuts");
  const dialog = document.querySelector("dialog[open]");
  const scope = dialog ?? document;
  const target = event.key === "/" ? scope.querySelector("[data-search]") : scope.querySelector(`[data-shortcut="${CSS.escape(event.key)}"]`);
  if (!target) return;
  event.preventDefault();
  if (target.matches("input, select, textarea")) {
    target.focus();
    target.select?.();
  } else target.click();
}

export function installShortcuts() {
  const list = document.querySelector("[data-shortcut-list]");
  if (list) listPageKeys(list);
  const toggle = document.querySelector("[data-shortcut-toggle]");
  if (toggle) {
    toggle.checked = !areOff();
    toggle.addEventListener("change", () => {
      try { localStorage.setItem(OFF, toggle.checked ? "0" : "1"); } catch { /* the switch then holds for this page only */ }
    });
  }
  document.addEventListener("keydown", onKey);
}
