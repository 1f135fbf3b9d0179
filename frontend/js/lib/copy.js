/** The clipboard. */
import { toast } from "./toast.js";
import { _ } from "./i18n.js";

/** Copies `text` and says so, or says what to do where the browser does not allow it. */
export async function copyText(text) {
  try {
    await navigator.clipboard.writeText(text);
    toast(_("Copied"));
  } catch {
    toast(_("Copying is not allowed here. Please select the text and copy it yourself."), { kind: "warning" });
  }
}
