"""From what services return to what the merchant's pages say: findings of charts, first steps, a card's history with its rules."""

import dataclasses
import datetime as dt
import uuid
from collections.abc import Mapping, Sequence
from typing import Any

from app.core.i18n import N_, _, formatting
from app.modules.customers.public import CustomerRecord
from app.modules.loyalty.domain.card_number import format_number
from app.modules.loyalty.domain.enums import CardStatus, TransactionType
from app.modules.loyalty.domain.program import points_progress
from app.modules.loyalty.domain.voids import VOIDABLE
from app.modules.loyalty.queries.overview import DayNumbers
from app.modules.loyalty.queries.programs import Program
from app.modules.loyalty.queries.rewards import Reward
from app.modules.loyalty.queries.transactions import HistoryRow
from app.modules.loyalty.routes.pages._storefront_views import ICONS, TITLES, describe_rate
from app.modules.loyalty.services.card_service import FoundCard

WEEK = 7
STATUS_NAMES: Mapping[CardStatus, str] = {
    CardStatus.ACTIVE: N_("Active"),
    CardStatus.DEACTIVATED: N_("Switched off"),
    CardStatus.MERGED: N_("Merged"),
}
STATUS_KINDS: Mapping[CardStatus, str] = {CardStatus.ACTIVE: "success", CardStatus.DEACTIVATED: "danger", CardStatus.MERGED: "neutral"}
STAMPS_FINDING: Mapping[str, str] = {
    "none": N_("No stamps in the last 30 days"),
    "more": N_("Stamps in the last 7 full days: %(this)s, %(percent)s more than in the week before"),
    "fewer": N_("Stamps in the last 7 full days: %(this)s, %(percent)s fewer than in the week before"),
    "same": N_("Stamps in the last 7 full days: %(this)s, as many as in the week before"),
    "first": N_("Stamps in the last 7 full days: %(this)s, none in the week before"),
}
POINTS_FINDING: Mapping[str, str] = {
    "none": N_("No points in the last 30 days"),
    "more": N_("Points in the last 7 full days: %(this)s, %(percent)s more than in the week before"),
    "fewer": N_("Points in the last 7 full days: %(this)s, %(percent)s fewer than in the week before"),
    "same": N_("Points in the last 7 full days: %(this)s, as many as in the week before"),
    "first": N_("Points in the last 7 full days: %(this)s, none in the week before"),
}


def finding(values: Sequence[int], sentences: Mapping[str, str]) -> str:
    """Return the sentence above a chart, out of `sentences`: the seven days up to yesterday against the seven before.

    Today, the last of `values`, is not over and would make every comparison look bad.
    """
    full = values[:-1]
    this, before = sum(full[-WEEK:]), sum(full[-2 * WEEK : -WEEK])
    if not any(values):
        kind = "none"
    elif before == 0:
        kind = "first" if this else "same"
    else:
        kind = "same" if this == before else "more" if this > before else "fewer"
    percent = formatting.percent(abs(this - before) / before) if before else ""
    return _(sentences[kind], this=formatting.number(this), percent=percent)


@dataclasses.dataclass(frozen=True, slots=True)
class Chart:
    """A chart: its name, the sentence above, and the data of the macro `chart`."""

    id: str
    finding: str
    data: dict[str, Any]


def charts(days: Sequence[DayNumbers], program: Program) -> list[Chart]:
    """Return the home page's charts of the last thirty days; stamps and points have each their own scale."""
    labels = [formatting.day_and_month(day.day) for day in days]
    found = []
    if program.type.has_stamps:
        stamps = [day.stamps for day in days]
        series = [
            {"label": _("Stamps"), "values": stamps},
            {"label": _("New cards"), "values": [day.enrollments for day in days]},
            {"label": _("Rewards"), "values": [day.rewards_redeemed for day in days]},
        ]
        found.append(Chart("stamps", finding(stamps, STAMPS_FINDING), _data(labels, series, _("Number a day"))))
    if program.type.has_points:
        earned = [day.points_earned for day in days]
        series = [
            {"label": _("Collected"), "values": earned},
            {"label": _("Redeemed"), "values": [day.points_redeemed for day in days]},
        ]
        found.append(Chart("points", finding(earned, POINTS_FINDING), _data(labels, series, _("Points a day"))))
    return found


def _data(labels: list[str], series: list[dict[str, Any]], unit: str) -> dict[str, Any]:
    return {"type": "line", "labels": labels, "series": series, "unit": unit, "axis": _("Day")}


@dataclasses.dataclass(frozen=True, slots=True)
class Step:
    """One of the first steps of a new merchant."""

    title: str
    text: str
    icon: str
    href: str
    is_done: bool


