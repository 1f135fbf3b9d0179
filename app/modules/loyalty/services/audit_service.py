"""A merchant's audit log as its owners and managers read it: in words, with names, filtered, and as a table."""

import dataclasses
import datetime as dt
import enum
import json
import uuid
from collections.abc import Mapping, Sequence

from app.core import audit_log, csv_text, pagination
from app.core.audit_log import Entry, Wanted
from app.core.context import Ctx
from app.core.i18n import _
from app.core.pagination import Page
from app.modules.customers import public as customers
from app.modules.loyalty.domain import expiry
from app.modules.loyalty.domain.card_number import format_number
from app.modules.loyalty.queries import cards as card_queries
from app.modules.loyalty.queries import pins, terminals
from app.modules.tenancy import public as tenancy

HEAD = (
    "at", "action", "text", "actor_kind", "actor", "actor_id", "staff_pin_id", "is_by_platform", "target_type", "target", "target_id",
    "details",
)  # fmt: skip
PIECE = 500
"""Entries in one piece of a download."""


class AuditFamily(enum.StrEnum):
    """Actions that belong together."""

    CARDS = "cards"
    CUSTOMERS = "customers"
    PROGRAM = "program"
    COUNTER = "counter"
    TEAM = "team"
    BUSINESS = "business"
    TEXTS = "texts"


PREFIXES: Mapping[AuditFamily, tuple[str, ...]] = {
    AuditFamily.CARDS: ("loyalty.card.", "loyalty.cards.", "loyalty.points.", "loyalty.merge.", "loyalty.stamps."),
    AuditFamily.CUSTOMERS: (
        "customers.",
        "loyalty.customer.",
        "loyalty.retention.",
        "loyalty.import.",
        "loyalty.export.",
        "messaging.reminders.",
    ),
    AuditFamily.PROGRAM: ("loyalty.program.", "loyalty.reward.", "loyalty.logo.", "loyalty.cross_location."),
    AuditFamily.COUNTER: ("loyalty.pin.", "loyalty.terminal.", "loyalty.settings."),
    AuditFamily.TEAM: ("tenancy.member.", "tenancy.account.", "tenancy.api_key.", "tenancy.user.", "tenancy.password."),
    AuditFamily.BUSINESS: ("tenancy.store.", "tenancy.merchant."),
    AuditFamily.TEXTS: ("messaging.template.", "messaging.address.", "cms."),
}
"""How the actions of a family begin."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class AuditFilter:
    """Which entries: a family of actions, who did it, what it was done to, and the merchant's local days; None is no matter."""

    family: AuditFamily | None = None
    person_id: uuid.UUID | None = None
    target_id: uuid.UUID | None = None
    since: dt.date | None = None
    until: dt.date | None = None


@dataclasses.dataclass(frozen=True, slots=True)
class ReadEntry:
    """An entry in words: what was done, by whom, and what the thing is called that it was done to (None: it has no name)."""

    entry: Entry
    text: str
    actor: str
    target: str | None


async def list_entries(
    ctx: Ctx, wanted: AuditFilter, *, cursor: str | None = None, limit: int = pagination.DEFAULT_PAGE
) -> Page[ReadEntry]:
    """Return a page of the log, newest first. With a family it may be short although others follow. BadCursor."""
    zone = await tenancy.merchant_zone(ctx)
    page = await audit_log.list_entries(
        ctx,
        Wanted(
            person_id=wanted.person_id,
            target_id=wanted.target_id,
            since=expiry.start_of_day(wanted.since, zone) if wanted.since else None,
            until=expiry.end_of_day(wanted.until, zone) if wanted.until else None,
            prefixes=PREFIXES[wanted.family] if wanted.family else (),
        ),
        cursor=cursor,
        limit=limit,
    )
    return Page(await _with_names(ctx, page.items), page.next_cursor, page.previous_cursor)


async def _with_names(ctx: Ctx, entries: Sequence[Entry]) -> list[ReadEntry]:
    """Return entries in words; one statement for each kind of thing among them."""
    users = await tenancy.find_user_names(ctx, _actors(entries, "user"))
    devices = await terminals.find_names(ctx, _actors(entries, "terminal") | _targets(entries, "terminal"))
    staff = await pins.find_names(ctx, {entry.staff_pin_id for entry in entries if entry.staff_pin_id} | _targets(entries, "staff_pin"))
    stores = await tenancy.find_store_names(ctx, _targets(entries, "store"))
    people = await customers.get_many(ctx, list(_targets(entries, "customer") | _actors(entries, "customer")))
    names = {person.id: person.full_name for person in people.values() if person.full_name}
    cards = {
        card_id: format_number(number) for card_id, number in (await card_queries.find_numbers(ctx, _targets(entries, "card"))).items()
    }
    known = users | devices | staff | stores | names | cards
    return [
        ReadEntry(entry, audit_log.title_of(entry.action), _actor(entry, known), known.get(entry.target_id) if entry.target_id else None)
        for entry in entries
    ]


def _actors(entries: Sequence[Entry], kind: str) -> set[uuid.UUID]:
    return {entry.actor_id for entry in entries if entry.actor_kind == kind and entry.actor_id}


def _targets(entries: Sequence[Entry], kind: str) -> set[uuid.UUID]:
    return {entry.target_id for entry in entries if entry.target_type == kind and entry.target_id}


def _actor(entry: Entry, known: Mapping[uuid.UUID, str]) -> str:
    """Return who did it: a staff member by PIN before the device, and the platform's people without their names."""
    if entry.acting_admin_id is not None:
        return _("Support of the platform")
    for person_id in (entry.staff_pin_id, entry.actor_id):
        if person_id is not None and person_id in known:
            return known[person_id]
    return {
        "user": _("Somebody who has left the team"),
        "terminal": _("A terminal"),
        "customer": _("A customer"),
        "system": _("By itself"),
    }.get(entry.actor_kind, _("Nobody signed in"))


def csv_head() -> str:
    """Return how a download begins."""
    return csv_text.write_table(HEAD, ())


async def csv_piece(ctx: Ctx, wanted: AuditFilter, cursor: str | None) -> tuple[str, str | None]:
    """Return the lines from `cursor` on, without a head, and the cursor behind them."""
    page = await list_entries(ctx, wanted, cursor=cursor, limit=PIECE)
    return csv_text.write_rows([_line(found) for found in page.items]), page.next_cursor


def _line(found: ReadEntry) -> tuple[object, ...]:
    entry = found.entry
    return (
        entry.at, entry.action, found.text, entry.actor_kind, found.actor, entry.actor_id, entry.staff_pin_id,
        "yes" if entry.acting_admin_id else "no", entry.target_type, found.target, entry.target_id,
        json.dumps(dict(entry.details), ensure_ascii=False, sort_keys=True) if entry.details else None,
    )  # fmt: skip
