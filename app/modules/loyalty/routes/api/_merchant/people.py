"""The merchant's face: the people who hold cards."""

import uuid
from collections.abc import Sequence
from typing import Annotated

from fastapi import APIRouter, Query

from app.core.context import Ctx
from app.core.web.deps import access
from app.core.web.fields import Cursor, OptionalLine
from app.core.web.problems import documented
from app.modules.customers import public as customers
from app.modules.loyalty.domain.voids import VOIDABLE
from app.modules.loyalty.routes.api._merchant.shapes import person_answer
from app.modules.loyalty.routes.api._shapes import history_entry
from app.modules.loyalty.schemas.people import (
    ConsentAnswer,
    ConsentList,
    PersonAnswer,
    PersonBody,
    PersonHistory,
    PersonHistoryEntry,
    PersonList,
    PersonMail,
    PersonMailList,
)
from app.modules.loyalty.services import people_service
from app.modules.loyalty.services.people_service import PeopleFilter, PeopleSort, Person
from app.modules.messaging import public as messaging
from app.modules.tenancy import public as tenancy

router = APIRouter(prefix="/api/v1/merchants/loyalty/customers", tags=["Loyalty - Merchant"])
PROBLEMS = documented(404)
Search = Annotated[OptionalLine | None, Query(description="E-mail, phone number, name or card: at most 50 people.")]


async def show(ctx: Ctx, people: Sequence[Person]) -> list[PersonAnswer]:
    """Return people with the names of the stores of their cards."""
    names = await tenancy.find_store_names(ctx, {card.enrolled_at_store_id for person in people for card in person.cards})
    return [person_answer(person, names) for person in people]


@router.get("", summary="List or find customers", responses=documented(400, 404))
async def list_customers(
    ctx: Ctx = access("merchant", "loyalty.customer.read"),
    q: Search = None,
    store_id: Annotated[uuid.UUID | None, Query(description="Only people with a card enrolled at this store.")] = None,
    wants_marketing: Annotated[bool | None, Query(description="Only people who want marketing mail, or who do not.")] = None,
    sort: Annotated[PeopleSort, Query(description="By registration, name or latest visit; a minus sorts from the other end.")] = (
        PeopleSort.NEWEST
    ),
    cursor: Annotated[Cursor | None, Query()] = None,
    limit: Annotated[int, Query(ge=1, le=100)] = 25,
) -> PersonList:
    """Return the merchant's people, or those that `q` names, the best match first and without further pages.

    By `-visit` only those who have been here since they enrolled are listed.
    """
    wanted = PeopleFilter(store_id, wants_marketing)
    if q:
        return PersonList(items=await show(ctx, await people_service.search_people(ctx, q, wanted)))
    page = await people_service.list_people(ctx, wanted, sort=sort, cursor=cursor, limit=limit)
    items = await show(ctx, page.items)
    return PersonList(items=items, next_cursor=page.next_cursor, previous_cursor=page.previous_cursor)


@router.get("/{customer_id}", summary="Read a customer", responses=PROBLEMS)
async def read_customer(customer_id: uuid.UUID, ctx: Ctx = access("merchant", "loyalty.customer.read")) -> PersonAnswer:
    """Return one person with their cards."""
    return (await show(ctx, [await people_service.get_person(ctx, customer_id)]))[0]


@router.patch("/{customer_id}", summary="Correct a customer's data", responses=documented(404, 409, 410))
async def update_customer(
    customer_id: uuid.UUID, body: PersonBody, ctx: Ctx = access("merchant", "loyalty.customer.manage")
) -> PersonAnswer:
    """Change what is named in the body and leave the rest. The audit log keeps which fields changed, never their values."""
    changes = body.model_dump(exclude_unset=True)
    return (await show(ctx, [await people_service.update_person(ctx, customer_id, changes)]))[0]


@router.get("/{customer_id}/history", summary="What was booked for a customer", responses=documented(400, 404))
async def read_history(
    customer_id: uuid.UUID,
    ctx: Ctx = access("merchant", "loyalty.customer.read"),
    cursor: Annotated[Cursor | None, Query()] = None,
    limit: Annotated[int, Query(ge=1, le=100)] = 25,
) -> PersonHistory:
    """Return the rows of all cards of a person, the latest first."""
    page = await people_service.list_history(ctx, customer_id, cursor=cursor, limit=limit)
    names = await tenancy.find_store_names(ctx, {row.store_id for row in page.items if row.store_id})
    rows = [
        PersonHistoryEntry(**history_entry(row, names, voidable=VOIDABLE).model_dump(), card_id=row.card_id) for row in page.items
    ]  # fmt: skip
    return PersonHistory(items=rows, next_cursor=page.next_cursor)


@router.get("/{customer_id}/consents", summary="What a customer agreed to", responses=PROBLEMS)
async def read_consents(customer_id: uuid.UUID, ctx: Ctx = access("merchant", "loyalty.customer.read")) -> ConsentList:
    """Return every statement of a person on terms and marketing mail."""
    await people_service.get_person(ctx, customer_id)
    found = await customers.list_consents(ctx, customer_id)
    return ConsentList(items=[ConsentAnswer.model_validate(record, from_attributes=True) for record in found])


@router.post(
    "/{customer_id}/withdraw-marketing", summary="Note that a customer wants no more marketing mail", responses=documented(404, 410)
)
async def withdraw_marketing(customer_id: uuid.UUID, ctx: Ctx = access("merchant", "loyalty.customer.manage")) -> PersonAnswer:
    """Take back the consent of somebody who said so at the counter or by phone. Nobody but they can give it again."""
    return (await show(ctx, [await people_service.withdraw_marketing(ctx, customer_id)]))[0]


@router.get("/{customer_id}/mails", summary="Which mails a customer got", responses=PROBLEMS)
async def read_mails(customer_id: uuid.UUID, ctx: Ctx = access("merchant", "loyalty.customer.read")) -> PersonMailList:
    """Return the last mails to a person and whether they arrived; contents and addresses are not among it."""
    await people_service.get_person(ctx, customer_id)
    mails = await messaging.list_mails_of_customer(ctx, customer_id)
    return PersonMailList(items=[PersonMail.model_validate(mail, from_attributes=True) for mail in mails])
