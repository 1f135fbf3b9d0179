/**
 * A preview that follows a form: after a short pause in typing the server is asked what the fields make.
 * `show` gets its answer, unless a later question has overtaken it; `fail` gets what it refused, as one sentence.
 */
import { ApiError, post } from "./api.js";
import { serialize } from "./serialize.js";

const PAUSE_MS = 350;

export function followForm(form, { address, show, fail, pick = (values) => values }) {
  let timer = 0;
  let turn = 0;

  async function refresh() {
    turn += 1;
    const mine = turn;
    try {
      const answer = await post(address, pick(serialize(form)));
      if (mine === turn) show(answer);
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      if (mine === turn) fail([...new Set(error.errors.map(({ message }) => message))].join(" ") || error.detail);
    }
  }

  form.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(refresh, PAUSE_MS);
  });
}

/** Warns before a page is left whose form holds what was not saved; returns how to ask whether it does. */
export function guardUnsaved(form) {
  let saved = JSON.stringify(serialize(form));
  const isChanged = () => JSON.stringify(serialize(form)) !== saved;
  form.addEventListener("form-saved", () => { saved = JSON.stringify(serialize(form)); });
  addEventListener("beforeunload", (event) => { if (isChanged()) event.preventDefault(); });
  return isChanged;
}
