/** A new API key: its secret is shown once, in a dialog of its own. */
import { component, copyText, openModal } from "../kit.js";

document.addEventListener("form-saved", (event) => {
  if (event.target.id !== "key-form") return;
  const { answer } = event.detail;
  // After the first dialog has closed: one at a time.
  setTimeout(() => openModal("secret", { answer }));
});

component("newKey", () => ({
  name: "",
  secret: "",

  init() {
    this.$root.addEventListener("modal-open", (event) => this.show(event.detail.answer));
    this.$root.addEventListener("modal-close", () => this.forget());
  },

  show({ name, secret }) {
    this.name = name;
    this.secret = secret;
  },

  copy() {
    return copyText(this.secret);
  },

  forget() {
    this.secret = "";
    location.reload();
  },
}));
