/** Who is working: choosing a name, the PIN, the lock that closes by itself, a manager's help. */
import { Alpine, ApiError, get, openModal, closeModal, post, remove, _, ngettext } from "../kit.js";
import { CANCELLED, isPinRefusal } from "./loyalty-terminal-actions.js";
import { sayWhen } from "./loyalty-terminal-words.js";

const API = "/api/v1/store/loyalty";
const SOON_MS = 60_000;
const KEPT_MS = 60_000; // so long a card waits behind the lock for the one who opened it
const DIALOG = "pin-modal";
const PAIR_PAGE = "/store/terminal/pair";

const initialsOf = (name) => name.trim().split(/\s+/).slice(0, 2).map((word) => word[0]).join("").toUpperCase();

export const session = {
  team: [],
  policy: "required",
  unlockMinutes: 0,
  staff: null,
  unlockedUntil: 0,
  clock: Date.now(),
  skew: 0,
  lockedAt: 0,
  pinJob: null,
  pinPerson: null,
  pinReason: "",
  pinLocked: false,
  pinHelps: null,

  /** Takes over what the server said of the terminal; `skew` is how far this device's clock is behind the server's. */
  useSession(data) {
    this.skew = Date.parse(data.now) - Date.now();
    this.team = data.team.items.map((person) => ({ ...person, initials: initialsOf(person.display_name) }));
    this.policy = data.team.pin_policy;
    this.unlockMinutes = data.unlock_minutes;
    this.program = data.program;
    this.useStaff(data.staff, data.unlocked_until);
  },

  useStaff(staff, until) {
    this.staff = staff;
    this.unlockedUntil = until ? Date.parse(until) - this.skew : 0;
    this.clock = Date.now();
  },

  get isOpen() { return this.staff !== null && this.clock < this.unlockedUntil; },
  /** With 0 minutes every action asks for itself; then there is nothing to open first. */
  get isLocked() { return this.policy === "required" && this.unlockMinutes > 0 && !this.isOpen; },
  get isReady() { return !this.isLocked; },
  get staffName() { return this.isOpen ? this.staff.display_name : ""; },
  get canSignIn() { return this.policy !== "off" && this.unlockMinutes > 0 && !this.isOpen && this.isReady && this.team.length > 0; },
  get isLockingSoon() { return this.isOpen && this.policy === "required" && this.unlockedUntil - this.clock < SOON_MS; },
  get lockNotice() { return _("Locks in %(seconds)s s", { seconds: this.secondsTo(this.unlockedUntil) }); },

  /** Whether a PIN will be asked for, so that it can be asked first. The server decides all the same. */
  asksPin(demand) {
    if (demand === "manager") return true;
    if (this.policy === "off") return false;
    return demand === "again" || (this.policy === "required" && !this.isOpen);
  },

  tickSession() {
    if (this.staff && this.clock >= this.unlockedUntil) {
      this.staff = null;
      this.lockedAt = this.clock;
      if (this.isLocked) this.whenShown(() => document.getElementById("lock-title")?.focus());
    }
  },

  choosePerson(event) {
    this.openFor(event.currentTarget.dataset.id);
  },

  signIn() { this.openFor(null); },

  async openFor(id) {
    try {
      const answer = await this.withPin({ personId: id }, (pin) => post(`${API}/staff/session`, pin));
      if (answer !== CANCELLED) this.opened(answer);
    } catch (error) {
      this.failPlainly(error);
    }
  },

  opened(answer) {
    const wasAnother = this.lockedAt && Date.now() - this.lockedAt > KEPT_MS;
    this.useStaff(answer.staff, answer.unlocked_until);
    this.lockedAt = 0;
    this.markLocked(answer.staff.id, false);
    if (wasAnother) this.toFind();
    else this.whenShown(() => this.focusView());
  },

  async lock() {
    this.toFind();
    this.clearResult();
    try {
      await remove(`${API}/staff/session`);
      this.useStaff(null, null);
      this.whenShown(() => document.getElementById("lock-title")?.focus());
    } catch (error) {
      this.failPlainly(error);
    }
  },

  /** Asks the server again how things stand: after the device slept, or came back to the network. */
  async refreshSession() {
    try {
      this.useSession(await get(`${API}/session`));
    } catch (error) {
      if (error instanceof ApiError) this.leaveIfEnded(error);
      else throw error;
    }
  },

  leaveIfEnded(error) {
    const isEnded = error.status === 401 || error.code === "terminal_revoked";
    if (isEnded) location.assign(PAIR_PAGE);
    return isEnded;
  },

  failPlainly(error) {
    if (!(error instanceof ApiError)) throw error;
    if (!this.leaveIfEnded(error)) this.showProblem(error);
  },

  markLocked(id, isLocked) {
    this.team = this.team.map((person) => (person.id === id ? { ...person, is_locked: isLocked } : person));
  },

  // --- The PIN dialog -------------------------------------------------------------------------------------------------

  /**
   * Asks for a PIN and hands it to `use({pin_id, pin})`, as often as the server finds it wrong; answers what `use` answers, or
   * CANCELLED when the dialog is closed. `personId` was chosen before; isManager: only managers may.
   */
  withPin({ isManager = false, reason = "", personId = null }, use) {
    return new Promise((resolve, reject) => {
      this.pinJob = { isManager, use, resolve, reject, isRunning: false };
      this.pinReason = reason || (isManager ? _("A manager has to enter their PIN for this.") : "");
      this.pinHelps = null;
      this.pinLocked = false;
      const known = personId ?? (this.isOpen ? this.staff.id : null);
      const people = this.pinPeople;
      this.pinPerson = people.find((person) => person.id === known) ?? (people.length === 1 ? people[0] : null);
      this.whenShown(() => { openModal(DIALOG); this.focusPin(); });
    });
  },

  get pinPeople() {
    const job = this.pinJob;
    if (this.pinHelps) return this.team.filter((person) => person.role === "manager" && person.id !== this.pinHelps.id);
    return job?.isManager ? this.team.filter((person) => person.role === "manager") : this.team;
  },
  get isChoosing() { return this.pinPerson === null; },
  get isTyping() { return this.pinPerson !== null; },
  get hasNobody() { return this.pinPeople.length === 0; },
  get hasPinReason() { return this.pinReason !== ""; },
  get pinName() { return this.pinPerson?.display_name ?? ""; },
  get pinInitials() { return this.pinPerson?.initials ?? ""; },
  get canChange() { return this.pinPeople.length > 1; },
  get chooseTitle() { return this.pinHelps || this.pinJob?.isManager ? _("Which manager?") : _("Who is working?"); },

  choosePinPerson(event) {
    this.pinPerson = this.pinPeople.find((person) => person.id === event.currentTarget.dataset.id) ?? null;
    this.pinLocked = false;
    this.whenShown(() => this.focusPin());
  },

  changePerson() {
    this.pinPerson = null;
    this.pinLocked = false;
    this.whenShown(() => this.focusPin());
  },

  focusPin() {
    const dialog = document.getElementById(DIALOG);
    if (this.isTyping) {
      Alpine.$data(document.getElementById("terminal-pin")).reset();
      document.getElementById("terminal-pin-input").focus();
    } else dialog.querySelector(".person")?.focus();
  },

  async onPin(event) {
    const { pin, fail } = event.detail;
    const job = this.pinJob;
    const proof = { pin_id: this.pinPerson.id, pin };
    if (this.pinHelps) {
      await this.helpWith(proof, fail);
      return;
    }
    job.isRunning = true;
    try {
      this.endPin(job, job.resolve, await job.use(proof));
    } catch (error) {
      if (!isPinRefusal(error)) this.endPin(job, job.reject, error);
      else if (document.getElementById(DIALOG).open) this.refusePin(job, error, fail);
      else this.endPin(job, job.resolve, CANCELLED); // closed while the answer was on its way
    } finally {
      job.isRunning = false;
    }
  },

  refusePin(job, error, fail) {
    if (error.code === "manager_pin_required") {
      job.isManager = true;
      this.pinReason = error.detail;
      this.changePerson();
      return;
    }
    const left = error.params.tries_left;
    const more = left === undefined ? sayWhen(error.params) : this.sayLeft(left);
    fail([error.detail, more].filter(Boolean).join(" "));
    this.pinLocked = error.code === "pin_locked" || left === 0;
    if (this.pinLocked) this.markLocked(this.pinPerson.id, true);
  },

  sayLeft(left) {
    return left > 0 ? ngettext("%(num)s try left.", "%(num)s tries left.", left) : _("That was the last try: the PIN is locked now.");
  },

  endPin(job, settle, value) {
    if (this.pinJob === job) this.pinJob = null;
    const dialog = document.getElementById(DIALOG);
    if (!dialog.open) {
      settle(value);
      return;
    }
    dialog.addEventListener("modal-close", () => settle(value), { once: true }); // the focus is back where it was by then
    closeModal(dialog);
  },

  onPinClose() {
    const job = this.pinJob;
    if (job && !job.isRunning) {
      this.pinJob = null;
      job.resolve(CANCELLED);
    }
  },

  /** A locked PIN: a manager types theirs, and the colleague may try again. */
  askManager() {
    this.pinHelps = this.pinPerson;
    this.pinReason = _("A manager can unlock the PIN of %(name)s.", { name: this.pinPerson.display_name });
    this.pinLocked = false;
    this.pinPerson = this.pinPeople.length === 1 ? this.pinPeople[0] : null;
    this.whenShown(() => this.focusPin());
  },

  async helpWith(proof, fail) {
    const helped = this.pinHelps;
    try {
      await post(`${API}/pins/${helped.id}/unlock`, { pin: proof });
      this.pinHelps = null;
      this.markLocked(helped.id, false);
      this.pinReason = _("Unlocked. %(name)s can enter the PIN now.", { name: helped.display_name });
      this.pinPerson = this.team.find((person) => person.id === helped.id);
      this.whenShown(() => this.focusPin());
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      const left = error.params.tries_left;
      fail([error.detail, left === undefined ? sayWhen(error.params) : this.sayLeft(left)].filter(Boolean).join(" "));
    }
  },
};
