"""Treating many cards at once (G5): which cards a filter means, and who gets a bonus."""

import dataclasses
import datetime as dt
import uuid
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from app.modules.loyalty.domain import expiry, points
from app.modules.loyalty.domain.balances import CardState, Decision, ProgramRules
from app.modules.loyalty.errors import PointsNotOfferedException

MAX_CARDS = 1_000
"""Cards that can be named one by one in a request."""
MAX_PINS = 50
"""PINs that are given out at once: each costs a deliberately slow hash, and all of them are answered in the same request."""


@dataclasses.dataclass(frozen=True, slots=True)
class CardFilter:
    """Usable cards by what is known of them; a condition that is None is not asked for.

    Days are the merchant's local days. Joining counts as the first visit. Bonuses, corrections and imports are no visits.
    """

    store_id: uuid.UUID | None = None
    min_points: int | None = None
    last_visit_after: dt.date | None = None
    """On this day or later."""
    last_visit_before: dt.date | None = None
    """Earlier than this day."""
    min_visits: int | None = None

    def written(self) -> dict[str, Any]:
        """Return the conditions that are asked for, as JSON values."""
        return {name: str(value) if not isinstance(value, int) else value for name, value in self._items() if value is not None}

    def _items(self) -> list[tuple[str, Any]]:
        return [(field.name, getattr(self, field.name)) for field in dataclasses.fields(self)]

    @classmethod
    def read(cls, written: Mapping[str, Any]) -> "CardFilter":
        """Return the filter from what `written` returned."""
        return cls(**{name: _READERS.get(name, int)(value) for name, value in written.items()})


_READERS: Mapping[str, Callable[[str], Any]] = {
    "store_id": uuid.UUID,
    "last_visit_after": dt.date.fromisoformat,
    "last_visit_before": dt.date.fromisoformat,
}


@dataclasses.dataclass(frozen=True, slots=True)
class Selection:
    """The cards that a bulk is about: named one by one, or by a filter."""

    card_ids: Sequence[uuid.UUID] = ()
    filter: CardFilter | None = None


def give_bonus(card: CardState, rules: ProgramRules, *, points_each: int, now: dt.datetime) -> Decision | None:
    """Return the card after a bonus of `points_each`. Not an activity. Raises PointsNotOfferedException, and what
    `points.grant_bonus` refuses.

    None on a card whose points have been due to expire by `now`: with no visit since, the next night would take the present
    away again.
    """
    if not rules.program_type.has_points:
        raise PointsNotOfferedException
    decision = points.grant_bonus(card, points=points_each)
    expires_at = expiry.expires_at(card, rules)
    return None if expires_at is not None and expires_at <= now else decision
