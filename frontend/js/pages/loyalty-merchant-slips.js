/** PINs for many people: the answer is shown once, as slips, and kept nowhere. */
import { act, ApiError, component, focusWhenShown, serialize } from "../kit.js";
import { clearErrors, showErrors } from "../components/form.js";

const PATH = "/api/v1/merchants/loyalty/pins/bulk/assign";
const TIMEOUT_MS = 20_000;

component("pinSlips", () => ({
  slips: [],
  store: "",
  isBusy: false,

  get hasSlips() {
    return this.slips.length > 0;
  },
  get isAsking() {
    return this.slips.length === 0;
  },

  async assign() {
    const form = this.$refs.form;
    if (this.isBusy) return;
    this.isBusy = true;
    clearErrors(form);
    const { store_id, names } = serialize(form);
    const pins = (names ?? "").split("\n").map((name) => name.trim()).filter(Boolean).map((name) => ({ display_name: name }));
    try {
      const { items } = await act("bulk-pins", PATH, { store_id, pins }, { timeout: TIMEOUT_MS });
      this.store = form.elements.store_id.selectedOptions[0].textContent;
      this.slips = items.map((item) => ({ ...item, pin: item.pin ?? "–" }));
      focusWhenShown(() => this.$refs.done);
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      showErrors(form, error);
    } finally {
      this.isBusy = false;
    }
  },
}));
