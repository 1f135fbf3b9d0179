/** A form's fields as the JSON body our API takes. */
import { parseCents } from "./i18n.js";

function place(target, path, value) {
  const keys = path.split(".");
  const last = keys.pop();
  let node = target;
  for (const key of keys) node = node[key] ??= {};
  node[last] = value;
}

const asInteger = (text) => (/^-?\d+$/.test(text) ? Number(text) : text); // what is no number goes as it is: the server says why
const READERS = {
  int: asInteger,
  cents: (text) => parseCents(text) ?? text,
  decimal: (text) => text.replace(/[\s\u202f\u00a0]/g, "").replace(",", "."), // "1,5" is what people type in three of our languages
  bool: (text) => text === "true",
};

function readValue(field) {
  if (field.type === "checkbox") return field.checked;
  const text = field.type === "password" ? field.value : field.value.trim();
  const kind = field.dataset.type ?? (field.type === "number" ? "int" : "text");
  if (kind === "keep") return text;
  if (text === "") return field.required ? undefined : null;
  return READERS[kind] ? READERS[kind](text) : text;
}

function readDateParts(group) {
  const part = (name) => group.querySelector(`[data-part="${name}"]`).value.trim();
  const [year, month, day] = [part("year"), part("month"), part("day")];
  if (!year && !month && !day) return null;
  return `${year}-${month.padStart(2, "0")}-${day.padStart(2, "0")}`;
}

/**
 * Reads `form`: checkboxes as booleans (as lists when they carry a value), data-type int, cents, decimal, bool; an empty field is null, an
 * empty required one is left out; dots in names nest; fieldset[data-date-parts] becomes one ISO date.
 */
export function serialize(form) {
  const body = {};
  for (const field of form.elements) {
    if (!field.name || field.disabled || ["submit", "button", "reset", "fieldset"].includes(field.type)) continue;
    if (field.type === "radio" && !field.checked) continue;
    if (field.type === "checkbox" && field.hasAttribute("value")) {
      body[field.name] ??= [];
      if (field.checked) body[field.name].push(field.value);
      continue;
    }
    const value = readValue(field);
    if (value !== undefined) place(body, field.name, value);
  }
  for (const group of form.querySelectorAll("[data-date-parts]")) place(body, group.dataset.dateParts, readDateParts(group));
  return body;
}
