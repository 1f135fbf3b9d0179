/** How far a job is, until it is over; the server then shows how each thing went. */
import { component, formatNumber, get, _ } from "../kit.js";

const LOOK_MS = 1000;

component("jobProgress", () => ({
  progress: "",
  isStuck: false,
  isFailed: false,

  init() {
    this.isFailed = this.$root.dataset.state === "failed";
    this.show(this.$refs.bar.value, this.$refs.bar.max);
    this.look();
  },

  show(done, all) {
    this.progress = _("%(done)s of %(all)s", { done: formatNumber(done), all: formatNumber(all) });
  },

  async look() {
    try {
      const job = await get(`/api/v1/merchants/jobs/${this.$root.dataset.id}`);
      this.isStuck = false;
      this.isFailed = job.state === "failed";
      if (job.state === "done") return location.reload();
      this.$refs.bar.max = Math.max(job.total, 1);
      this.$refs.bar.value = job.done;
      this.show(job.done, job.total);
    } catch {
      this.isStuck = true;
    }
    setTimeout(() => this.look(), LOOK_MS);
  },
}));
