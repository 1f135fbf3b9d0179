/**
 * On every page of a merchant's panel: one dialog serves all rows of a list. The button that opens it says what it is about:
 * data-action: where its form sends; data-fill: JSON, by name of a field, or of an element with data-fill-text="name".
 */
function put(field, value) {
  if (field.type === "checkbox") field.checked = Boolean(value);
  else if (field.type === "radio") field.checked = field.value === String(value);
  else if (field instanceof HTMLSelectElement && ![...field.options].some((option) => option.value === String(value ?? ""))) field.selectedIndex = 0;
  else field.value = value ?? "";
  field.dispatchEvent(new Event("input", { bubbles: true }));
}

document.addEventListener("modal-open", (event) => {
  const { opener } = event.detail ?? {};
  if (!opener?.dataset.action && !opener?.dataset.fill) return;
  const dialog = event.target;
  const form = dialog.querySelector("form");
  if (opener.dataset.action) form.dataset.action = opener.dataset.action;
  const box = form.querySelector("[data-form-error]");
  if (box) box.hidden = true;
  for (const [name, value] of Object.entries(JSON.parse(opener.dataset.fill ?? "{}"))) {
    for (const field of form.querySelectorAll(`[name="${CSS.escape(name)}"]:not([data-fixed])`)) put(field, value);
    for (const element of dialog.querySelectorAll(`[data-fill-text="${CSS.escape(name)}"]`)) element.textContent = value ?? "";
  }
});
