"""From what services return to what the storefront's pages show: the card as a picture, rewards and what is missing, a history in words."""

import dataclasses
import datetime as dt
import decimal
import re
import uuid
from collections.abc import Mapping
from typing import Any

from app.core.i18n import N_, _, formatting, ngettext
from app.modules.loyalty.domain.balances import RATE_SCALE
from app.modules.loyalty.domain.card_number import format_number
from app.modules.loyalty.domain.enums import TransactionType
from app.modules.loyalty.domain.points import scale_rate
from app.modules.loyalty.queries.cards import Card
from app.modules.loyalty.queries.transactions import HistoryRow
from app.modules.loyalty.services.storefront_service import Offer, Outlook

TITLES: Mapping[TransactionType, str] = {
    TransactionType.WELCOME_BONUS: N_("Welcome bonus"),
    TransactionType.BONUS_GRANTED: N_("Bonus"),
    TransactionType.STAMP_EARNED: N_("Stamps collected"),
    TransactionType.STAMP_REDEEMED: N_("Full card redeemed"),
    TransactionType.STAMP_VOIDED: N_("Stamps taken back"),
    TransactionType.POINTS_EARNED: N_("Points collected"),
    TransactionType.POINTS_REDEEMED: N_("Reward redeemed"),
    TransactionType.POINTS_VOIDED: N_("Points taken back"),
    TransactionType.POINTS_REFUNDED: N_("Purchase returned"),
    TransactionType.POINTS_EXPIRED: N_("Points expired"),
    TransactionType.REDEMPTION_CANCELLED: N_("Redemption cancelled"),
    TransactionType.POINTS_ADJUSTED: N_("Correction"),
    TransactionType.ADMIN_ADJUSTMENT: N_("Correction"),
    TransactionType.BALANCE_IMPORTED: N_("Balance brought along"),
    TransactionType.MERGE_IN: N_("Cards joined"),
    TransactionType.MERGE_OUT: N_("Cards joined"),
}
ICONS: Mapping[TransactionType, str] = {
    TransactionType.WELCOME_BONUS: "gift",
    TransactionType.BONUS_GRANTED: "gift",
    TransactionType.STAMP_EARNED: "stamp",
    TransactionType.STAMP_REDEEMED: "gift",
    TransactionType.POINTS_EARNED: "coins",
    TransactionType.POINTS_REDEEMED: "gift",
    TransactionType.POINTS_EXPIRED: "clock",
    TransactionType.BALANCE_IMPORTED: "download",
    TransactionType.MERGE_IN: "git-merge",
    TransactionType.MERGE_OUT: "git-merge",
}
REASONS: Mapping[TransactionType, str] = {
    TransactionType.WELCOME_BONUS: N_("Given once, for joining."),
    TransactionType.BONUS_GRANTED: N_("A present from the store."),
    TransactionType.STAMP_VOIDED: N_("The store took back a booking that was not right."),
    TransactionType.POINTS_VOIDED: N_("The store took back a booking that was not right."),
    TransactionType.POINTS_EXPIRED: N_("The card was not used for a long time. The terms say how long points are valid."),
    TransactionType.REDEMPTION_CANCELLED: N_("Exactly what the reward had taken came back."),
    TransactionType.POINTS_ADJUSTED: N_("Corrected by the store."),
    TransactionType.ADMIN_ADJUSTMENT: N_("Corrected by our support."),
    TransactionType.BALANCE_IMPORTED: N_("From your card before this program."),
    TransactionType.MERGE_IN: N_("The balance of another card of yours moved here."),
    TransactionType.MERGE_OUT: N_("The balance moved to another card of yours."),
}
BOOKED = N_("Booked by the store.")


@dataclasses.dataclass(frozen=True, slots=True)
class RewardView:
    """A reward that points buy; `missing` points are None where there is no card to compare with, 0 when it can be had now."""

    name: str
    description: str
    cost: int
    missing: int | None


@dataclasses.dataclass(frozen=True, slots=True)
class EntryView:
    """A row of the history in words: what, why, where, when, and by how much."""

    title: str
    icon: str
    reason: str
    store_name: str | None
    at: dt.datetime
    stamps_delta: int
    points_delta: int
    stamps_after: int
    points_after: int
    is_voided: bool


def list_rewards(offer: Offer, card: Card | None) -> list[RewardView]:
    """Return the offered rewards, cheapest first, with what `card` misses to each."""
    balance = None if card is None else card.state.points_balance
    views = []
    for reward in offer.rewards:
        cost = max(reward.cost_points, offer.program.minimum_redemption_points)
        missing = None if balance is None else max(0, cost - balance)
        views.append(RewardView(reward.name, reward.description or "", cost, missing))
    return views


