/** The card on the right: what it holds, what can be done with it, its history. */
import { Alpine, ApiError, formatMoney, formatNumber, get, serialize, _, ngettext } from "../kit.js";
import { clearErrors, showErrors } from "../components/form.js";
import { formatMoment, sayDelta, sayPoints, sayProgress, sayRow } from "./loyalty-terminal-words.js";

const API = "/api/v1/store/loyalty";
const MOST_STAMPS = 20; // offered by the stepper where the program sets no daily limit
const MOST_DRAWN = 24; // more circles than that are a number
const RATE_DIVISOR = 1_000_000; // cents times ten-thousandths of a point per euro
const HISTORY_ROWS = 10;
const LEAST_REASON = 3;
const FIRST_FIELDS = { earn: "terminal-amount", adjust: "adjust-points" };
const PANELS = ["stamp", "earn", "rewards", "history", "adjust", "code"];

const fullName = (holder) => [holder?.first_name, holder?.last_name].filter(Boolean).join(" ");

/** The stamps that the circles show: a full card stays full until the next stamp. */
function shownStamps({ stamp_count: count, stamps_target: target }) {
  return count > 0 && count % target === 0 ? target : count % target;
}

function columnsFor(target) {
  if (target <= 6) return target;
  if (target <= 8) return 4;
  if (target <= 10) return 5;
  return target <= 12 ? 6 : 8;
}

