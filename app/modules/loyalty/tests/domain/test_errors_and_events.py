"""What the API promises about refusals and events: stable unique codes, sentences that can be filled, ids and numbers only."""

import dataclasses
import datetime as dt
import inspect
import json
import re
import uuid

import pytest

from app.core.errors import OrionException
from app.core.events import Event
from app.modules.loyalty import errors, events
from app.modules.loyalty.errors import LoyaltyCardAlreadyExistsException
from app.modules.loyalty.tests.domain.builders import NOW, make_card

REFUSALS = [
    member
    for _, member in inspect.getmembers(errors, inspect.isclass)
    if issubclass(member, OrionException) and member.__module__ == errors.__name__ and "code" in vars(member)
]
EVENTS = [member for _, member in inspect.getmembers(events, inspect.isclass) if issubclass(member, Event) and member is not Event]


def test_codes_are_unique_snake_case() -> None:
    codes = [refusal.code for refusal in REFUSALS]
    assert len(codes) == len(set(codes)) > 30
    assert all(re.fullmatch(r"[a-z]+(_[a-z]+)*", code) for code in codes)


@pytest.mark.parametrize("refusal", REFUSALS, ids=lambda refusal: refusal.code)
def test_names_end_in_exception_and_sentences_are_sentences(refusal: type[OrionException]) -> None:
    assert refusal.__name__.endswith("Exception")
    assert refusal.__doc__
    assert refusal.message.endswith(".")
    assert refusal.message[0].isupper() or refusal.message.startswith("%")


def test_the_existing_card_is_carried_and_never_told() -> None:
    card = make_card(points_balance=5)
    refusal = LoyaltyCardAlreadyExistsException(card)
    assert refusal.card is card
    assert refusal.params == {}


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: event.name)
def test_events_carry_ids_and_numbers(event: type[Event]) -> None:
    values: dict[str, object] = {}
    for field in dataclasses.fields(event):
        assert field.type in (uuid.UUID, int, str)
        values[field.name] = uuid.UUID(int=7) if field.type is uuid.UUID else 7
    payload = event(**values).payload()
    assert set(payload) == set(values)
    assert all(value in (7, "00000000-0000-0000-0000-000000000007") for value in payload.values())


def test_event_names_are_unique_and_say_the_module() -> None:
    names = [event.name for event in EVENTS]
    assert len(names) == len(set(names))
    assert all(re.fullmatch(r"loyalty\.[a-z]+(_[a-z]+)+", name) for name in names)


def test_refusals_tell_what_the_caller_needs_and_no_more() -> None:
    live_id = uuid.UUID(int=9)
    restore = errors.CardRestoreConflictException(live_card_id=live_id, live_card_number="123456789012")
    assert restore.params == {"live_card_id": str(live_id), "live_card_number": "123456789012"}
    assert errors.PinWrongException(tries_left=2).params == {"tries_left": 2}
    assert errors.PinWrongException.keeps_work


FILLED = [
    errors.StampCountException(maximum=3),
    errors.StampCooldownException(retry_at=NOW + dt.timedelta(minutes=3), now=NOW),
    errors.DailyStampLimitException(retry_at=NOW, limit=3, remaining=1),
    errors.NotEnoughStampsException(stamp_count=3, stamps_target=10),
    errors.BulkPreviewChangedException(params={"cards": 3, "points_in_all": 15}),
    errors.PurchaseBelowMinimumException(amount_cents=3, minimum_purchase_cents=5),
    errors.AmountOutOfRangeException(maximum_cents=3),
    errors.PointsOutOfRangeException(maximum=3),
    errors.NotEnoughPointsException(points_balance=3, points=5),
    errors.BelowMinimumRedemptionException(minimum_redemption_points=3),
    errors.PointsOwedException(points_owed=3),
    errors.PointsAlreadySpentException(missing=3),
    errors.StampsAlreadySpentException(missing=3),
    errors.RefundExceedsPurchaseException(refundable_cents=3),
    errors.PinLockedException(retry_at=NOW + dt.timedelta(minutes=3), now=NOW),
    errors.CardRestoreConflictException(live_card_id=uuid.UUID(int=1), live_card_number="1"),
]


@pytest.mark.parametrize("refusal", FILLED, ids=lambda refusal: refusal.code)
def test_params_fill_the_sentence(refusal: OrionException) -> None:
    assert "%(" not in refusal.message % refusal.params
    assert json.loads(json.dumps(refusal.params)) == refusal.params


def test_every_sentence_with_a_placeholder_is_filled_above() -> None:
    with_placeholders = {refusal.code for refusal in REFUSALS if "%(" in refusal.message}
    assert with_placeholders <= {refusal.code for refusal in FILLED}
