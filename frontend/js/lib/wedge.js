/**
 * A USB barcode scanner types like a keyboard, only faster than any person, and ends with Enter.
 * Emits `wedge-scan` {text} on document. A text field gets the characters, as from a keyboard, unless they are a code that
 * `codes` knows: then the field gets its text back, because nobody scans a card into an amount on purpose.
 */
const MAX_GAP_MS = 40;
const MIN_LENGTH = 6;

function emit(event, text) {
  event.preventDefault(); // or the Enter would press the button that has the focus
  event.stopPropagation();
  document.dispatchEvent(new CustomEvent("wedge-scan", { detail: { text } }));
}

function giveBack(field, value) {
  field.value = value;
  field.dispatchEvent(new Event("input", { bubbles: true }));
}

export function installWedge(target = document, { codes = null } = {}) {
  let text = "";
  let before = "";
  let last = 0;
  target.addEventListener("keydown", (event) => {
    const field = event.target.closest?.("input, textarea, select") ?? null;
    if (event.ctrlKey || event.metaKey || event.altKey || field?.type === "password" || (field && !codes)) return;
    const gap = event.timeStamp - last;
    last = event.timeStamp;
    if (gap > MAX_GAP_MS) text = "";
    if (event.key === "Enter") {
      if (field && codes.test(text)) {
        giveBack(field, before);
        emit(event, text);
      } else if (!field && text.length >= MIN_LENGTH) emit(event, text);
      text = "";
    } else if (event.key.length === 1) {
      if (text === "") before = field?.value ?? "";
      text += event.key;
      if (text.length > 1 && !field) event.preventDefault();
    }
  }, { capture: true });
}
