"""The platform's face: cards and customers of all merchants, listed and found."""

import dataclasses
import uuid
from typing import Annotated, Literal

from fastapi import APIRouter, Query

from app.core import pagination
from app.core.context import PlatformCtx
from app.core.web.deps import access
from app.core.web.fields import Cursor, OptionalLine
from app.core.web.problems import documented
from app.modules.customers.public import CustomerOrder
from app.modules.loyalty.domain.enums import CardStatus
from app.modules.loyalty.schemas.platform import PlatformCardAnswer, PlatformCardPage, PlatformCustomerAnswer, PlatformCustomerPage
from app.modules.loyalty.services import platform_service
from app.modules.loyalty.services.platform_service import CardsWanted, HeldCard

router = APIRouter(prefix="/api/v1/admin/loyalty", tags=["Loyalty - Admin"])
FindCard = Annotated[
    OptionalLine,
    Query(alias="q", description="A number, QR content, or the beginning of an e-mail address; with `merchant_id` also a name or phone."),
]
FindPerson = Annotated[
    OptionalLine,
    Query(alias="q", description="The beginning of an e-mail address, or a card; with `merchant_id` also a name or phone number."),
]
OfMerchant = Annotated[uuid.UUID | None, Query(description="Only this merchant's.")]
Limit = Annotated[int, Query(ge=1, le=pagination.MAX_PAGE, description="Rows on a page.")]


def card_answer(held: HeldCard) -> PlatformCardAnswer:
    """Return a card of any merchant as the API shows it."""
    card, person, deletion = held.found.card, held.customer, held.found.deletion
    return PlatformCardAnswer(
        id=card.id,
        merchant_id=held.found.merchant_id,
        card_number=card.card_number,
        status=card.status,
        customer_id=card.customer_id,
        holder_name=(person.full_name or None) if person else None,
        holder_email=person.email if person else None,
        enrolled_at_store_id=card.enrolled_at_store_id,
        stamp_count=card.state.stamp_count,
        stamps_target=card.state.stamps_target,
        points_balance=card.state.points_balance,
        created_at=card.created_at,
        deleted_at=deletion.at if deletion else None,
        deletion_reason=deletion.reason if deletion else "",
    )


@router.get("/cards", summary="List or find cards of all merchants", responses=documented(400, 404))
async def list_cards(
    q: FindCard = "",
    merchant_id: OfMerchant = None,
    status: Annotated[CardStatus | None, Query(description="Only cards in this state.")] = None,
    only_deleted: Annotated[bool, Query(description="Cards in the trash, the latest first, instead of those in use.")] = False,
    sort: Annotated[Literal["-created", "created"], Query(description="By enrollment, with a minus the newest first.")] = "-created",
    cursor: Cursor | None = None,
    limit: Limit = pagination.DEFAULT_PAGE,
    ctx: PlatformCtx = access("admin", "loyalty.platform.read"),
) -> PlatformCardPage:
    """Return cards with their holders, a page at a time. A name or phone number finds nobody without `merchant_id`."""
    wanted = CardsWanted(text=q, merchant_id=merchant_id, status=status, only_deleted=only_deleted)
    page = await platform_service.list_cards(ctx, wanted, sort=sort, cursor=cursor, limit=limit)
    return PlatformCardPage(items=[card_answer(held) for held in page.items], next_cursor=page.next_cursor)


@router.get("/cards/{card_id}", summary="Read a card of any merchant", responses=documented(404))
async def read_card(card_id: uuid.UUID, ctx: PlatformCtx = access("admin", "loyalty.platform.read")) -> PlatformCardAnswer:
    """Return one card with its holder, also one in the trash."""
    return card_answer(await platform_service.get_card(ctx, card_id))


@router.get("/customers", summary="List or find customers of all merchants", responses=documented(400, 404))
async def list_customers(
    q: FindPerson = "",
    merchant_id: OfMerchant = None,
    sort: Annotated[CustomerOrder, Query(description="How a merchant's customers are sorted; what a text finds is sorted by fit.")] = (
        CustomerOrder.NEWEST
    ),
    cursor: Cursor | None = None,
    limit: Limit = pagination.DEFAULT_PAGE,
    ctx: PlatformCtx = access("admin", "loyalty.platform.read"),
) -> PlatformCustomerPage:
    """Return whom `q` names anywhere, or the customers of one merchant, a page at a time; without either, nobody."""
    page = await platform_service.list_people(ctx, q, merchant_id=merchant_id, sort=sort, cursor=cursor, limit=limit)
    items = [
        PlatformCustomerAnswer.model_validate(dataclasses.asdict(person) | {"merchant_id": merchant}) for merchant, person in page.items
    ]
    return PlatformCustomerPage(items=items, next_cursor=page.next_cursor)
