/** How far a job is, until it is over; the server then shows how each thing went. */
import { component, followWork, formatNumber, _ } from "../kit.js";

component("jobProgress", () => followWork({
  path: "/api/v1/merchants/jobs",
  isOver: (job) => job.state === "done",
  count: (job) => ({ done: job.done, all: job.total }),
  say: (done, all) => _("%(done)s of %(all)s", { done: formatNumber(done), all: formatNumber(all) }),
}));
