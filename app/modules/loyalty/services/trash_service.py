"""The trash of cards and programs (G1, G2). Balances and history stay as they are; nothing earns, redeems, expires or is mailed there.

A program goes with its cards and comes back with them, in one act with one `deletion_id`: a live card always has a live program. Its
own row decides from that moment on; cards beyond the first few thousand follow in the background (`follow_program`).
"""

import dataclasses
import uuid
from collections.abc import Sequence

import asyncpg

from app.core import audit, trash
from app.core.context import Ctx
from app.core.pagination import DEFAULT_PAGE, Page
from app.core.trash import Deletion, Outcome
from app.modules.customers import public as customers
from app.modules.loyalty.domain import card_number
from app.modules.loyalty.domain.enums import CardStatus
from app.modules.loyalty.errors import CardMergedException, CardNotFoundException, CardRestoreConflictException, ProgramNotFoundException
from app.modules.loyalty.queries import cards as card_queries
from app.modules.loyalty.queries import locks, programs
from app.modules.loyalty.queries import trash as trash_queries
from app.modules.loyalty.queries.locks import StoredCard, StoredProgram
from app.modules.loyalty.queries.trash import TrashedCard, TrashedProgram
from app.modules.loyalty.services import store_scope
from app.modules.loyalty.services.chunks import FIRST
from app.modules.loyalty.trash_errors import (
    CardHasHistoryException,
    CardsOnTheirWayException,
    ProgramHasHistoryException,
    ProgramInTrashException,
    ProgramRestoreConflictException,
)

FOLLOW_TASK = "loyalty.follow_program"
CHUNK = 5_000
"""Cards that follow their program at once: a few tenths of a second, during which nobody enrolls at this merchant."""
MOST_FOUND = 500
"""People whose cards a search of the trash looks for."""


async def trash_card(ctx: Ctx, card_id: uuid.UUID, *, reason: str) -> Deletion:
    """Put one of the merchant's cards away; return the act. Doing it twice changes nothing.

    Raises CardNotFoundException, also for a card that the caller's store does not serve, and CardMergedException: a merged card's
    number still opens the card that has its balance.
    """
    card = _of(await locks.lock_any_cards(ctx, [card_id]), card_id)
    await _require_scope(ctx, card)
    if card.deletion is not None:
        return card.deletion
    if card.status is CardStatus.MERGED:
        raise CardMergedException
    deletion = trash.begin(ctx, reason)
    await trash_queries.trash_cards(ctx, [card_id], deletion)
    await audit.record(ctx, "loyalty.card.trashed", "card", card_id, reason=reason, deletion_id=deletion.id)
    return deletion


async def restore_card(ctx: Ctx, card_id: uuid.UUID) -> None:
    """Take one card back as it was. Restoring a live one changes nothing.

    Raises CardNotFoundException, ProgramInTrashException, and CardRestoreConflictException, which names the card, when its holder has
    another live one (at the same store, with one card per store).
    """
    (outcome,) = await restore_cards(ctx, [card_id])
    if outcome.error is not None:
        raise outcome.error


async def restore_cards(ctx: Ctx, card_ids: Sequence[uuid.UUID]) -> list[Outcome]:
    """Take several cards back, each for itself; return what became of each. No enrollment comes in between."""
    await locks.lock_enrollment(ctx, is_switch=True)
    is_cross_location = (await programs.get_settings(ctx)).allow_cross_location_redemption
    stored = await locks.lock_any_cards(ctx, card_ids)
    holders = {card.customer_id for card in stored.values() if card.customer_id and card.deletion}

    def place(customer_id: uuid.UUID | None, store_id: uuid.UUID) -> tuple[uuid.UUID | None, uuid.UUID | None]:
        return customer_id, None if is_cross_location else store_id

    live = await card_queries.list_of_customers(ctx, list(holders))
    held = {place(card.customer_id, card.enrolled_at_store_id): (card.id, card.card_number) for card in reversed(live)}

    async def restore(card_id: uuid.UUID) -> None:
        card = _of(stored, card_id)
        await _require_scope(ctx, card)
        if card.deletion is None:
            return
        if card.is_program_trashed:
            raise ProgramInTrashException
        here = place(card.customer_id, card.enrolled_at_store_id)
        counts = card.customer_id is not None and card.status is not CardStatus.MERGED
        if counts and (rival := held.get(here)):
            raise CardRestoreConflictException(live_card_id=rival[0], live_card_number=card_number.format_number(rival[1]))
        await trash_queries.restore_cards(ctx, [card_id])
        await audit.record(ctx, "loyalty.card.restored", "card", card_id, deletion_id=card.deletion.id)
        stored[card_id] = dataclasses.replace(card, deletion=None)
        if counts:
            held[here] = (card.id, card.card_number)

    return await trash.each(card_ids, restore)


