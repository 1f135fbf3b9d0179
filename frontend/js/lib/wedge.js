/**
 * A USB barcode scanner types like a keyboard, only faster than any person, and ends with Enter.
 * Emits `wedge-scan` {text} on document for what was typed that fast outside of a field, and for whatever `isCode` knows, however
 * slow the scanner and wherever the cursor: then a field gets its text back, because nobody scans a card into an amount on purpose.
 */
const MAX_GAP_MS = 40;
const SLOWEST_GAP_MS = 500; // of scanners by radio, on a busy device
const MIN_LENGTH = 6;

function emit(event, text) {
  event.preventDefault(); // or the Enter would press the button that has the focus, or send the form
  event.stopPropagation();
  document.dispatchEvent(new CustomEvent("wedge-scan", { detail: { text } }));
}

function giveBack(field, value) {
  field.value = value;
  field.dispatchEvent(new Event("input", { bubbles: true }));
}

export function installWedge(target = document, { isCode = () => false } = {}) {
  let text = ""; // since the last pause
  let burst = ""; // since the last gap that is too long for a scanner on a cable
  let before = "";
  let last = 0;
  target.addEventListener("keydown", (event) => {
    const field = event.target.closest?.("input, textarea, select") ?? null;
    if (event.ctrlKey || event.metaKey || event.altKey || field?.type === "password") return;
    const gap = event.timeStamp - last;
    last = event.timeStamp;
    if (gap > SLOWEST_GAP_MS) text = "";
    if (gap > MAX_GAP_MS) burst = "";
    if (event.key === "Enter") {
      const code = [text, burst].find(isCode);
      if (code && field) giveBack(field, before);
      if (code) emit(event, code);
      else if (!field && burst.length >= MIN_LENGTH) emit(event, burst);
      text = "";
      burst = "";
    } else if (event.key.length === 1) {
      if (text === "") before = field?.value ?? "";
      text += event.key;
      burst += event.key;
      if (burst.length > 1 && !field) event.preventDefault();
    }
  }, { capture: true });
}
