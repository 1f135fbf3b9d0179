/** Live preview of a merchant's colour. The server decides (app/core/web/theme.py); this only shows it while typing. */

const BLACK = "#000000";
const WHITE = "#ffffff";
const CARD_CONTRAST = 7;

const channels = (hex) => [1, 3, 5].map((place) => parseInt(hex.slice(place, place + 2), 16));
const toHex = (values) => `#${values.map((value) => Math.round(value).toString(16).padStart(2, "0")).join("")}`;

function luminance(hex) {
  const [red, green, blue] = channels(hex).map((value) => {
    const share = value / 255;
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}

function contrast(first, second) {
  const [low, high] = [luminance(first), luminance(second)].sort((a, b) => a - b);
  return (high + 0.05) / (low + 0.05);
}

/** "1B5E20" or "#1b5e20" as "#1b5e20"; null for what is no colour. */
export function readHex(text) {
  const match = text.trim().match(/^#?([0-9a-f]{6})$/i);
  return match ? `#${match[1].toLowerCase()}` : null;
}

export const textColourOn = (hex) => (contrast(hex, WHITE) >= contrast(hex, BLACK) ? WHITE : BLACK);
export const isReadable = (hex) => contrast(hex, textColourOn(hex)) >= CARD_CONTRAST;

/** The closest shade, towards black or white, on which text is readable. */
export function suggestShade(hex) {
  for (let share = 0; share <= 1; share += 0.01) {
    for (const end of [0, 255]) {
      const shade = toHex(channels(hex).map((value) => value + (end - value) * share));
      if (isReadable(shade)) return shade;
    }
  }
  return BLACK;
}

/** Gives every card below `root` the colour, through the style sheet's own properties (allowed by the policy). */
export function previewAccent(root, hex) {
  const text = textColourOn(hex);
  for (const card of [root, ...root.querySelectorAll(".lcard")]) {
    card.style.setProperty("--merchant", hex);
    card.style.setProperty("--merchant-text", text);
    card.style.setProperty("--merchant-shade", text === WHITE ? BLACK : WHITE);
  }
}
