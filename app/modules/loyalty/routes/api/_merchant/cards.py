"""The merchant's face: cards, their history, corrections."""

import uuid
from typing import Annotated

from fastapi import APIRouter, Query
from starlette.responses import Response

from app.core.context import Ctx
from app.core.idempotency import IdempotencyKey
from app.core.web.deps import Mutation, access, idempotent
from app.core.web.fields import Cursor, OptionalLine
from app.core.web.problems import documented
from app.core.web.trash import OnlyDeleted, require_right
from app.modules.loyalty.domain.enums import CardStatus
from app.modules.loyalty.domain.voids import VOIDABLE
from app.modules.loyalty.errors import TransactionNotFoundException
from app.modules.loyalty.queries import cards as card_queries
from app.modules.loyalty.queries import transactions
from app.modules.loyalty.routes.api._merchant.shapes import merchant_card
from app.modules.loyalty.routes.api._shapes import history_entry
from app.modules.loyalty.routes.api._store.value import Stored, presenter, stored
from app.modules.loyalty.routes.api._trash import list_trashed_cards
from app.modules.loyalty.schemas.cards import CardChange, HistoryPage
from app.modules.loyalty.schemas.merchant import AdjustBody, MerchantCard, MerchantCardList, ReasonBody, VoidBody
from app.modules.loyalty.services import card_service, points_service, store_scope, void_service
from app.modules.loyalty.services.card_service import FoundCard
from app.modules.tenancy import public as tenancy

router = APIRouter(prefix="/api/v1/merchants/loyalty/cards", tags=["Loyalty - Merchant"])
PROBLEMS = documented(404)
Search = Annotated[OptionalLine | None, Query(description="Card number, QR content, e-mail, phone number or name: at most 20 cards.")]


async def show(ctx: Ctx, found: list[FoundCard]) -> list[MerchantCard]:
    """Return cards with the names of their stores."""
    names = await tenancy.find_store_names(ctx, {item.card.enrolled_at_store_id for item in found})
    return [merchant_card(item, names) for item in found]


@router.get("", summary="List or find cards", responses=documented(400, 404))
async def list_cards(
    ctx: Ctx = access("merchant", "loyalty.card.read"),
    q: Search = None,
    store_id: Annotated[uuid.UUID | None, Query(description="Only cards enrolled at this store.")] = None,
    status: Annotated[CardStatus | None, Query(description="Only cards of this status.")] = None,
    min_points: Annotated[int | None, Query(ge=0, le=1_000_000, description="Only cards with at least so many points.")] = None,
    sort: Annotated[card_queries.CardSort, Query(description="By when they were given out; a minus is the newest first.")] = (
        card_queries.CardSort.NEWEST
    ),
    only_deleted: OnlyDeleted = False,
    cursor: Annotated[Cursor | None, Query()] = None,
    limit: Annotated[int, Query(ge=1, le=100)] = 25,
) -> MerchantCardList:
    """Return the merchant's cards, or those that `q` names, the best match first and without further pages; with
    `only_deleted` those in the trash, which `q` and `store_id` narrow."""
    if only_deleted:
        require_right(ctx, "loyalty.card.trash")
        return await list_trashed_cards(ctx, text=q, store_id=store_id, cursor=cursor, limit=limit)
    place = await store_scope.choose_card_store(ctx, store_id)
    if q:
        found = await card_service.search_card_for_store(ctx, text=q, store_id=place)
        wanted = [
            item
            for item in found
            if place in (None, item.card.enrolled_at_store_id)
            and status in (None, item.card.status)
            and item.card.state.points_balance >= (min_points or 0)
        ]  # fmt: skip
        return MerchantCardList(items=await show(ctx, wanted))
    page = await card_queries.list_cards(ctx, store_id=place, status=status, min_points=min_points, sort=sort, cursor=cursor, limit=limit)
    items = await show(ctx, await card_service.with_customers(ctx, page.items))
    return MerchantCardList(items=items, next_cursor=page.next_cursor)


