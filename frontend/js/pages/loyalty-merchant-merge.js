/** How far a merge is, until it is over; the server then shows the sums. */
import { component, followWork, formatNumber, _ } from "../kit.js";

component("mergeRun", () => followWork({
  path: "/api/v1/merchants/loyalty/merges",
  isOver: (run) => run.status !== "running",
  count: (run) => ({ done: run.customers_merged + run.customers_skipped, all: run.customers_total }),
  say: (done, all) => _("%(done)s of %(all)s people", { done: formatNumber(done), all: formatNumber(all) }),
}));
