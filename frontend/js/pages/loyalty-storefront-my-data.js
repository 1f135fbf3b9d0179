/** Looks whether the file that is being made is ready, and then shows it. */
import { component, get } from "../kit.js";

const LOOK_MS = 1500;

component("myDownloads", () => ({
  init() {
    setTimeout(() => this.look(), LOOK_MS);
  },

  async look() {
    try {
      const { items } = await get(this.$root.dataset.api);
      if (items.every((file) => file.is_ready)) return location.reload();
    } catch {
      // Tried again: the page says what to do by hand.
    }
    setTimeout(() => this.look(), LOOK_MS);
  },
}));