@router.get("/{card_id}", summary="Read a card", responses=PROBLEMS)
async def read_card(card_id: uuid.UUID, ctx: Ctx = access("merchant", "loyalty.card.read")) -> MerchantCard:
    """Return one card with its holder."""
    return (await show(ctx, [await card_service.get_card_for_store(ctx, card_id)]))[0]


@router.get("/{card_id}/history", summary="Read a card's history", responses=documented(400, 404))
async def read_history(
    card_id: uuid.UUID,
    ctx: Ctx = access("merchant", "loyalty.card.read"),
    cursor: Annotated[Cursor | None, Query()] = None,
    limit: Annotated[int, Query(ge=1, le=100)] = 25,
) -> HistoryPage:
    """Return the card's rows and those of cards merged into it, the newest first; `can_void` marks what can be taken back."""
    await card_service.get_card_for_store(ctx, card_id)
    page = await transactions.list_history(ctx, card_id, cursor=cursor, limit=limit)
    names = await tenancy.find_store_names(ctx, {row.store_id for row in page.items if row.store_id})
    return HistoryPage(items=[history_entry(row, names, voidable=VOIDABLE) for row in page.items], next_cursor=page.next_cursor)


@router.post("/{card_id}/adjust", summary="Correct a balance", response_model=CardChange, responses=documented(400, 404, 409))
async def adjust_points(
    card_id: uuid.UUID, body: AdjustBody, mutation: Mutation = idempotent("merchant", "loyalty.points.correct")
) -> Response:
    """Correct the points of a card, with a reason that goes to the audit log. A correction never makes debt."""

    async def act(ctx: Ctx, key: IdempotencyKey) -> Stored:
        return stored(
            await points_service.adjust_points(
                ctx, card_id=card_id, delta=body.points, reason=body.reason, key=key, present=presenter(ctx)
            )
        )  # fmt: skip

    return await mutation.run_stored(act)


@router.post("/{card_id}/void", summary="Take a row back", response_model=CardChange, responses=documented(400, 404, 409))
async def void_transaction(
    card_id: uuid.UUID, body: VoidBody, mutation: Mutation = idempotent("merchant", "loyalty.points.correct")
) -> Response:
    """Take earned or redeemed stamps or points back, once; points already spent by the merchant's void policy."""

    async def act(ctx: Ctx, key: IdempotencyKey) -> Stored:
        if await transactions.get_card_of_transaction(ctx, body.transaction_id) != card_id:
            raise TransactionNotFoundException
        return stored(
            await void_service.void(
                ctx, transaction_id=body.transaction_id, key=key, present=presenter(ctx), proof=None, kinds=VOIDABLE
            )
        )  # fmt: skip

    return await mutation.run_stored(act)


@router.post("/{card_id}/deactivate", summary="Switch a card off", responses=documented(404, 409))
async def deactivate_card(card_id: uuid.UUID, body: ReasonBody, ctx: Ctx = access("merchant", "loyalty.card.manage")) -> MerchantCard:
    """Switch a card off, for example a lost one; its balance stays. Doing it twice changes nothing."""
    return await _set_active(ctx, card_id, is_active=False, reason=body.reason)


@router.post("/{card_id}/activate", summary="Switch a card on again", responses=documented(404, 409))
async def activate_card(card_id: uuid.UUID, body: ReasonBody, ctx: Ctx = access("merchant", "loyalty.card.manage")) -> MerchantCard:
    """Switch a card on again. A merged card stays merged."""
    return await _set_active(ctx, card_id, is_active=True, reason=body.reason)


async def _set_active(ctx: Ctx, card_id: uuid.UUID, *, is_active: bool, reason: str) -> MerchantCard:
    await card_service.get_card_for_store(ctx, card_id)
    card = await card_service.set_active(ctx, card_id, is_active=is_active, reason=reason)
    return (await show(ctx, await card_service.with_customers(ctx, [card])))[0]