async def purge_card(ctx: Ctx, card_id: uuid.UUID, *, confirmation: str) -> None:
    """Delete a card in the trash for good. `confirmation` is its number, typed.

    Raises CardNotFoundException, NotInTrashException, ConfirmationWrongException, and CardHasHistoryException for a card with
    transactions: its holder's data can be deleted, the card cannot.
    """
    card = _of(await locks.lock_any_cards(ctx, [card_id]), card_id)
    await _require_scope(ctx, card)
    trash.require_purgeable(card.deletion, confirmation, card.card_number)
    if await trash_queries.card_has_history(ctx, card_id):
        raise CardHasHistoryException
    try:
        await trash_queries.delete_card(ctx, card_id)
    except asyncpg.ForeignKeyViolationError as error:
        raise CardHasHistoryException from error
    await audit.record(ctx, "loyalty.card.purged", "card", card_id)


async def list_trashed_cards(
    ctx: Ctx, *, store_id: uuid.UUID | None = None, text: str | None = None, cursor: str | None = None, limit: int = DEFAULT_PAGE
) -> Page[TrashedCard]:
    """Return a page of cards in the trash, the latest first; `text` is a number, a QR content, an e-mail, a phone number or a name.

    Raises BadCursor, and tenancy's StoreNotFoundException for a store whose cards the caller may not see.
    """
    place = await store_scope.choose_card_store(ctx, store_id)
    scan = card_number.parse_scan(text) if text else None
    people = None
    if text and scan is None:
        people = [person.id for person in await customers.search_customers(ctx, text, limit=MOST_FOUND)]
    return await trash_queries.list_cards(ctx, store_id=place, scan=scan, customer_ids=people, cursor=cursor, limit=limit)


async def trash_program(ctx: Ctx, program_id: uuid.UUID, *, reason: str) -> Deletion:
    """Put a program away with all its cards; return the act. Doing it twice changes nothing. ProgramNotFoundException.

    From then on no card of it can be used, and the merchant can make another program.
    """
    await locks.lock_enrollment(ctx, is_switch=True)
    program = await _lock_program(ctx, program_id)
    if program.deletion is not None:
        return program.deletion
    deletion = trash.begin(ctx, reason)
    moved = await _trash_program(ctx, program_id, deletion)
    await audit.record(
        ctx, "loyalty.program.trashed", "program", program_id, reason=reason, deletion_id=deletion.id, cards_at_once=moved
    )  # fmt: skip
    return deletion


async def restore_program(ctx: Ctx, program_id: uuid.UUID) -> None:
    """Take a program back with the cards that went with it. Restoring the live one changes nothing.

    Raises ProgramNotFoundException, and ProgramRestoreConflictException, which names it, when another program is live.
    """
    await locks.lock_enrollment(ctx, is_switch=True)
    program = await _lock_program(ctx, program_id)
    if program.deletion is None:
        return
    live = await programs.find_program(ctx)
    if live is not None:
        raise ProgramRestoreConflictException(live_program_id=live.id, live_program_name=live.name)
    await restore_locked_program(ctx, program)


async def restore_locked_program(ctx: Ctx, program: StoredProgram) -> None:
    """Take a locked program back with the cards that went with it, while nobody enrolls and no other program is live."""
    deletion_id = program.deletion.id if program.deletion else None
    await trash_queries.restore_program(ctx, program.id)
    moved = 0
    if deletion_id is not None:
        moved, after_id = await _restore_chunk(ctx, program.id, deletion_id, FIRST)
        if after_id is not None:
            ctx.enqueue(FOLLOW_TASK, program_id=program.id, deletion_id=deletion_id)
    await audit.record(ctx, "loyalty.program.restored", "program", program.id, deletion_id=deletion_id, cards_at_once=moved)


