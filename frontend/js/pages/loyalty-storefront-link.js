/** The page behind a mailed link: the secret is in the address's fragment, which no server and no mail scanner sees. */
import { component } from "../kit.js";

const TOKEN = /^[\w-]{16,128}$/;

component("cardLink", () => ({
  isMissing: false,

  init() {
    const token = location.hash.slice(1);
    this.isMissing = !TOKEN.test(token);
    this.$root.querySelector("[name=token]").value = token;
    for (const button of this.$root.querySelectorAll("[type=submit]")) button.disabled = this.isMissing;
  },
}));
