/**
 * Writing a page: Markdown goes in where the cursor is, and the preview follows what is typed.
 *
 * The frame shows the page in the storefront's look, under a policy without scripts. The server's HTML is parsed in there.
 */
import { component, followForm, guardUnsaved } from "../kit.js";

component("pageEditor", () => ({
  form: null,

  init() {
    const { frame, problem } = this.$refs;
    this.form = this.$root.querySelector("#page-text");
    const isChanged = guardUnsaved(this.form);
    this.form.addEventListener("input", () => {
      for (const note of document.querySelectorAll("[data-unsaved]")) note.hidden = !isChanged();
    });
    followForm(this.form, {
      address: this.$root.dataset.preview,
      pick: ({ title, body }) => ({ title, body }),
      show: (page) => {
        problem.textContent = "";
        this.place(frame, page);
      },
      fail: (text) => { problem.textContent = text; },
    });
  },

  place(frame, { title, html }) {
    const { contentDocument: shown, contentWindow } = frame;
    const body = shown?.querySelector("[data-page-body]");
    if (!body) return;
    shown.querySelector("[data-page-title]").textContent = title;
    const parsed = new contentWindow.DOMParser().parseFromString(html, "text/html");
    body.replaceChildren(...[...parsed.body.childNodes].map((node) => shown.adoptNode(node)));
  },

  /** Puts marks around what is selected, or an example where nothing is. */
  insert(event) {
    const { before, after = "", example } = event.currentTarget.dataset;
    const field = this.form.elements.body;
    const { selectionStart: start, selectionEnd: end, value } = field;
    const words = value.slice(start, end) || example;
    const isBlock = before.endsWith(" ");
    const lead = isBlock && start > 0 && value[start - 1] !== "\n" ? "\n\n" : "";
    field.setRangeText(`${lead}${before}${words}${after}`, start, end, "end");
    field.focus();
    field.dispatchEvent(new Event("input", { bubbles: true }));
  },
}));