export const cardView = {
  card: null,
  panel: "stamp",
  stampCount: 1,
  newStamps: 0,
  isCelebrating: false,
  amountCents: 0,
  history: [],
  isHistoryLoading: false,
  isRemoving: false,

  get hasCard() { return this.card !== null; },
  get cardName() { return fullName(this.card?.holder) || _("Card without a name"); },
  get cardNumber() { return this.card?.card_number ?? ""; },
  get cardEmail() { return this.card?.holder?.email ?? ""; },
  get isUsable() { return this.card?.status === "active"; },
  get isOff() { return this.hasCard && !this.isUsable; },
  get isMerged() { return this.card?.status === "merged"; },
  get offText() {
    return this.isMerged
      ? _("This card was merged into another card of the same customer. Please use that card.")
      : _("This card is deactivated. Please ask a manager to activate it.");
  },
  get printHref() { return this.hasCard ? `/store/terminal/cards/${this.card.id}/print` : "/store/terminal"; },
  get qrHref() { return this.hasCard ? `/store/terminal/cards/${this.card.id}/qr.svg` : null; },
  get cardClass() { return this.isCelebrating ? "lcard-celebrate" : ""; },
  get cardTitle() { return _("Loyalty card: %(program)s", { program: this.program?.card_name ?? "" }); },

  get givesStamps() { return this.program?.type !== "points"; },
  get givesPoints() { return this.program?.type !== "stamps"; },
  get showsStamps() { return this.givesStamps || (this.card?.stamp_count ?? 0) > 0; },
  get showsPoints() { return this.givesPoints || (this.card?.points_balance ?? 0) > 0 || (this.card?.points_owed ?? 0) > 0; },
  get hasRewards() { return this.showsPoints && this.rewards.length > 0; },
  get isBoth() { return this.givesStamps && this.givesPoints; },

  // --- The picture
  get isDrawn() { return this.showsStamps && this.target <= MOST_DRAWN; },
  get isCounted() { return this.showsStamps && this.target > MOST_DRAWN; },
  get isPointsOnly() { return this.showsPoints && !this.showsStamps; },
  get target() { return this.card?.stamps_target ?? 1; },
  get stampsClass() { return `stamps stamps-${columnsFor(this.target)}`; },
  get dots() {
    if (!this.isDrawn || !this.hasCard) return [];
    const shown = shownStamps(this.card);
    return Array.from({ length: this.target }, (_item, index) => {
      const place = index + 1;
      const [isOn, isReward] = [place <= shown, place === this.target];
      const isNew = isOn && place > shown - this.newStamps;
      const names = ["stamp", isOn && "stamp-on", isReward && "stamp-reward", isNew && "stamp-new"];
      return { key: `${place}-${isNew}`, classes: names.filter(Boolean).join(" "), isReward, isCheck: isOn && !isReward };
    });
  },
  get stampsShown() { return this.hasCard ? formatNumber(shownStamps(this.card)) : "0"; },
  get stampsOf() { return _("out of %(target)s stamps", { target: formatNumber(this.target) }); },
  get stampsLabel() { return this.hasCard ? sayProgress(this.card) : ""; },
  get readyText() {
    const ready = this.card?.rewards_ready ?? 0;
    return ready ? ngettext("%(num)s reward ready", "%(num)s rewards ready", ready) : "";
  },
  get hasReady() { return (this.card?.rewards_ready ?? 0) > 0; },
  get pointsText() { return formatNumber(this.card?.points_balance ?? 0); },
  get pointsWord() { return ngettext("point", "points", this.card?.points_balance ?? 0); },
  get pointsLabel() { return sayPoints(this.card?.points_balance ?? 0); },
  get owedText() {
    const owed = this.card?.points_owed ?? 0;
    return owed ? ngettext("%(num)s point has to be earned back first", "%(num)s points have to be earned back first", owed) : "";
  },
  get isOwing() { return (this.card?.points_owed ?? 0) > 0; },
  get nextCost() { return this.rewards.find((reward) => !reward.isEnough)?.cost ?? 0; },
  get showsNext() { return this.showsPoints && this.nextCost > 0 && !this.hasAffordable; },
  get showsBar() { return this.isPointsOnly && this.nextCost > 0; },
  get nextText() { return _("%(points)s to the next reward", { points: formatNumber(this.nextCost - (this.card?.points_balance ?? 0)) }); },
  get pointsNow() { return this.card?.points_balance ?? 0; },

  // --- What can be done
  get is() { return Object.fromEntries(PANELS.map((name) => [name, this.panel === name])); },
  get pressed() { return Object.fromEntries(PANELS.map((name) => [name, this.panel === name ? "true" : "false"])); },
  get mostStamps() { return this.program?.max_stamps_per_day ?? MOST_STAMPS; },
  get stampLabel() { return ngettext("Give %(num)s stamp", "Give %(num)s stamps", this.stampCount); },
  get stampClass() { return this.hasReady ? "btn btn-secondary btn-lg" : "btn btn-primary btn-hero"; },
  get stampReward() { return this.program?.stamp_reward || _("Reward"); },
  get redeemLabel() { return _("Redeem: %(reward)s", { reward: this.stampReward }); },

  get preview() {
    const { points_rate: rate = 0, minimum_purchase_cents: least = 0 } = this.program ?? {};
    if (this.amountCents < Math.max(1, least)) return 0;
    const product = this.amountCents * rate;
    return (product - (product % RATE_DIVISOR)) / RATE_DIVISOR;
  },
  get previewText() { return `+${formatNumber(this.preview)}`; },
  get previewWord() { return ngettext("point", "points", this.preview); },
  get earnLabel() { return ngettext("Add %(num)s point", "Add %(num)s points", this.preview); },
  get isBelowMinimum() { return this.amountCents > 0 && this.amountCents < (this.program?.minimum_purchase_cents ?? 0); },
  get hasMinimum() { return (this.program?.minimum_purchase_cents ?? 0) > 0; },
  get minimumText() { return _("Points from %(amount)s on", { amount: formatMoney(this.program?.minimum_purchase_cents ?? 0) }); },
  get minimumClass() { return this.isBelowMinimum ? "text-danger" : "text-muted"; },
  get cannotEarn() { return this.isHeld || this.amountCents === 0 || this.isBelowMinimum; },

  get rewards() {
    const balance = this.card?.points_balance ?? 0;
    const least = this.program?.minimum_redemption_points ?? 0;
    const isOwing = (this.card?.points_owed ?? 0) > 0;
    return (this.program?.rewards ?? []).map((reward) => {
      const cost = Math.max(reward.cost_points, least);
      const isEnough = balance >= cost;
      return {
        id: reward.id, name: reward.name, description: reward.description, cost, isEnough,
        price: sayPoints(reward.cost_points), isClosed: this.isHeld || !isEnough || isOwing, isShort: !isEnough,
        missing: isEnough ? "" : ngettext("%(num)s point missing", "%(num)s points missing", cost - balance),
        label: _("Redeem: %(reward)s", { reward: reward.name }),
      };
    });
  },
  get affordable() { return this.rewards.filter((reward) => reward.isEnough).length; },
  get hasAffordable() { return this.showsPoints && this.affordable > 0 && (this.card?.points_owed ?? 0) === 0; },
  get affordableText() { return ngettext("Enough for %(num)s reward", "Enough for %(num)s rewards", this.affordable); },

  /** The first thing one does with a card of this program. */
  firstPanel() { return this.givesStamps || this.hasReady ? "stamp" : "earn"; },

  showCard(card, { panel, welcome = "" } = {}) {
    this.welcomeText = welcome;
    this.card = card;
    this.newStamps = 0;
    this.isCelebrating = false;
    this.history = [];
    this.resetForms();
    this.view = "card";
    this.showPanel(panel ?? this.firstPanel());
    this.said = `${this.cardName}. ${[this.showsStamps && this.stampsLabel, this.showsPoints && this.pointsLabel].filter(Boolean).join(" · ")}`;
    this.whenShown(() => this.focusView());
  },

  resetForms() {
    this.stampCount = 1;
    const stamps = document.getElementById("terminal-stamps");
    if (stamps) stamps.value = "1";
    document.querySelector(".amount")?.dispatchEvent(new CustomEvent("amount-reset"));
    const form = document.getElementById("adjust-form");
    if (form) {
      form.reset();
      clearErrors(form);
      this.isRemoving = false;
    }
  },

  /** After an action: the card as it is now, moving once. */
  showChange({ card, transaction }) {
    if (this.card?.id === card.id) {
      this.card = { ...this.card, ...card };
      this.newStamps = Math.max(0, Math.min(transaction.stamps_delta, shownStamps(this.card)));
      this.isCelebrating = false;
      this.$nextTick(() => { this.isCelebrating = true; });
      if (this.is.history) this.loadHistory();
      else this.history = [];
      if (this.is.adjust || this.is.rewards) this.showPanel(this.firstPanel());
      this.resetForms();
    }
  },

  async refreshCard() {
    if (!this.hasCard) return;
    try {
      const card = await get(`${API}/cards/${this.card.id}`);
      if (this.card?.id === card.id) this.card = card;
      if (this.is.history) this.loadHistory();
    } catch (error) {
      if (!(error instanceof ApiError)) throw error; // the refusal that is on the screen says more than this one
    }
  },

  choosePanel(event) {
    this.stopIdle();
    const { panel } = event.currentTarget.dataset;
    this.showPanel(panel);
    if (panel !== "history") this.whenShown(() => this.focusView());
  },

  showPanel(name) {
    this.panel = name;
    this.clearProblem();
    if (name === "history") this.loadHistory();
  },

  openMerged() { this.find(this.cardEmail); },

  onStampCount(event) {
    const count = Number.parseInt(event.target.value, 10);
    this.stampCount = Math.min(this.mostStamps, Math.max(1, Number.isNaN(count) ? 1 : count));
  },
  onAmount(event) { this.amountCents = event.detail.cents; },

  job(kind, path, body, { demand = "open", reward = "" } = {}) {
    return { kind, cardId: this.card.id, path: `${API}${path}`, body, demand, reward };
  },

  stamp() {
    this.carryOut(this.job("stamp", "/stamp", { card_id: this.card.id, stamps: this.stampCount }));
  },

  redeemStamps() {
    this.carryOut(this.job("redeem", "/stamp/redeem", { card_id: this.card.id }, { reward: this.stampReward }));
  },

  earn() {
    if (this.cannotEarn) return;
    this.carryOut(this.job("earn", "/points/earn", { card_id: this.card.id, amount_cents: this.amountCents }));
  },

  redeemPoints(event) {
    const reward = this.program.rewards.find((item) => item.id === event.currentTarget.dataset.id);
    const limit = this.program.redeem_limit_points;
    const demand = limit !== null && reward.cost_points > limit ? "again" : "open";
    this.carryOut(this.job("redeem", "/points/redeem", { card_id: this.card.id, reward_id: reward.id }, { demand, reward: reward.name }));
  },

  onDirection(event) { this.isRemoving = event.target.value === "remove"; },

  adjust(event) {
    const form = event.target;
    clearErrors(form);
    const { points, reason = "" } = serialize(form);
    const errors = [];
    if (!Number.isInteger(points) || points < 1) errors.push({ field: "points", message: _("Please enter a whole number.") });
    if (reason.length < LEAST_REASON) errors.push({ field: "reason", message: _("Please give a reason in 3 to 500 characters.") });
    if (errors.length > 0) { // said before anybody fetches a manager
      showErrors(form, { errors });
      return;
    }
    const signed = this.isRemoving ? -points : points;
    this.carryOut(this.job("adjust", `/cards/${this.card.id}/points/adjust`, { points: signed, reason }, { demand: "manager" }));
  },

  async loadHistory() {
    const { id } = this.card;
    this.isHistoryLoading = this.history.length === 0;
    try {
      const page = await get(`${API}/cards/${id}/history?limit=${HISTORY_ROWS}`);
      if (this.card?.id === id) this.history = page.items.map((row) => this.historyRow(row));
    } catch (error) {
      this.failPlainly(error);
    } finally {
      this.isHistoryLoading = false;
    }
  },

  historyRow(row) {
    const place = [formatMoment(row.created_at), row.store_name, row.staff_name].filter(Boolean).join(" · ");
    const amount = row.amount_cents === null ? "" : ` (${formatMoney(row.amount_cents)})`;
    const what = `${sayRow(row)}${amount}`;
    return {
      id: row.id, type: row.type, what, place, delta: sayDelta(row), canVoid: row.can_void, isVoided: row.is_voided,
      label: _("Undo: %(entry)s", { entry: `${what}, ${sayDelta(row)}, ${formatMoment(row.created_at)}` }),
    };
  },

  get hasHistory() { return this.history.length > 0; },
  get hasNoHistory() { return !this.isHistoryLoading && this.history.length === 0; },

  voidRow(event) {
    const row = this.history.find((item) => item.id === event.currentTarget.dataset.id);
    this.carryOut(this.voidJob(this.card.id, row));
  },

  focusView() {
    if (this.view === "enroll" || !this.isReadyForWork || this.isLocked) return;
    const place = document.getElementById(this.isTouch ? "find-title" : "search"); // a finger wants no keyboard on the screen
    (this.view === "card" ? this.panelTarget() : place).focus({ preventScroll: true });
  },

  /** Enter does the likeliest thing; a finger needs no focus, and an amount no keyboard of its own. */
  panelTarget() {
    const field = FIRST_FIELDS[this.panel];
    if (field && this.isUsable) return document.getElementById(field);
    const buttons = [...document.querySelectorAll("[data-panel-focus]")];
    return buttons.find((element) => !element.disabled && element.getClientRects().length > 0) ?? document.getElementById("card-title");
  },

  /** A button that was disabled while it worked has lost the focus. */
  keepFocus() {
    if (document.activeElement === document.body && !this.isTouch && this.isReadyForWork) this.focusView();
  },
  /** Whether no dialog is open. */
  get isReadyForWork() { return document.querySelector("dialog[open]") === null; },
};

export { fullName };
export const scopeOf = (id) => Alpine.$data(document.getElementById(id));
