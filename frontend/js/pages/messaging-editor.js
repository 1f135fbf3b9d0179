/**
 * Writing a mail: variables go in where the cursor is, and the preview follows what is typed.
 *
 * The frame shows a document of ours under a policy of its own (inline styles, no scripts). What the server made of the sentences is put
 * into that document, so that nothing is loaded anew and the reader's place stays.
 */
import { component, followForm, guardUnsaved } from "../kit.js";

const WIDTHS = { wide: 640, narrow: 375 };

component("mailEditor", () => ({
  view: "wide",
  field: null,

  init() {
    const { frame, stage, problem, subject, preheader, text } = this.$refs;
    const form = this.$root.querySelector("#mail-form"); // a component of its own, and so is the form of the test: no refs reach into them
    this.field = form.elements.before;
    const isChanged = guardUnsaved(form);
    form.addEventListener("focusin", ({ target }) => { if (target.name) this.field = target; });
    form.addEventListener("input", () => { this.$root.querySelector("[data-unsaved]").hidden = !isChanged(); });
    followForm(form, {
      address: this.$root.dataset.preview,
      show: (mail) => {
        problem.textContent = "";
        subject.textContent = mail.subject;
        preheader.textContent = mail.preheader;
        text.textContent = mail.text;
        this.place(mail.html);
      },
      fail: (words) => { problem.textContent = words; },
    });
    frame.addEventListener("load", () => this.settle());
    new ResizeObserver(() => this.fit()).observe(stage.parentElement);
    if (matchMedia("(max-width: 640px)").matches) this.view = "narrow";
    this.show();
    this.settle();
  },

  /** Puts a variable where the cursor is, or was last. */
  insert(event) {
    const { field } = this;
    field.setRangeText(event.currentTarget.dataset.insert, field.selectionStart, field.selectionEnd, "end");
    field.focus();
    field.dispatchEvent(new Event("input", { bubbles: true }));
  },

  /** Puts the document `html` into the frame; parsed there, where the frame's policy counts and not this page's. */
  place(html) {
    const { contentDocument: shown, contentWindow } = this.$refs.frame;
    const parsed = new contentWindow.DOMParser().parseFromString(html, "text/html");
    shown.replaceChild(shown.adoptNode(parsed.documentElement), shown.documentElement);
    this.settle();
  },

  /** Takes the addresses of the links away: nothing in a preview leads anywhere. */
  settle() {
    const shown = this.$refs.frame.contentDocument;
    if (!shown?.body) return;
    shown.querySelectorAll("a[href]").forEach((link) => link.removeAttribute("href"));
    this.fit();
  },

  choose(event) {
    this.view = event.currentTarget.dataset.view;
    this.show();
  },

  show() {
    const isText = this.view === "text";
    this.$refs.stage.hidden = isText;
    this.$refs.text.hidden = !isText;
    for (const button of this.$root.querySelectorAll("[data-view]")) {
      button.setAttribute("aria-pressed", String(button.dataset.view === this.view));
    }
    this.fit();
  },

  /** Gives the mail its width, makes it smaller where there is less room, and shows it whole. */
  fit() {
    const { frame, stage } = this.$refs;
    const shown = frame.contentDocument?.body;
    if (!shown || this.view === "text") return;
    const width = WIDTHS[this.view];
    const scale = Math.min(1, stage.parentElement.clientWidth / width);
    frame.style.setProperty("width", `${width}px`);
    frame.style.setProperty("max-width", "none");
    shown.parentElement.style.setProperty("overflow", "hidden"); // a scroll bar would make the mail narrower while it is measured
    const height = shown.scrollHeight;
    frame.style.setProperty("height", `${height}px`);
    frame.style.setProperty("transform", `scale(${scale})`);
    stage.style.setProperty("width", `${Math.ceil(width * scale)}px`);
    stage.style.setProperty("height", `${Math.ceil(height * scale)}px`);
    stage.style.setProperty("margin-inline", "auto");
  },
}));
