/** x-data="pinPad": one real field with dots over it and keys below. */
import { component } from "../kit.js";

component("pinPad", () => ({
  isWaiting: false,

  init() {
    this.length = Number(this.$root.dataset.length);
    this.$root.closest("dialog")?.addEventListener("modal-open", () => this.reset());
  },

  press(event) { this.put(this.$refs.input.value + event.currentTarget.dataset.key); },
  back() { this.put(this.$refs.input.value.slice(0, -1)); },
  clear() { this.put(""); },
  onInput() { this.put(this.$refs.input.value); },

  put(text) {
    if (this.isWaiting) return this.paint();
    const { input, error } = this.$refs;
    input.value = text.replace(/\D/g, "").slice(0, this.length);
    if (input.value) error.textContent = "";
    this.paint();
    if (input.value.length === this.length) this.submit();
  },

  paint() {
    const count = this.$refs.input.value.length;
    [...this.$refs.dots.children].forEach((dot, place) => dot.classList.toggle("pin-dot-on", place < count));
  },

  /** Tells the page; it answers by fail(message), reset(), or by leaving. */
  submit() {
    const pin = this.$refs.input.value;
    if (this.isWaiting || pin.length < this.length) return;
    this.isWaiting = true;
    this.$refs.input.readOnly = true;
    this.$dispatch("pin-complete", { pin, fail: (message) => this.fail(message), reset: () => this.reset() });
  },

  reset() {
    this.isWaiting = false;
    this.$refs.input.readOnly = false;
    this.$refs.input.value = "";
    this.$refs.error.textContent = "";
    this.paint();
  },

  fail(message) {
    this.reset();
    this.$refs.error.textContent = message;
    const { entry } = this.$refs;
    entry.classList.remove("pin-shake");
    void entry.offsetWidth; // starts the animation anew
    entry.classList.add("pin-shake");
    this.$refs.input.focus();
  },
}));
