/** How far a merge is, until it is over; the server then shows the sums. */
import { component, formatNumber, get, _ } from "../kit.js";

const LOOK_MS = 1000;

component("mergeRun", () => ({
  progress: "",
  isStuck: false,

  init() {
    this.show(this.$refs.bar.value);
    this.look();
  },

  show(done) {
    const all = formatNumber(Number(this.$root.dataset.total));
    this.progress = _("%(done)s of %(all)s people", { done: formatNumber(done), all });
  },

  async look() {
    try {
      const run = await get(`/api/v1/merchants/loyalty/merges/${this.$root.dataset.id}`);
      this.isStuck = false;
      if (run.status !== "running") return location.reload();
      const done = run.customers_merged + run.customers_skipped;
      this.$refs.bar.value = done;
      this.show(done);
    } catch {
      this.isStuck = true;
    }
    setTimeout(() => this.look(), LOOK_MS);
  },
}));
