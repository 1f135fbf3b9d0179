/**
 * Doing things: one human action at a time, sent with a key of its own, asked for a PIN where it needs one, and kept until its
 * outcome is known, also over a reload. A job is {kind, cardId, path, body, demand, reward}; it holds no PIN.
 */
import { act, ApiError, forgetAct, _ } from "../kit.js";
import { sayDone, sayWhen } from "./loyalty-terminal-words.js";

const PENDING = "orion.terminal.pending";
const COOL_MS = 700; // longer than the second tap of a double tap takes
const RESULT_MS = 10_000; // also how long undo is offered
const IDLE_MS = 8_000;
const PIN_CODES = new Set(["pin_required", "manager_pin_required", "pin_wrong", "pin_locked", "pin_not_found"]);

/** Whether the server wants a PIN, or another one: nothing was done, and the same action goes on with the same key. */
export const isPinRefusal = (error) => error instanceof ApiError && PIN_CODES.has(error.code);
export const CANCELLED = Symbol("cancelled");

const nameOf = (job) => `${job.kind}:${job.cardId}`;

function keepPending(job) {
  try { sessionStorage.setItem(PENDING, JSON.stringify(job)); } catch { /* then a reload forgets it; the server's history does not */ }
}

export function readPending() {
  try { return JSON.parse(sessionStorage.getItem(PENDING) ?? "null"); } catch { return null; }
}

function dropPending(job) {
  sessionStorage.removeItem(PENDING);
  forgetAct(nameOf(job));
}

const NO_PROBLEM = { title: "", detail: "", when: "", id: "", canRetry: false };

export const actions = {
  isBusy: false,
  isCooling: false,
  problem: NO_PROBLEM,
  hasProblem: false,
  undecided: null,
  resultText: "",
  undoJob: null,
  resultUntil: 0,
  idleUntil: 0,

  get isHeld() { return this.isBusy || this.isCooling; },
  get ariaBusy() { return this.isBusy ? "true" : "false"; },
  get hasResult() { return this.resultText !== ""; },
  get canUndo() { return this.undoJob !== null; },
  get isIdle() { return this.idleUntil > 0; },
  get undoLabel() { return _("Undo (%(seconds)s)", { seconds: this.secondsTo(this.resultUntil) }); },
  get stayLabel() { return _("Stay here (%(seconds)s)", { seconds: this.secondsTo(this.idleUntil) }); },

  secondsTo(moment) { return Math.max(0, Math.ceil((moment - this.clock) / 1000)); },

  /** Carries out a human action; a second one while the first runs, and shortly after, is a double tap. */
  async carryOut(job) {
    if (this.isHeld) return;
    this.isBusy = true;
    this.clearProblem();
    this.stopIdle();
    try {
      const answer = await this.send(job);
      dropPending(job);
      if (answer !== CANCELLED) this.succeed(job, answer);
    } catch (error) {
      this.refuse(job, error);
    } finally {
      this.isBusy = false;
      this.cool();
    }
  },

  async send(job) {
    const attempt = (pin) => {
      keepPending(job);
      return act(nameOf(job), job.path, job.body, { secret: pin ? { pin } : {}, keepsKey: isPinRefusal });
    };
    if (this.asksPin(job.demand)) return this.withPin({ isManager: job.demand === "manager" }, attempt);
    try {
      return await attempt();
    } catch (error) {
      if (!isPinRefusal(error)) throw error;
      return this.withPin({ isManager: error.code === "manager_pin_required", reason: error.detail }, attempt);
    }
  },

  cool() {
    this.isCooling = true;
    setTimeout(() => {
      this.isCooling = false;
      this.whenShown(() => this.keepFocus());
    }, COOL_MS);
  },

  succeed(job, answer) {
    this.undecided = null;
    if (job.kind === "enroll") {
      this.showEnrolled(answer);
      return;
    }
    const canUndo = job.kind !== "void" && job.kind !== "adjust";
    this.showResult(sayDone(job.kind, answer, job.reward), canUndo ? this.voidJob(answer.card.id, answer.transaction) : null);
    this.showChange(answer);
    this.idleUntil = this.clock + IDLE_MS;
  },

  showResult(text, undoJob = null) {
    this.clock = Date.now();
    this.resultText = text;
    this.undoJob = undoJob;
    this.resultUntil = this.clock + RESULT_MS;
  },

  clearResult() {
    this.resultText = "";
    this.undoJob = null;
  },

  /** The job that takes a row back. Cancelling a redemption is a void, too. */
  voidJob(cardId, transaction) {
    const face = transaction.type.startsWith("stamp") ? "stamp" : "points";
    return {
      kind: "void",
      cardId,
      path: `/api/v1/store/loyalty/${face}/void`,
      body: { transaction_id: transaction.id },
      demand: "again",
    };
  },

  undo() {
    const job = this.undoJob;
    if (job && !this.isHeld) {
      this.undoJob = null;
      this.carryOut(job);
    }
  },

  refuse(job, error) {
    if (!(error instanceof ApiError)) throw error;
    if (this.leaveIfEnded(error)) return;
    this.undecided = error.isUndecided ? job : null;
    if (!error.isUndecided) dropPending(job);
    if (job.kind === "enroll" && this.showEnrollRefusal(error)) return;
    this.showProblem(error, error.isUndecided);
    if (!error.isUndecided) this.refreshCard();
  },

  showProblem(error, canRetry = false) {
    this.problem = {
      title: error.title,
      detail: error.detail,
      when: sayWhen(error.params),
      id: error.status >= 500 && error.requestId ? _("Request %(id)s", { id: error.requestId }) : "",
      canRetry,
    };
    this.hasProblem = true;
  },

  clearProblem() {
    this.hasProblem = false;
    this.problem = NO_PROBLEM;
  },

  /** The same action with the same key: whatever became of the first try, it counts once. */
  retry() {
    const job = this.undecided;
    if (job) this.carryOut(job);
  },

  /** Nobody wants to know any more; the next tap is an action of its own. */
  dismissProblem() {
    if (this.undecided) dropPending(this.undecided);
    this.undecided = null;
    this.clearProblem();
    this.refreshCard();
  },

  /** After a reload in the middle of an action: says so and offers to find out. */
  async resume() {
    const job = readPending();
    if (!job) return false;
    if (job.cardId !== "new") await this.openById(job.cardId);
    this.undecided = job;
    this.showProblem(new ApiError({
      title: _("The last action was interrupted"),
      detail: _("It is not known whether it arrived. Check and try again: it counts once, whatever happened."),
    }), true);
    return true;
  },

  stopIdle() { this.idleUntil = 0; },

  /** Called by the clock: undo runs out, and the terminal is ready for the next customer. */
  tickActions() {
    if (this.hasResult && this.clock >= this.resultUntil) this.clearResult();
    if (this.isIdle && this.clock >= this.idleUntil) this.toFind();
  },
};
