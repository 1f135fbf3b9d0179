/** Imports: a file is sent as it is, then its progress is followed until the server has more to show. Exports ask for what was chosen. */
import { ApiError, component, followWork, formatNumber, ngettext, request, _ } from "../kit.js";

const IMPORTS = "/api/v1/merchants/loyalty/imports";
const UPLOAD_MS = 5 * 60_000; // 10 MB over a slow line
const MAX_BYTES = 10 * 1024 * 1024;

component("importUpload", () => ({
  error: "",
  isBusy: false,

  clear() {
    this.error = "";
  },

  async send() {
    const [file] = this.$refs.input.files;
    if (this.isBusy) return;
    if (!file) return this.refuse(_("Please choose a file."));
    if (file.size > MAX_BYTES) return this.refuse(_("This file is larger than 10 MB. Please divide it into several."));
    this.clear();
    this.isBusy = true;
    try {
      const name = encodeURIComponent(file.name.replaceAll(/\p{C}/gu, "").slice(0, 200) || "import.csv");
      const job = await request(`${IMPORTS}?name=${name}`, { method: "POST", file, timeout: UPLOAD_MS });
      location.assign(`/merchants/import/${job.id}`);
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      this.refuse(error.errors[0]?.message ?? error.message);
    }
  },

  refuse(message) {
    this.isBusy = false;
    this.error = message;
    this.$refs.input.focus();
  },
}));

component("importJob", () => followWork({
  path: IMPORTS,
  isOver: (job, shown) => job.status !== shown.status,
  count: (job) => ({ done: job.counts.read ?? 0, all: job.lines }),
  say: (done) => ngettext("%(num)s line", "%(num)s lines", done, { num: formatNumber(done) }),
}));

// An empty field of a download means: no limit. The address then does not name it.
for (const form of document.querySelectorAll("form[data-skip-empty]")) {
  form.addEventListener("formdata", ({ formData }) => {
    for (const [name, value] of [...formData]) if (value === "") formData.delete(name);
  });
}
