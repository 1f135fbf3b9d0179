/** A new customer at the counter. */
import { serialize, _, ngettext } from "../kit.js";
import { clearErrors, showErrors } from "../components/form.js";

const FORM = "enroll-form";

const firstEmpty = (form) => [...form.querySelectorAll("input[required]")].find((field) => field.value === "") ?? form.elements.phone;

export const enrollView = {
  welcomeText: "",
  existingEmail: "",

  get isEnrolling() { return this.view === "enroll"; },
  get hasExisting() { return this.existingEmail !== ""; },
  get hasWelcome() { return this.welcomeText !== ""; },

  /** Opens the form; what was searched for in vain goes into the field it looks like. */
  startEnroll() {
    const form = document.getElementById(FORM);
    form.reset();
    clearErrors(form);
    const typed = (this.hasNoMatch ? this.typed : "").trim();
    this.leaveAction();
    this.clearResult();
    this.card = null;
    this.existingEmail = "";
    this.view = "enroll";
    this.fillFrom(form, typed);
    this.clearMatches();
    this.clearSearch();
    this.whenShown(() => firstEmpty(form).focus());
  },

  fillFrom(form, typed) {
    if (typed.includes("@")) form.elements.email.value = typed;
    else if (/^[+\d][\d\s./-]{5,}$/.test(typed)) form.elements.phone.value = typed;
    else if (typed) {
      const [first, ...rest] = typed.split(/\s+/);
      form.elements.first_name.value = first;
      form.elements.last_name.value = rest.join(" ");
    }
  },

  enroll(event) {
    const form = event.target;
    clearErrors(form);
    this.existingEmail = "";
    if (!form.elements.has_accepted_terms.checked) {
      showErrors(form, { errors: [{ field: "has_accepted_terms", message: _("Please ask the customer, and tick this box.") }] });
      return;
    }
    this.carryOut({ kind: "enroll", cardId: "new", path: "/api/v1/store/loyalty/enroll", body: serialize(form), demand: "open", reward: "" });
  },

  /** Shows the refusal at the form; answers false when it belongs elsewhere. */
  showEnrollRefusal(error) {
    if (error.isUndecided) return false;
    const form = document.getElementById(FORM);
    showErrors(form, error);
    if (error.code === "card_already_exists") this.existingEmail = form.elements.email.value.trim();
    return true;
  },

  openExisting() { this.find(this.existingEmail); },

  showEnrolled({ card, welcome_points: points }) {
    const welcome = points ? ngettext("%(num)s welcome point", "%(num)s welcome points", points) : "";
    this.showCard(card, { panel: "code", welcome });
    this.showResult(_("Card made for %(name)s", { name: this.cardName }));
  },
};
