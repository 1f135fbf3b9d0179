/** x-data="amountKeypad": an amount in cents; digits come in from the right, as on every till. */
import { component, formatMoney, parseCents } from "../kit.js";

component("amountKeypad", () => ({
  init() {
    this.max = Number(this.$root.dataset.max);
    this.set(Number(this.$root.dataset.cents) || 0);
    this.$root.addEventListener("amount-reset", () => this.set(0));
  },

  press(event) { this.add(event.currentTarget.dataset.key); },
  back() { this.set(Math.trunc(this.cents / 10)); },
  clear() { this.set(0); },

  add(digits) {
    const cents = Number(`${this.cents}${digits}`);
    if (cents <= this.max) this.set(cents);
  },

  set(cents) {
    this.cents = cents;
    const { display, value } = this.$refs;
    display.value = formatMoney(cents);
    value.value = String(cents);
    if (document.activeElement === display) display.setSelectionRange(display.value.length, display.value.length);
    this.$dispatch("amount-change", { cents });
  },

  onBeforeInput(event) {
    if (event.inputType === "insertLineBreak") return; // Enter sends the form
    event.preventDefault();
    if (event.inputType.startsWith("delete")) this.back();
    else if (/^\d+$/.test(event.data ?? "")) this.add(event.data);
  },

  onKey(event) {
    if (event.key === "Delete") {
      event.preventDefault();
      this.clear();
    }
  },

  onPaste(event) {
    const cents = parseCents(event.clipboardData.getData("text"));
    if (cents !== null && cents <= this.max) this.set(cents);
  },
}));
