/**
 * A USB barcode scanner types like a keyboard, only faster than any person, and ends with Enter.
 * Emits `wedge-scan` {text} on document. Inside a text field the field gets the characters, as from a keyboard.
 */
const MAX_GAP_MS = 40;
const MIN_LENGTH = 6;

export function installWedge(target = document) {
  let text = "";
  let last = 0;
  target.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest?.("input, textarea, select")) return;
    const gap = event.timeStamp - last;
    last = event.timeStamp;
    if (gap > MAX_GAP_MS) text = "";
    if (event.key === "Enter") {
      if (text.length >= MIN_LENGTH) {
        event.preventDefault(); // or the Enter would press the button that has the focus
        event.stopPropagation();
        document.dispatchEvent(new CustomEvent("wedge-scan", { detail: { text } }));
      }
      text = "";
    } else if (event.key.length === 1) {
      text += event.key;
      if (text.length > 1) event.preventDefault();
    }
  }, { capture: true });
}
