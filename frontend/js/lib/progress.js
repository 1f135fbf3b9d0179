/** Work that goes on at the server: a bar and a sentence say how far it is, until the page has something else to show. */
import { get } from "./api.js";

const LOOK_MS = 1000;

/**
 * Returns a component that asks `path` and the root's data-id every second; it has the bar as x-ref="bar".
 * isOver(work, dataset): whether the page is to be loaded anew; count(work): {done, all}; say(done, all): the sentence.
 */
export const followWork = ({ path, isOver, count, say }) => ({
  progress: "",
  isStuck: false,
  isFailed: false,

  init() {
    const { bar } = this.$refs;
    this.isFailed = this.$root.dataset.state === "failed";
    this.progress = say(bar.value, bar.max);
    this.look();
  },

  async look() {
    try {
      const work = await get(`${path}/${this.$root.dataset.id}`);
      this.isStuck = false;
      this.isFailed = work.state === "failed";
      if (isOver(work, this.$root.dataset)) return location.reload();
      const { done, all } = count(work);
      this.$refs.bar.max = Math.max(all, 1);
      this.$refs.bar.value = done;
      this.progress = say(done, all);
    } catch {
      this.isStuck = true;
    }
    setTimeout(() => this.look(), LOOK_MS);
  },
});
