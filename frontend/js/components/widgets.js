/** Small components of the kit: menu, copy, stepper, colour, print. */
import { component, copyText, _ } from "../kit.js";
import { isReadable, previewAccent, readHex, suggestShade } from "../lib/colour.js";

component("menu", () => ({
  isOpen: false,

  init() {
    this.onOutside = (event) => { if (!this.$root.contains(event.target)) this.close(); };
    // The list follows its button: the scrolling that brought the button into view may still be on its way.
    this.onMove = () => this.position();
  },

  get expanded() {
    return this.isOpen ? "true" : "false";
  },

  toggle() {
    if (this.isOpen) this.close();
    else this.open();
  },

  openFirst() {
    this.open();
    this.$nextTick(() => this.move(0));
  },

  open() {
    this.isOpen = true;
    this.$nextTick(() => { this.position(); this.move(0); });
    document.addEventListener("pointerdown", this.onOutside);
    addEventListener("scroll", this.onMove, { passive: true, capture: true });
    addEventListener("resize", this.onMove);
  },

  close() {
    if (!this.isOpen) return;
    const hadFocus = this.$refs.list.contains(document.activeElement);
    this.isOpen = false;
    document.removeEventListener("pointerdown", this.onOutside);
    removeEventListener("scroll", this.onMove, { capture: true });
    removeEventListener("resize", this.onMove);
    if (hadFocus) this.$refs.trigger.focus();
  },

  position() {
    const { list, trigger } = this.$refs;
    const box = trigger.getBoundingClientRect();
    const left = Math.min(Math.max(8, box.right - list.offsetWidth), innerWidth - list.offsetWidth - 8);
    const isBelow = box.bottom + 4 + list.offsetHeight < innerHeight;
    list.style.setProperty("left", `${left}px`);
    list.style.setProperty("top", `${isBelow ? box.bottom + 4 : Math.max(8, box.top - 4 - list.offsetHeight)}px`);
  },

  move(step) {
    const items = [...this.$refs.list.querySelectorAll("[role=menuitem]")];
    const now = items.indexOf(document.activeElement);
    items[now < 0 ? 0 : (now + step + items.length) % items.length]?.focus();
  },

  onKey(event) {
    const steps = { ArrowDown: 1, ArrowUp: -1 };
    if (event.key in steps) this.move(steps[event.key]);
    else if (event.key === "Home" || event.key === "End") {
      const items = this.$refs.list.querySelectorAll("[role=menuitem]");
      items[event.key === "Home" ? 0 : items.length - 1].focus();
    } else if (event.key === "Escape" || event.key === "Tab") {
      this.close();
      if (event.key === "Tab") return;
      event.stopPropagation();
    } else return;
    event.preventDefault();
  },
}));

component("copyButton", () => ({
  copy() { return copyText(this.$root.dataset.text); },
}));

component("stepper", () => ({
  up() { this.step(1); },
  down() { this.step(-1); },
  step(by) {
    const { input } = this.$refs;
    input.value = String((Number.parseInt(input.value, 10) || 0) + by);
    this.clamp();
    input.dispatchEvent(new Event("input", { bubbles: true }));
  },
  clamp() {
    const { input } = this.$refs;
    const value = Number.parseInt(input.value, 10);
    input.value = String(Math.min(Number(input.max), Math.max(Number(input.min), Number.isNaN(value) ? Number(input.min) : value)));
  },
}));

component("colourField", () => ({
  isFine: true,
  isWeak: false,
  suggestion: "",

  init() { this.show(this.$refs.text.value); },
  fromPicker() { this.use(this.$refs.picker.value); },
  fromText() { this.show(this.$refs.text.value); },
  useSuggestion() { this.use(this.suggestion); },

  use(hex) {
    this.$refs.text.value = hex;
    this.$refs.text.dispatchEvent(new Event("input", { bubbles: true }));
  },

  show(text) {
    const hex = readHex(text);
    if (!hex) return;
    this.$refs.picker.value = hex;
    this.isFine = isReadable(hex);
    this.isWeak = !this.isFine;
    this.suggestion = this.isWeak ? suggestShade(hex) : "";
    document.querySelectorAll("[data-accent-preview]").forEach((element) => previewAccent(element, hex));
  },
}));

component("printButton", () => ({
  print() { window.print(); },
}));
