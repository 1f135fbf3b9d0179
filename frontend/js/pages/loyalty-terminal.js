/** The counter: x-data="terminal" around the whole page, put together from its parts. */
import { component, readData } from "../kit.js";
import { actions } from "./loyalty-terminal-actions.js";
import { cardView } from "./loyalty-terminal-card.js";
import { enrollView } from "./loyalty-terminal-enroll.js";
import { findView } from "./loyalty-terminal-find.js";
import { session } from "./loyalty-terminal-session.js";

const TICK_MS = 250;

/** One object of several, with their getters still getters. */
function merge(...parts) {
  const merged = {};
  for (const part of parts) Object.defineProperties(merged, Object.getOwnPropertyDescriptors(part));
  return merged;
}

const root = {
  program: null,
  view: "find",
  said: "",
  typed: "",
  isTouch: false,

  get isFinding() { return this.view === "find"; },
  get isPaneEmpty() { return this.view === "find"; },

  init() {
    const data = readData("terminal-data");
    this.useSession(data);
    this.listen();
    this.$nextTick(async () => {
      const isResumed = await this.resume();
      if (!isResumed && data.card_id) await this.openById(data.card_id);
      else if (!isResumed && this.isReady) this.focusView();
    });
  },

  listen() {
    setInterval(() => this.tick(), TICK_MS);
    document.addEventListener("visibilitychange", () => { if (!document.hidden) this.refreshSession(); });
    addEventListener("online", () => this.refreshSession());
    addEventListener("pageshow", (event) => { if (event.persisted) this.refreshSession(); });
    document.addEventListener("pointerdown", (event) => this.touched(event), { capture: true });
    document.addEventListener("keydown", (event) => this.onKey(event), { capture: true });
  },

  tick() {
    this.clock = Date.now();
    this.tickSession();
    this.tickActions();
  },

  /** Somebody is busy here: the terminal does not go back by itself. */
  touched(event) {
    this.isTouch = event.pointerType === "touch";
    if (!event.target.closest?.("[data-keeps-idle]")) this.stopIdle();
  },

  onKey(event) {
    this.isTouch = false;
    this.stopIdle();
    if (event.key === "Enter" && event.repeat) event.preventDefault(); // a key held down is one human action
    if (!this.isReadyForWork || this.isLocked) return;
    const isTyping = event.target.closest?.("input, textarea, select") !== null;
    if (event.key === "Escape" && !document.querySelector("details[data-popover][open]")) this.toFind();
    else if (event.key === "/" && !isTyping && this.view !== "find") {
      event.preventDefault();
      this.toFind();
    }
  },

  /** Runs `then` when what has just changed can be seen: x-show shows a moment after Alpine's next tick. */
  whenShown(then) {
    this.$nextTick(() => setTimeout(then));
  },

  stay() { this.stopIdle(); },
};

component("terminal", () => merge(actions, session, cardView, findView, enrollView, root));
