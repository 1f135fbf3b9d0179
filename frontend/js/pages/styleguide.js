/** The style guide's own buttons; also the shortest example of a page script. */
import { component, formatMoney, toast, _ } from "../kit.js";

component("styleguide", () => ({
  heard: "",

  switchTheme() {
    const html = document.documentElement;
    const isDark = html.dataset.theme ? html.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
    html.dataset.theme = isDark ? "light" : "dark";
  },

  showToast(event) {
    const { kind, text } = event.currentTarget.dataset;
    toast(text, { kind });
  },

  showUndo() {
    toast("Stamp added for Léa Muller", { seconds: 10, action: { label: _("Undo"), run: () => toast("Stamp taken back", { kind: "info" }) } });
  },

  onPin(event) {
    const { pin, fail, reset } = event.detail;
    if (pin !== "248613") return fail("This PIN is not right. 4 tries left.");
    reset();
    toast("The right PIN");
  },

  onAmount(event) {
    const points = Math.floor(event.detail.cents / 100);
    this.heard = `${formatMoney(event.detail.cents)} earns ${points} points`;
  },

  onScan(event) {
    this.heard = `Code read: ${event.detail.text}`;
  },
}));
