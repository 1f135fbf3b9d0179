/** x-data="apiForm": sends a form as JSON and shows what the server says at the fields. See frontend/README.md. */
import { act, ApiError, component, request, serialize, toast, toastOnNextPage, _ } from "../kit.js";
import { closeModal } from "../lib/modal.js";

const fieldsOf = (form, name) => [...form.querySelectorAll(`[name="${CSS.escape(name)}"], [data-date-parts="${CSS.escape(name)}"] input`)];

function showFieldError(form, name, message) {
  const place = form.querySelector(`[data-error-for="${CSS.escape(name)}"]`);
  if (!place) return false;
  place.querySelector("[data-error-text]").textContent = message;
  place.hidden = message === "";
  for (const field of fieldsOf(form, name)) {
    if (message) field.setAttribute("aria-invalid", "true");
    else field.removeAttribute("aria-invalid");
  }
  return true;
}

/** Takes the messages of the last try away. */
export function clearErrors(form) {
  form.querySelectorAll("[data-error-for]").forEach((place) => showFieldError(form, place.dataset.errorFor, ""));
  const box = form.querySelector("[data-form-error]");
  if (box) box.hidden = true;
}

function showFormError(form, error, loose) {
  const box = form.querySelector("[data-form-error]");
  if (!box) {
    toast(error.detail || error.title, { kind: "danger" });
    return;
  }
  box.querySelector("[data-form-error-title]").textContent = error.title;
  box.querySelector("[data-form-error-detail]").textContent = [error.detail, ...new Set(loose)].filter(Boolean).join(" ");
  box.querySelector("[data-form-error-id]").textContent =
    error.requestId && error.status >= 500 ? _("Request %(id)s", { id: error.requestId }) : "";
  box.hidden = false;
}

/** Shows what the server says, at the fields where it can. */
export function showErrors(form, error) {
  const loose = error.errors.filter(({ field, message }) => !showFieldError(form, field, message)).map(({ message }) => message);
  if (error.errors.length === 0 || loose.length > 0) showFormError(form, error, loose);
  const first = form.querySelector("[aria-invalid=true]");
  if (first) first.focus();
  else form.querySelector("[data-form-error]")?.scrollIntoView({ block: "nearest" });
}

/** "/rewards/{id}" with the answer's own values; dots lead inwards: "/merchants/{merchant.id}". */
const valueAt = (answer, path) => path.split(".").reduce((value, name) => value?.[name], answer);
const fillAddress = (address, answer) => address.replace(/\{([\w.]+)\}/g, (_whole, path) => encodeURIComponent(valueAt(answer, path) ?? ""));

function goOn(form, answer) {
  const { next, toast: text } = form.dataset;
  form.dispatchEvent(new CustomEvent("form-saved", { bubbles: true, detail: { answer } }));
  if (next) {
    if (text) toastOnNextPage(text);
    if (next === "reload") location.reload();
    else location.assign(next === "answer" ? answer.next : fillAddress(next, answer));
    return true;
  }
  if (text) toast(text);
  const dialog = form.closest("dialog");
  if (dialog) closeModal(dialog);
  return false;
}

component("apiForm", () => ({
  busy: false,

  init() {
    this.$root.addEventListener("input", (event) => {
      const name = event.target.closest("[data-date-parts]")?.dataset.dateParts ?? event.target.name;
      if (name) showFieldError(this.$root, name, "");
    });
    // Back from the next page: the browser may keep the state in which the form was sent.
    addEventListener("pageshow", (event) => { if (event.persisted) this.setBusy(false); });
  },

  setBusy(isBusy) {
    this.busy = isBusy;
    for (const button of this.$root.querySelectorAll("[type=submit]")) {
      button.disabled = isBusy;
      if (isBusy) button.setAttribute("aria-busy", "true");
      else button.removeAttribute("aria-busy");
    }
  },

  async submit() {
    const form = this.$root;
    if (this.busy) return;
    clearErrors(form);
    const { action, method = "POST", idempotent } = form.dataset;
    const body = method === "DELETE" && form.elements.length === 0 ? undefined : serialize(form);
    this.setBusy(true);
    try {
      const answer = idempotent ? await act(`form:${action}`, action, body, { method }) : await request(action, { method, body });
      if (!goOn(form, answer)) this.setBusy(false);
    } catch (error) {
      this.setBusy(false);
      if (!(error instanceof ApiError)) throw error;
      showErrors(form, error);
      form.dispatchEvent(new CustomEvent("form-failed", { bubbles: true, detail: { error } }));
    }
  },
}));
