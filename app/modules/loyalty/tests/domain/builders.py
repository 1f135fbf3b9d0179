"""Cards, rules and rows for the tests of the rules."""

import datetime as dt
import uuid
import zoneinfo
from typing import Any

from app.modules.loyalty.domain.balances import CardState, Decision, Entry, ProgramRules
from app.modules.loyalty.domain.enums import ProgramType, TransactionType
from app.modules.loyalty.domain.voids import Original

LUXEMBOURG = zoneinfo.ZoneInfo("Europe/Luxembourg")
NOW = dt.datetime(2026, 5, 20, 10, 0, tzinfo=dt.UTC)


def local(text: str, zone: zoneinfo.ZoneInfo = LUXEMBOURG) -> dt.datetime:
    """Return the instant at which clocks in `zone` show `text`, an ISO date and time; of two, the first."""
    return dt.datetime.fromisoformat(text).replace(tzinfo=zone).astimezone(dt.UTC)


def make_rules(**changes: Any) -> ProgramRules:
    """Return rules of a program with stamps and points in Luxembourg, with `changes`."""
    return ProgramRules(**{"program_type": ProgramType.BOTH, "zone": LUXEMBOURG, **changes})


def make_card(**changes: Any) -> CardState:
    """Return an empty card enrolled a day before NOW, with `changes`; totals follow the balances."""
    earned = {
        "total_stamps_earned": changes.get("stamp_count", 0),
        "total_points_earned": changes.get("points_balance", 0),
        "total_points_voided": changes.get("points_owed", 0),
    }
    return CardState(**{"stamps_target": 10, "last_activity_at": NOW - dt.timedelta(days=1), **earned, **changes})


def row_of(decision: Decision, *, at: dt.datetime = NOW, **changes: Any) -> Original:
    """Return the row that `decision` wrote, as it is read back to be voided."""
    return original_of(decision.entry, at=at, **changes)


def original_of(entry: Entry, *, at: dt.datetime = NOW, **changes: Any) -> Original:
    """Return `entry` as it is read back to be voided."""
    values = {
        "id": uuid.uuid4(),
        "type": entry.type,
        "occurred_at": at,
        "stamps_delta": entry.stamps_delta,
        "points_delta": entry.points_delta,
        "owed_delta": entry.owed_delta,
        "amount_cents": entry.amount_cents,
        "points_rate": entry.points_rate,
        "quota_day": entry.quota_day,
    }
    return Original(**{**values, **changes})


def make_row(kind: TransactionType, **changes: Any) -> Original:
    """Return a row of type `kind` that nobody has voided yet."""
    return Original(**{"id": uuid.uuid4(), "type": kind, "occurred_at": NOW, **changes})


def assert_sound(before: CardState, decision: Decision) -> None:
    """Assert what holds for every decision (domain.md: "Invariant, always")."""
    after = decision.card
    assert sum(entry.stamps_delta for entry in decision.entries) == after.stamp_count - before.stamp_count
    assert sum(entry.points_delta for entry in decision.entries) == after.net_points - before.net_points
    assert sum(entry.owed_delta for entry in decision.entries) == after.points_owed - before.points_owed
    assert after.stamp_count >= 0
    assert after.points_balance >= 0
    assert after.points_owed >= 0
    assert after.points_balance == 0 or after.points_owed == 0
    last = decision.entry
    assert (last.stamps_after, last.points_after, last.owed_after) == (after.stamp_count, after.points_balance, after.points_owed)
    assert after.stamp_count == after.total_stamps_earned - after.total_stamps_redeemed - after.total_stamps_voided
    assert after.net_points == after.total_points_earned - after.total_points_redeemed - after.total_points_voided
