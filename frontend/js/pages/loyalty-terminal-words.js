/** What the terminal says: what an action did, why a row of the history exists, when to try again. */
import { formatNumber, formatTime, _, ngettext } from "../kit.js";

const TAGS = { en: "en-GB", fr: "fr-FR", de: "de-DE", lb: ["lb-LU", "de-LU"] };
const days = new Intl.DateTimeFormat(TAGS[document.documentElement.lang] ?? "fr-FR", { day: "numeric", month: "short" });

const HISTORY = {
  welcome_bonus: () => _("Welcome bonus"),
  bonus_granted: () => _("Bonus"),
  stamp_earned: () => _("Stamps collected"),
  stamp_redeemed: () => _("Full card redeemed"),
  stamp_voided: () => _("Stamps taken back"),
  points_earned: () => _("Points collected"),
  points_redeemed: () => _("Reward redeemed"),
  points_voided: () => _("Points taken back"),
  points_refunded: () => _("Purchase returned"),
  points_expired: () => _("Points expired"),
  redemption_cancelled: () => _("Redemption cancelled"),
  points_adjusted: () => _("Correction"),
  admin_adjustment: () => _("Correction"),
  balance_imported: () => _("Balance brought along"),
  merge_in: () => _("Cards joined"),
  merge_out: () => _("Cards joined"),
};

/** Whether both instants lie on the same day of this device. */
const isSameDay = (first, second) => first.toDateString() === second.toDateString();

/** "14:05" for today, "24 Nov, 00:00" for another day. */
export function formatMoment(iso) {
  const at = new Date(iso);
  return isSameDay(at, new Date()) ? formatTime(iso) : `${days.format(at)}, ${formatTime(iso)}`;
}

/** The sentence that says from when on a refused action is possible; empty when waiting does not help. */
export function sayWhen(params) {
  return params.retry_at ? _("Possible again: %(time)s.", { time: formatMoment(params.retry_at) }) : "";
}

export const sayStamps = (n) => ngettext("%(num)s stamp", "%(num)s stamps", n);
export const sayPoints = (n) => ngettext("%(num)s point", "%(num)s points", n);

function signed(n, say) {
  return n > 0 ? `+${say(n)}` : `−${say(-n)}`;
}

/** "+3 stamps", "−100 points", both where a row has both. */
export function sayDelta(row) {
  const parts = [];
  if (row.stamps_delta) parts.push(signed(row.stamps_delta, sayStamps));
  if (row.points_delta) parts.push(signed(row.points_delta, sayPoints));
  return parts.join(" · ") || sayPoints(0);
}

/** Why a row of the history is there. */
export function sayRow(row) {
  const what = HISTORY[row.type]?.() ?? row.type;
  return row.reward_name ? `${what}: ${row.reward_name}` : what;
}

/** Where the stamps stand: full cards first. */
export function sayProgress(card) {
  const stands = _("%(filled)s of %(target)s stamps", { filled: card.stamps_filled, target: card.stamps_target });
  if (!card.rewards_ready) return stands;
  const ready = ngettext("%(num)s reward ready", "%(num)s rewards ready", card.rewards_ready);
  return card.stamps_filled ? `${ready} · ${stands}` : ready;
}

/** One line that says what the action of `kind` did; `answer` is the server's, `reward` the name of what was handed out. */
export function sayDone(kind, answer, reward = "") {
  const { card, transaction } = answer;
  if (kind === "stamp") {
    const added = ngettext("%(num)s stamp added", "%(num)s stamps added", transaction.stamps_delta);
    return `${added}: ${sayProgress(card)}`;
  }
  if (kind === "earn") {
    const added = ngettext("%(num)s point added", "%(num)s points added", transaction.points_delta);
    const balance = _("balance %(points)s", { points: formatNumber(card.points_balance) });
    return `${added}: ${balance}`;
  }
  if (kind === "redeem") return _("Reward redeemed: %(reward)s", { reward });
  if (kind === "adjust") return _("Balance corrected: %(change)s", { change: sayDelta(transaction) });
  return _("Undone: %(change)s", { change: sayDelta(transaction) });
}
