"""Cards and their history, as every face answers them."""

import datetime as dt
import uuid

from pydantic import ConfigDict, JsonValue

from app.core.web.fields import Answer
from app.modules.loyalty.domain.enums import CardStatus, TransactionType

CARD_EXAMPLE: dict[str, JsonValue] = {
    "id": "0199f1a0-5b7e-7c3a-9d3e-2f1c0a9b8d7e", "card_number": "4829 1736 5093", "status": "active", "stamp_count": 12,
    "stamps_target": 10, "stamps_filled": 2, "rewards_ready": 1, "points_balance": 120, "points_owed": 0,
}  # fmt: skip
TRANSACTION_EXAMPLE: dict[str, JsonValue] = {
    "id": "0199f1a0-6a11-7e52-8f00-5d2b7c1a4e90", "type": "stamp_earned", "stamps_delta": 3, "points_delta": 0, "points_forgiven": 0,
    "stamps_forgiven": 0, "created_at": "2026-11-23T10:15:00Z",
}  # fmt: skip
HOLDER_EXAMPLE: dict[str, JsonValue] = {
    "customer_id": "0199f1a0-4c11-7b20-8d31-7e6f5a4b3c2d", "first_name": "Léa", "last_name": "Weber", "email": "lea.weber@example.lu",
}  # fmt: skip
CARD_DETAIL_EXAMPLE: dict[str, JsonValue] = {
    **CARD_EXAMPLE, "holder": HOLDER_EXAMPLE, "enrolled_at_store_id": "0199f1a0-1c22-7d10-8a41-6b5c4d3e2f10",
    "created_at": "2026-03-02T09:41:00Z",
}  # fmt: skip
HISTORY_EXAMPLE: dict[str, JsonValue] = {
    "id": "0199f1a0-6a11-7e52-8f00-5d2b7c1a4e90", "type": "points_earned", "created_at": "2026-11-23T10:15:00Z",
    "store_id": "0199f1a0-1c22-7d10-8a41-6b5c4d3e2f10", "store_name": "Filiale 1", "staff_name": "Marie", "reward_name": None,
    "stamps_delta": 0, "points_delta": 12, "stamps_after": 2, "points_after": 120, "amount_cents": 1290, "points_rate": 10_000,
    "stamps_target": None, "order_reference": "R-2041", "is_voided": False, "can_void": True,
}  # fmt: skip


class CardBalance(Answer):
    """A card's balances. `stamps_filled` of `stamps_target` are on the card being collected, `rewards_ready` full ones wait."""

    model_config = ConfigDict(frozen=True, json_schema_extra={"examples": [CARD_EXAMPLE]})

    id: uuid.UUID
    card_number: str
    status: CardStatus
    stamp_count: int
    stamps_target: int
    stamps_filled: int
    rewards_ready: int
    points_balance: int
    points_owed: int


class TransactionAnswer(Answer):
    """One row of the ledger, just written."""

    model_config = ConfigDict(frozen=True, json_schema_extra={"examples": [TRANSACTION_EXAMPLE]})

    id: uuid.UUID
    type: TransactionType
    stamps_delta: int
    points_delta: int
    points_forgiven: int
    stamps_forgiven: int
    created_at: dt.datetime


class CardChange(Answer):
    """What a mutation did: the card after it, and the row that was written. `new_rewards` became ready by it."""

    model_config = ConfigDict(
        frozen=True, json_schema_extra={"examples": [{"card": CARD_EXAMPLE, "transaction": TRANSACTION_EXAMPLE, "new_rewards": 1}]}
    )

    card: CardBalance
    transaction: TransactionAnswer
    new_rewards: int


class Holder(Answer):
    """Who holds a card, for those who may know."""

    model_config = ConfigDict(frozen=True, json_schema_extra={"examples": [HOLDER_EXAMPLE]})

    customer_id: uuid.UUID
    first_name: str | None
    last_name: str | None
    email: str | None


class CardDetail(CardBalance):
    """A card with its holder (None after an erasure) and the store where it was enrolled."""

    model_config = ConfigDict(frozen=True, json_schema_extra={"examples": [CARD_DETAIL_EXAMPLE]})

    holder: Holder | None
    enrolled_at_store_id: uuid.UUID
    created_at: dt.datetime


class CardList(Answer):
    """Cards, and the cursor of the next page when there is one."""

    model_config = ConfigDict(frozen=True, json_schema_extra={"examples": [{"items": [CARD_DETAIL_EXAMPLE], "next_cursor": None}]})

    items: list[CardDetail]
    next_cursor: str | None = None


class HistoryEntry(Answer):
    """One row of a card's history and why it is what it is: what, where, when, by which rule, and what it left."""

    model_config = ConfigDict(frozen=True, json_schema_extra={"examples": [HISTORY_EXAMPLE]})

    id: uuid.UUID
    type: TransactionType
    created_at: dt.datetime
    store_id: uuid.UUID | None
    store_name: str | None
    staff_name: str | None
    reward_name: str | None
    stamps_delta: int
    points_delta: int
    stamps_after: int
    points_after: int
    amount_cents: int | None
    points_rate: int | None
    stamps_target: int | None
    order_reference: str | None
    is_voided: bool
    can_void: bool


class HistoryPage(Answer):
    """A page of a card's history, newest first."""

    model_config = ConfigDict(frozen=True, json_schema_extra={"examples": [{"items": [HISTORY_EXAMPLE], "next_cursor": None}]})

    items: list[HistoryEntry]
    next_cursor: str | None = None
