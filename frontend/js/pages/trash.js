/** A list of the trash: several are chosen and restored at once; what could not be is named, with the reason. */
import { component, ngettext, toast } from "../kit.js";

component("trashList", () => ({
  number: 0,
  refused: [],

  get hasChosen() {
    return this.number > 0;
  },
  get hasRefused() {
    return this.refused.length > 0;
  },
  get chosen() {
    return ngettext("%(num)s chosen", "%(num)s chosen", this.number);
  },

  init() {
    addEventListener("pageshow", () => this.count());
    this.count();
  },

  /** The list, also seen from the form within it, which is a component of its own. */
  get list() {
    return this.$root.closest("[data-trash-list]");
  },

  count() {
    this.number = this.list.querySelectorAll("input[name=ids]:checked").length;
  },

  onRestored(event) {
    const { items } = event.detail.answer;
    const rows = new Map([...this.list.querySelectorAll("[data-row]")].map((row) => [row.dataset.row, row]));
    const restored = items.filter((item) => item.outcome === "ok");
    for (const item of restored) rows.get(item.id)?.remove();
    this.refused = items
      .filter((item) => item.outcome !== "ok")
      .map(({ id, detail }) => ({ id, detail, name: rows.get(id)?.dataset.name ?? "" }));
    if (restored.length) toast(ngettext("%(num)s restored", "%(num)s restored", restored.length));
    for (const box of this.list.querySelectorAll("input[name=ids]:checked")) box.checked = false;
    this.count();
    if (restored.length && !this.list.querySelector("[data-row]")) location.reload();
  },
}));
