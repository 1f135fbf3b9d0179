/** Texts and formats in the page's language. The page carries the translations its scripts need in <script id="i18n">. */

const locale = document.documentElement.lang || "en";
/** A browser may not know Luxembourgish; German in Luxembourg writes numbers the same way. */
const TAGS = { en: ["en-GB"], fr: ["fr-FR"], de: ["de-DE"], lb: ["lb-LU", "de-LU"] };
const tags = TAGS[locale] ?? ["fr-FR"];

function readMessages() {
  const block = document.getElementById("i18n");
  return block ? JSON.parse(block.textContent) : {};
}
const messages = readMessages();

function fill(text, params) {
  return text.replace(/%\((\w+)\)[sd]/g, (whole, name) => (name in params ? String(params[name]) : whole));
}

/** The translated text of an English sentence; `%(name)s` is filled from params. */
export function _(message, params = {}) {
  const found = messages[message];
  return fill(typeof found === "string" ? found : message, params);
}

/** The right form for `n`; `%(num)s` is `n` as the language writes it. French counts 0 and 1.5 as singular. */
export function ngettext(singular, plural, n, params = {}) {
  const isPlural = locale === "fr" ? Math.abs(n) > 1 : n !== 1;
  const forms = messages[singular];
  const text = Array.isArray(forms) ? forms[isPlural ? 1 : 0] : undefined;
  return fill(text ?? (isPlural ? plural : singular), { num: formatNumber(n), ...params });
}

const numbers = new Intl.NumberFormat(tags);
const euros = new Intl.NumberFormat(tags, { style: "currency", currency: "EUR" });
const times = new Intl.DateTimeFormat(tags, { hour: "2-digit", minute: "2-digit" });

export const formatNumber = (value) => numbers.format(value);
/** Cents as money: 1250 becomes 12,50 €. */
export const formatMoney = (cents) => euros.format(cents / 100);
/** The time of day of an ISO instant, in the device's zone. */
export const formatTime = (iso) => times.format(new Date(iso));

/**
 * Cents from what a person typed ("12,50", "12.5", "1 234,50 €", "1.234,50"); null when it is no amount.
 * The last point or comma followed by one or two digits is the decimal mark.
 */
export function parseCents(text) {
  const clean = text.replace(/[^\d.,]/g, "");
  const match = clean.match(/^([\d.,]*?)(?:[.,](\d{1,2}))?$/);
  if (!match || !/\d/.test(clean)) return null;
  const whole = match[1].replace(/[.,]/g, "");
  const cents = Number(whole || "0") * 100 + Number((match[2] ?? "").padEnd(2, "0"));
  return Number.isSafeInteger(cents) ? cents : null;
}
