/** The API reference: a filter over all operations, and the operation of the address opened. */
import { component, ngettext } from "../kit.js";

component("apiReference", () => ({
  isReady: false,
  said: "",

  init() {
    this.isReady = true;
    this.openTarget();
    addEventListener("hashchange", () => this.openTarget());
  },

  openTarget() {
    const target = location.hash ? document.getElementById(location.hash.slice(1)) : null;
    if (target?.matches("details")) target.open = true;
  },

  filter(event) {
    const words = event.target.value.toLowerCase().split(/\s+/).filter(Boolean);
    let found = 0;
    for (const group of this.$root.querySelectorAll("[data-group]")) {
      let inGroup = 0;
      for (const operation of group.querySelectorAll("[data-words]")) {
        operation.hidden = !words.every((word) => operation.dataset.words.includes(word));
        if (!operation.hidden) inGroup += 1;
      }
      group.hidden = inGroup === 0;
      found += inGroup;
    }
    this.said = words.length ? ngettext("%(num)s operation fits", "%(num)s operations fit", found) : "";
  },
}));
