/**
 * What page scripts import: `import { component, post, toast, _ } from "../kit.js"`.
 * Alpine starts by itself once every script of the page has run, so a page only registers its components.
 */
import Alpine from "@alpinejs/csp";

export { Alpine };
export * from "./lib/i18n.js";
export * from "./lib/api.js";
export { toast, toastOnNextPage } from "./lib/toast.js";
export { copyText } from "./lib/copy.js";
export { openModal, closeModal } from "./lib/modal.js";
export { serialize } from "./lib/serialize.js";
export { followForm, guardUnsaved } from "./lib/live-preview.js";
export { followWork } from "./lib/progress.js";
export { focusWhenShown } from "./lib/focus.js";
export { previewAccent } from "./lib/colour.js";

/** Registers the component `name` for x-data="name". */
export function component(name, factory) {
  Alpine.data(name, factory);
}

/** The content of <script type="application/json" id="…">, null when the page has none. */
export function readData(id) {
  const block = document.getElementById(id);
  return block ? JSON.parse(block.textContent) : null;
}
