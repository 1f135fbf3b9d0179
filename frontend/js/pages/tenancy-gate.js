/** Signing in: where to go next, and the token of a mailed link. */
import { component } from "../kit.js";

/** Pages of our own only, whatever the address says. */
const isOwnPage = (path) => /^\/(merchants|admin|store)([/?]|$)/.test(path);
/** A merchant's people may also go on to their store's counter. */
const isReachable = (path, panel) => path.startsWith(panel) || (panel === "/merchants" && path.startsWith("/store/"));

document.addEventListener("form-saved", (event) => {
  const form = event.target.closest("[data-sign-in]");
  const { answer } = event.detail;
  if (!form || !answer) return;
  const { signIn, wanted } = form.dataset;
  const tail = wanted ? `next=${encodeURIComponent(wanted)}` : "";
  if (answer.state === "second_factor") return location.assign(`${signIn}?step=code${tail && `&${tail}`}`);
  const isPanel = answer.state === "signed_in" && ["/merchants", "/admin"].includes(answer.next);
  location.assign(isPanel && isOwnPage(wanted) && isReachable(wanted, answer.next) ? wanted : answer.next);
});

component("passwordLink", () => ({
  isComplete: false,
  isMissing: false,

  init() {
    const token = location.hash.slice(1);
    this.isComplete = token !== "";
    this.isMissing = !this.isComplete;
    this.$root.querySelector("[name=token]").value = token;
    // The secret leaves the address bar: nobody reads it over a shoulder or from the history.
    if (token) history.replaceState(null, "", location.pathname);
  },
}));
