/** The list of cards: several are chosen, then get a bonus or are switched off. */
import { component, ngettext } from "../kit.js";

component("cardSelection", () => ({
  ids: [],

  get hasChosen() {
    return this.ids.length > 0;
  },
  get chosen() {
    return ngettext("%(num)s card chosen", "%(num)s cards chosen", this.ids.length);
  },

  init() {
    // Back from another page, the browser may have kept what was chosen.
    addEventListener("pageshow", () => this.count());
    this.count();
  },

  count() {
    this.ids = [...this.$root.querySelectorAll("input[name=card_ids]:checked")].map((box) => box.value);
  },

  bonus() {
    location.assign(`/merchants/cards/bonus?${new URLSearchParams(this.ids.map((id) => ["card", id]))}`);
  },
}));