def first_steps(*, has_program: bool, has_cards: bool, has_pins: bool, has_terminals: bool, poster_href: str) -> list[Step]:
    """Return what a new merchant has to do, in order. Nobody can see a poster on a wall: it counts from the first card on."""
    return [
        Step(_("Describe your program"), _("Stamps, points or both, and how the card looks."), "stamp", "/merchants/program", has_program),
        Step(
            _("Print the poster and hang it up"),
            _("Customers scan it and get their card. Done with the first card."),
            "printer",
            poster_href,
            has_cards,
        ),
        Step(_("Give your staff their PINs"), _("So that each entry shows who made it."), "key-round", "/merchants/staff", has_pins),
        Step(
            _("Pair the terminal"),
            _("A tablet or phone at the counter becomes the terminal."),
            "tablet",
            "/merchants/terminals",
            has_terminals,
        ),
    ]


def card_picture(found: FoundCard, program: Program | None, rewards: Sequence[Reward], merchant_name: str) -> dict[str, Any]:
    """Return the arguments of the macro `loyalty_card` for a card of the merchant."""
    card, state = found.card, found.card.state
    picture: dict[str, Any] = {
        "program_name": program.card_name if program else merchant_name,
        "colour": program.colour if program else None,
        "merchant_name": merchant_name,
        "logo_url": program.logo_path if program else None,
        "number": format_number(card.card_number),
        "holder": found.customer.full_name if found.customer and not found.customer.is_anonymized else None,
    }
    if program is None or program.type.has_stamps or state.stamp_count:
        picture |= {"stamps": state.stamp_count, "stamps_target": state.stamps_target}
    if program is None or program.type.has_points or state.points_balance:
        minimum = program.minimum_redemption_points if program else 0
        progress = points_progress(state.points_balance, [item.cost_points for item in rewards], minimum_redemption_points=minimum)
        picture |= {"points": state.points_balance, "next_reward_points": progress.next_cost}
    return picture


@dataclasses.dataclass(frozen=True, slots=True)
class Entry:
    """A row of a card's history as the merchant reads it: what, by which rule, who, where, when, how much, and what it left."""

    id: uuid.UUID
    card_id: uuid.UUID
    title: str
    icon: str
    rule: str
    store_name: str | None
    staff_name: str | None
    at: dt.datetime
    stamps_delta: int
    points_delta: int
    stamps_after: int
    points_after: int
    owed_after: int
    is_voided: bool
    can_void: bool


def entries(rows: Sequence[HistoryRow], store_names: Mapping[uuid.UUID, str]) -> list[Entry]:
    """Return rows of the ledger with the rule that made each number."""
    return [
        Entry(
            id=row.id,
            card_id=row.card_id,
            title=_(TITLES[row.type]),
            icon=ICONS.get(row.type, "undo-2"),
            rule=_rule(row),
            store_name=store_names.get(row.store_id) if row.store_id else None,
            staff_name=row.staff_name,
            at=row.created_at,
            stamps_delta=row.stamps_delta,
            points_delta=row.points_delta,
            stamps_after=row.stamps_after,
            points_after=row.points_after,
            owed_after=row.owed_after,
            is_voided=row.is_voided,
            can_void=row.type in VOIDABLE and not row.is_voided and not row.is_of_merged_card,
        )
        for row in rows
    ]


def _rule(row: HistoryRow) -> str:
    parts = []
    if row.amount_cents is not None and row.points_rate is not None:
        rate = describe_rate(row.points_rate)
        parts.append(_("%(amount)s at %(rate)s", amount=formatting.money(row.amount_cents), rate=rate))
    if row.type is TransactionType.STAMP_REDEEMED and row.stamps_target:
        parts.append(_("Full card of %(target)s", target=formatting.number(row.stamps_target)))
    if row.reward_name and row.type is TransactionType.POINTS_REDEEMED:
        parts.append(row.reward_name)
    if row.points_forgiven:
        parts.append(_("let go, as already spent or expired: %(points)s", points=formatting.number(row.points_forgiven)))
    if row.owed_after:
        parts.append(_("still owed: %(points)s", points=formatting.number(row.owed_after)))
    if row.order_reference:
        parts.append(_("receipt %(reference)s", reference=row.order_reference))
    if row.is_of_merged_card:
        parts.append(_("on a card that was merged into this one"))
    return " · ".join(parts)


def person_name(person: CustomerRecord | None) -> str:
    """Return the name of a card's holder, or what stands for a person whose data were deleted."""
    if person is None or person.is_anonymized:
        return _("Data deleted")
    return person.full_name or person.email or _("Without a name")
