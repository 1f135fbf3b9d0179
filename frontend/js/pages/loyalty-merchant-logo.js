/** The logo: uploaded as soon as it is chosen, because the content policy shows only pictures that the server sends; then seen on the card. */
import { ApiError, component, put, readData, toast, _ } from "../kit.js";

const ADDRESS = "/api/v1/merchants/loyalty/program/logo";
const TIMEOUT_MS = 60_000; // a large picture over a slow line

function readAsBase64(file) {
  return new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.addEventListener("load", () => resolve(reader.result.split(",")[1] ?? ""));
    reader.addEventListener("error", () => reject(reader.error));
    reader.readAsDataURL(file);
  });
}

function makePicture(address) {
  const picture = document.createElement("img");
  picture.src = address;
  picture.alt = "";
  picture.width = 48;
  picture.height = 48;
  return picture;
}

function makeInitial(name) {
  const initial = document.createElement("span");
  initial.setAttribute("aria-hidden", "true");
  initial.textContent = [...name.trim()][0]?.toUpperCase() ?? "";
  return initial;
}

/** Puts the logo, or the initial when there is none, onto the card of the preview. */
function showOnCard(address) {
  const element = address ? makePicture(address) : makeInitial(readData("program-data").merchant_name);
  element.className = "lcard-logo";
  document.querySelector("[data-accent-preview] .lcard-logo").replaceWith(element);
}

component("logoField", () => ({
  error: "",
  isBusy: false,
  hasLogo: false,
  last: null,

  init() {
    this.hasLogo = this.$root.dataset.hasLogo === "true";
    document.addEventListener("form-saved", (event) => {
      if (!event.target.closest("#remove-logo")) return;
      this.hasLogo = false;
      this.say("");
      showOnCard(null);
    });
    // The button that opened the dialog is gone: the keyboard goes on from the field.
    document.addEventListener("modal-close", (event) => {
      if (event.target.id === "remove-logo" && !this.hasLogo) this.$refs.input.focus();
    });
  },

  /** Says `message` at the field; empty: all is well. */
  say(message) {
    this.error = message;
    if (message) this.$refs.input.setAttribute("aria-invalid", "true");
    else this.$refs.input.removeAttribute("aria-invalid");
  },

  /** One after the other: whoever chooses again while the first is under way gets the last one. */
  onChosen() {
    const { input } = this.$refs;
    const [file] = input.files;
    if (!file) return;
    input.value = ""; // so that the same file may be chosen again
    this.last = Promise.resolve(this.last).then(() => this.send(file));
  },

  async send(file) {
    this.say("");
    this.isBusy = true;
    try {
      await this.upload(file);
    } catch (error) {
      if (error instanceof ApiError) this.say(error.errors[0]?.message ?? (error.detail || error.title));
      else this.say(_("This picture could not be read. Please save it again as PNG or JPEG and try once more."));
    } finally {
      this.isBusy = false;
    }
  },

  async upload(file) {
    const most = Number(this.$root.dataset.maxBytes);
    if (file.size > most) {
      this.say(_("This picture is too large. Please use one of at most %(kilobytes)s kB.", { kilobytes: most / 1000 }));
      return;
    }
    const answer = await put(ADDRESS, { content: await readAsBase64(file) }, { timeout: TIMEOUT_MS });
    this.hasLogo = true;
    showOnCard(answer.logo_path);
    toast(_("Logo saved"));
  },
}));
