/** Calls of our own JSON API: errors as one class, time limits, and keys that make a repeat harmless. */
import { _, ngettext } from "./i18n.js";

const TIMEOUT_MS = 10_000;
const STORE_PREFIX = "orion.action.";
const MAX_TRIES = 3;

/** What went wrong, in words for the person at the screen. `status` 0 means that no answer came. */
export class ApiError extends Error {
  constructor({ status = 0, code = "network", title = "", detail = "", errors = [], params = {}, requestId = "", retryAfter = 0 }) {
    super(detail || title);
    Object.assign(this, { status, code, title, detail, errors, params, requestId, retryAfter });
  }

  /** Whether nobody can know if the server did it: the same action may be sent again with the same key. */
  get isUndecided() {
    return this.status === 0 || this.status >= 500 || this.status === 429 || (this.status === 409 && this.retryAfter > 0);
  }

  /** Whether trying again by ourselves, soon, may help. */
  get isPassing() {
    return this.status === 0 || this.status === 502 || this.status === 503 || (this.status === 409 && this.retryAfter > 0);
  }
}

function unreachable(isTimeout) {
  return new ApiError({
    code: isTimeout ? "timeout" : "network",
    title: isTimeout ? _("The answer takes too long") : _("No connection"),
    detail: isTimeout
      ? _("Please try again. Nothing will be counted twice.")
      : _("Please check the network and try again. Nothing will be counted twice."),
  });
}

async function readProblem(response) {
  const body = await response.json().catch(() => ({}));
  const retryAfter = Number(response.headers.get("Retry-After")) || 0;
  const wait = retryAfter > 0 && response.status !== 409
    ? ` ${ngettext("Try again in %(num)s second.", "Try again in %(num)s seconds.", retryAfter)}` : "";
  return new ApiError({
    status: response.status,
    code: body.code ?? "",
    title: body.title ?? _("That did not work"),
    detail: (body.detail ?? _("Please load the page again and repeat what you did.")) + wait,
    errors: body.errors ?? [],
    params: body.params ?? {},
    requestId: body.request_id ?? "",
    retryAfter,
  });
}

/**
 * One request. `body` goes as JSON, `file` as it is; `key` is an Idempotency-Key. Answers the parsed body, null for an empty one.
 * Throws ApiError for everything that is not a success.
 */
export async function request(path, { method = "GET", body, file, key, timeout = TIMEOUT_MS } = {}) {
  const headers = { Accept: "application/json" };
  if (body !== undefined) headers["Content-Type"] = "application/json";
  if (file) headers["Content-Type"] = "text/csv";
  if (key) headers["Idempotency-Key"] = key;
  let response;
  try {
    response = await fetch(path, {
      method,
      headers,
      credentials: "same-origin",
      cache: "no-store",
      body: file ?? (body === undefined ? undefined : JSON.stringify(body)),
      signal: AbortSignal.timeout(timeout),
    });
  } catch (error) {
    throw unreachable(error.name === "TimeoutError");
  }
  if (!response.ok) throw await readProblem(response);
  if (response.status === 204) return null;
  try {
    const text = await response.text();
    return text ? JSON.parse(text) : null;
  } catch (error) {
    throw unreachable(error.name === "TimeoutError");
  }
}

export const get = (path, options) => request(path, { ...options, method: "GET" });
export const post = (path, body = {}, options) => request(path, { ...options, method: "POST", body });
export const put = (path, body = {}, options) => request(path, { ...options, method: "PUT", body });
export const patch = (path, body = {}, options) => request(path, { ...options, method: "PATCH", body });
export const remove = (path, options) => request(path, { ...options, method: "DELETE" });

/** A new key per human action; an unfinished action with the same content keeps its key, also over a reload. */
function keyFor(name, content) {
  const slot = STORE_PREFIX + name;
  try {
    const stored = JSON.parse(sessionStorage.getItem(slot) ?? "null");
    if (stored?.content === content) return stored.key;
    const key = crypto.randomUUID();
    sessionStorage.setItem(slot, JSON.stringify({ key, content }));
    return key;
  } catch {
    return crypto.randomUUID(); // storage is full or switched off: the key lives as long as the call
  }
}

/** crypto.randomUUID exists on https and on localhost only; a shop may try the demo on its own network. */
if (!crypto.randomUUID) {
  crypto.randomUUID = () => {
    const bytes = crypto.getRandomValues(new Uint8Array(16));
    return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
  };
}

const running = new Map();
const pause = (ms) => new Promise((resolve) => { setTimeout(resolve, ms); });

async function carryOut(name, path, body, { secret, keepsKey = () => false, ...options }) {
  const key = keyFor(name, JSON.stringify([path, body]));
  for (let attempt = 1; ; attempt += 1) {
    try {
      const answer = await request(path, { method: "POST", ...options, body: { ...body, ...secret }, key });
      forgetAct(name);
      return answer;
    } catch (error) {
      if (!error.isUndecided && !keepsKey(error)) forgetAct(name);
      if (!error.isPassing || attempt === MAX_TRIES) throw error;
      await pause(Math.max(error.retryAfter * 1000, 400 * 2 ** attempt));
    }
  }
}

/** The human action `name` is over, whatever became of it: the next one gets a key of its own. */
export function forgetAct(name) {
  sessionStorage.removeItem(STORE_PREFIX + name);
}

/**
 * One human action that moves value, enrolls or runs a bulk: sent with an Idempotency-Key that is stored before sending,
 * repeated by itself on a passing failure. A second call with the same `name` while the first runs joins it (double tap).
 * `secret` (a PIN) is sent along and stored nowhere; `keepsKey(error)` tells refusals after which the same action goes on.
 */
export function act(name, path, body = {}, options = {}) {
  if (!running.has(name)) {
    running.set(name, carryOut(name, path, body, options).finally(() => running.delete(name)));
  }
  return running.get(name);
}
