/** Pairing: the code, how long it still works, and that the device has arrived. */
import { component, get, openModal, toastOnNextPage, _ } from "../kit.js";

const LOOK_MS = 3000;
const TERMINALS = "/api/v1/merchants/loyalty/terminals";

document.addEventListener("form-saved", (event) => {
  if (event.target.id !== "pair-form") return;
  const { answer } = event.detail;
  // After the first dialog has closed: one at a time.
  setTimeout(() => openModal("code", { answer }));
});

component("pairingCode", () => ({
  code: "",
  left: "",
  isWaiting: false,
  isOver: false,

  init() {
    this.$root.addEventListener("modal-open", (event) => this.start(event.detail.answer));
    this.$root.addEventListener("modal-close", () => this.stop());
  },

  start(answer) {
    this.answer = answer;
    this.code = answer.code;
    this.isWaiting = true;
    this.isOver = false;
    // By the device's own steady clock: its time of day may be wrong.
    this.deadline = performance.now() + Number(this.$root.dataset.seconds) * 1000;
    this.tick();
    this.ticking = setInterval(() => this.tick(), 1000);
    this.looking = setInterval(() => this.look(), LOOK_MS);
  },

  stop() {
    clearInterval(this.ticking);
    clearInterval(this.looking);
    this.code = "";
  },

  tick() {
    const seconds = Math.max(0, Math.ceil((this.deadline - performance.now()) / 1000));
    const clock = `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
    this.left = _("Works for another %(time)s min, once", { time: clock });
    if (seconds > 0) return;
    this.isWaiting = false;
    this.isOver = true;
    clearInterval(this.ticking);
    clearInterval(this.looking);
  },

  async look() {
    let items;
    try {
      ({ items } = await get(TERMINALS));
    } catch {
      return; // the next look may succeed; the code on the screen stays right
    }
    if (items.length <= Number(this.$root.dataset.known)) return;
    toastOnNextPage(_("%(name)s is paired", { name: this.answer.name }));
    location.reload();
  },
}));