def card_picture(offer: Offer, card: Card | None, outlook: Outlook | None = None) -> dict[str, Any]:
    """Return the arguments of the macro `loyalty_card`: `card` as it stands, or the one that somebody new would get."""
    program = offer.program
    picture: dict[str, Any] = {
        "program_name": program.card_name,
        "colour": program.colour,
        "merchant_name": offer.merchant_name,
        "logo_url": program.logo_path,
    }
    has_stamps = program.type.has_stamps or (card is not None and card.state.stamp_count > 0)
    if has_stamps:
        picture["stamps"] = 0 if card is None else card.state.stamp_count
        picture["stamps_target"] = program.stamps_target if card is None else card.state.stamps_target
    if program.type.has_points or (card is not None and card.state.points_balance > 0):
        picture["points"] = program.welcome_bonus_points if card is None else card.state.points_balance
    if card is not None:
        picture["number"] = format_number(card.card_number)
    if outlook is not None:
        picture["next_reward_points"] = outlook.next_cost
    return picture


def describe_rate(rate: int) -> str:
    """Return points per euro, `rate` in ten-thousandths, as people say it: "1 point per €10.00" rather than "0.1 per euro"."""
    if 0 < rate < RATE_SCALE and (100 * RATE_SCALE) % rate == 0:
        return _("1 point per %(amount)s", amount=formatting.money(100 * RATE_SCALE // rate))
    if rate == RATE_SCALE:
        return _("1 point per euro")
    points = (decimal.Decimal(rate) / RATE_SCALE).normalize()
    decimals = max(0, -int(points.as_tuple().exponent))
    return _("%(points)s points per euro", points=formatting.number(points, decimals=decimals))


def program_rate(offer: Offer) -> str:
    """Return the program's points per euro in words."""
    return describe_rate(scale_rate(offer.program.points_per_euro))


def list_entries(rows: list[HistoryRow], store_names: dict[uuid.UUID, str]) -> list[EntryView]:
    """Return rows of the ledger as their card's holder reads them."""
    return [
        EntryView(
            title=_(TITLES[row.type]),
            icon=ICONS.get(row.type, "undo-2"),
            reason=_reason(row),
            store_name=store_names.get(row.store_id) if row.store_id else None,
            at=row.created_at,
            stamps_delta=row.stamps_delta,
            points_delta=row.points_delta,
            stamps_after=row.stamps_after,
            points_after=row.points_after,
            is_voided=row.is_voided,
        )
        for row in rows
    ]


def _reason(row: HistoryRow) -> str:
    sentences = [_rule(row)]
    if row.points_forgiven:
        sentences.append(
            ngettext(
                "%(num)s point that was already spent or had expired was let go.",
                "%(num)s points that were already spent or had expired were let go.",
                row.points_forgiven,
            )
        )
    if row.owed_after:
        sentences.append(ngettext("%(num)s point is still owed.", "%(num)s points are still owed.", row.owed_after))
    if row.is_voided:
        sentences.append(_("This was taken back later."))
    return " ".join(sentences)


def _rule(row: HistoryRow) -> str:
    """Return the rule by which a row came to be, with the values of its moment."""
    if row.type is TransactionType.STAMP_EARNED:
        return ngettext("%(num)s stamp for your purchase.", "%(num)s stamps for your purchase.", row.stamps_delta)
    if row.type is TransactionType.STAMP_REDEEMED:
        return ngettext("%(num)s stamp for one reward.", "%(num)s stamps for one reward.", -row.stamps_delta)
    if row.type is TransactionType.POINTS_REDEEMED:
        return row.reward_name or _("A reward of the store.")
    if row.amount_cents is not None and row.points_rate is not None:
        amount, rate = formatting.money(row.amount_cents), describe_rate(row.points_rate)
        if row.type is TransactionType.POINTS_REFUNDED:
            return _("Returned for %(amount)s, at %(rate)s as when it was bought.", amount=amount, rate=rate)
        return _("Purchase of %(amount)s, %(rate)s.", amount=amount, rate=rate)
    return _(REASONS.get(row.type, BOOKED))


def paragraphs(text: str) -> list[list[str]]:
    """Return plain text as paragraphs of lines: an empty line starts a new one."""
    return [block.strip().splitlines() for block in re.split(r"\n\s*\n", text.replace("\r\n", "\n")) if block.strip()]