async def purge_program(ctx: Ctx, program_id: uuid.UUID, *, confirmation: str) -> None:
    """Delete a program in the trash for good, with its rewards and cards. `confirmation` is its name, typed.

    Raises ProgramNotFoundException, NotInTrashException, ConfirmationWrongException, CardsOnTheirWayException, and
    ProgramHasHistoryException when a card of it has transactions.
    """
    await locks.lock_enrollment(ctx, is_switch=True)
    program = await _lock_program(ctx, program_id)
    trash.require_purgeable(program.deletion, confirmation, program.name)
    if await trash_queries.program_has_history(ctx, program_id):
        raise ProgramHasHistoryException
    if await trash_queries.has_live_cards(ctx, program_id):
        raise CardsOnTheirWayException
    try:
        await trash_queries.delete_program(ctx, program_id)
    except asyncpg.ForeignKeyViolationError as error:
        raise ProgramHasHistoryException from error
    await audit.record(ctx, "loyalty.program.purged", "program", program_id)


async def list_trashed_programs(ctx: Ctx, *, cursor: str | None = None, limit: int = DEFAULT_PAGE) -> Page[TrashedProgram]:
    """Return a page of programs in the trash, the latest first. BadCursor."""
    return await trash_queries.list_programs(ctx, cursor=cursor, limit=limit)


async def trash_with_merchant(ctx: Ctx, deletion: Deletion) -> None:
    """Put the merchant's live program away with its cards, in the act that put the merchant away."""
    await locks.lock_enrollment(ctx, is_switch=True)
    live = await programs.find_program(ctx)
    if live is not None and (await _lock_program(ctx, live.id)).deletion is None:
        await _trash_program(ctx, live.id, deletion)


async def follow_chunk(ctx: Ctx, program_id: uuid.UUID, deletion_id: uuid.UUID, after_id: uuid.UUID) -> tuple[int, uuid.UUID | None]:
    """Let the next cards follow their program where it is now: into the trash while it lies there, back when it is live.

    Returns how many did, and the id behind which to go on; None after the last. Run it again as often as you like: it looks at the
    program, not at what once was to be done.
    """
    await locks.lock_enrollment(ctx, is_switch=True)
    program = await locks.lock_program(ctx, program_id, is_shared=True)
    if program is None:
        return 0, None
    if program.deletion is None:
        return await _restore_chunk(ctx, program_id, deletion_id, after_id)
    if program.deletion.id != deletion_id:  # it came back and went again before all had followed: those left belong to the later act
        left = await locks.lock_cards_of_deletion(ctx, program_id, deletion_id, after_id=FIRST, limit=CHUNK)
        await trash_queries.trash_cards(ctx, left, program.deletion)
        if len(left) == CHUNK:
            return CHUNK, after_id
    return await _trash_chunk(ctx, program_id, program.deletion, after_id)


async def _trash_program(ctx: Ctx, program_id: uuid.UUID, deletion: Deletion) -> int:
    await trash_queries.trash_program(ctx, program_id, deletion)
    moved, after_id = await _trash_chunk(ctx, program_id, deletion, FIRST)
    if after_id is not None:
        ctx.enqueue(FOLLOW_TASK, program_id=program_id, deletion_id=deletion.id)
    return moved


async def _trash_chunk(ctx: Ctx, program_id: uuid.UUID, deletion: Deletion, after_id: uuid.UUID) -> tuple[int, uuid.UUID | None]:
    ids = await locks.lock_live_cards(ctx, program_id, after_id=after_id, limit=CHUNK)
    await trash_queries.trash_cards(ctx, ids, deletion)
    return len(ids), ids[-1] if len(ids) == CHUNK else None


async def _restore_chunk(
    ctx: Ctx, program_id: uuid.UUID, deletion_id: uuid.UUID, after_id: uuid.UUID
) -> tuple[int, uuid.UUID | None]:  # fmt: skip
    settings = await programs.get_settings(ctx)
    ids = await locks.lock_cards_of_deletion(ctx, program_id, deletion_id, after_id=after_id, limit=CHUNK)
    moved = await trash_queries.restore_cards_of_free_holders(ctx, ids, is_cross_location=settings.allow_cross_location_redemption)
    return moved, ids[-1] if len(ids) == CHUNK else None


async def _lock_program(ctx: Ctx, program_id: uuid.UUID) -> StoredProgram:
    program = await locks.lock_program(ctx, program_id)
    if program is None:
        raise ProgramNotFoundException
    return program


def _of(stored: dict[uuid.UUID, StoredCard], card_id: uuid.UUID) -> StoredCard:
    try:
        return stored[card_id]
    except KeyError:
        raise CardNotFoundException from None


async def _require_scope(ctx: Ctx, card: StoredCard) -> None:
    """Refuse a card that the caller's store does not serve, as if it were not there."""
    if store_scope.is_in_scope(ctx, card.enrolled_at_store_id):
        return
    if not (await programs.get_settings(ctx)).allow_cross_location_redemption:
        raise CardNotFoundException
