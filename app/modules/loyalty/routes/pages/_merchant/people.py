"""Customers: listed, found, and each with cards, consents, history and mails."""

import uuid
from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import APIRouter, Query
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from app.core import permissions
from app.core.context import Ctx
from app.core.i18n import N_, _
from app.core.pagination import Page
from app.core.web.deps import access
from app.core.web.fields import Cursor, OptionalLine
from app.core.web.lists import page_links, sort_heads
from app.modules.customers import public as customers
from app.modules.loyalty.domain.program import stamp_progress
from app.modules.loyalty.queries import programs
from app.modules.loyalty.routes.pages._merchant import views
from app.modules.loyalty.routes.pages._merchant.counter import StoreChoice
from app.modules.loyalty.routes.pages._merchant.panel import open_stores, options, read_store_choice, show
from app.modules.loyalty.routes.pages._panel_values import LATEST, person_values
from app.modules.loyalty.services import people_service, person_merge_service
from app.modules.loyalty.services.people_service import PeopleFilter, PeopleSort, Person

router = APIRouter(prefix="/merchants", tags=["Loyalty - Merchant pages"], include_in_schema=False)
MERGE: Any = access("merchant", "loyalty.customer.merge")
READ: Any = access("merchant", "loyalty.customer.read")
PAGE = 25
Search = Annotated[OptionalLine, Query(alias="q", description="E-mail, phone number, name or card.")]
Choice = Annotated[str, Query(max_length=20, description="A choice of the filter; empty is all.")]
Place = Annotated[Cursor | None, Query()]
SORT_NAMES = {
    PeopleSort.NEWEST: N_("Newest first"),
    PeopleSort.OLDEST: N_("Oldest first"),
    PeopleSort.NAME: N_("Name, A to Z"),
    PeopleSort.NAME_BACK: N_("Name, Z to A"),
    PeopleSort.LAST_VISIT: N_("Last visit first"),
}
WISHES: Mapping[str, bool] = {"yes": True, "no": False}
LIKENESSES = {
    customers.Likeness.NAME_AND_BIRTHDAY: N_("Same name and birthday"),
    customers.Likeness.EMAIL: N_("Nearly the same e-mail address"),
    customers.Likeness.PHONE: N_("Same phone number"),
}


@router.get("/customers", summary="The customers")
async def list_customers(
    request: Request,
    ctx: Ctx = READ,
    q: Search = "",
    store: StoreChoice = "",
    marketing: Choice = "",
    sort: Choice = "",
    cursor: Place = None,
) -> Response:
    """Show the people whom the search and the filters name; all of it is kept in the address."""
    order = next((item for item in PeopleSort if item.value == sort), PeopleSort.NEWEST)
    wanted = PeopleFilter(read_store_choice(store), WISHES.get(marketing))
    if q:
        page = Page(await people_service.search_people(ctx, q, wanted))
    else:
        page = await people_service.list_people(ctx, wanted, sort=order, cursor=cursor, limit=PAGE)
    return await show(
        request,
        ctx,
        "customers",
        people=[_row(person) for person in page.items],
        stores=options(await open_stores(ctx)),
        filters={name: value for name, value in (("q", q), ("store", store), ("marketing", marketing)) if value},
        sort=order.value,
        sorts=[(item.value, _(name)) for item, name in SORT_NAMES.items()],
        heads={} if q else sort_heads(request, order.value, [PeopleSort.NAME, PeopleSort.LAST_VISIT, PeopleSort.NEWEST]),
        program=await programs.find_program(ctx),
        may_merge=permissions.is_allowed("loyalty.customer.merge", ctx.actor.role, bound_to=ctx.actor.store_id),
        max_found=people_service.MAX_FOUND,
        **page_links(request, page),
    )


def _row(person: Person) -> dict[str, Any]:
    """Return a line of the list: who, how to reach them, what they hold on all cards together."""
    return {
        "person": person,
        "name": views.person_name(person.customer),
        "stamps": sum(card.state.stamp_count for card in person.cards),
        "points": sum(card.state.net_points for card in person.cards),
        "rewards": sum(stamp_progress(card.state).rewards_ready for card in person.cards),
    }


@router.get("/customers/duplicates", summary="Who may be there twice")
async def list_duplicates(request: Request, ctx: Ctx = MERGE, cursor: Place = None) -> Response:
    """Show pairs of people who may be one, each with the way to its preview."""
    page = await people_service.list_twins(ctx, cursor=cursor, limit=PAGE)
    return await show(
        request,
        ctx,
        "customer-duplicates",
        pairs=[(_row(pair.older), _row(pair.newer), _(LIKENESSES[pair.likeness])) for pair in page.items],
        **page_links(request, page),
    )


@router.get("/customers/{customer_id}/merge/{other_id}", summary="Merging two customers")
async def preview_merge(request: Request, customer_id: uuid.UUID, other_id: uuid.UUID, ctx: Ctx = MERGE) -> Response:
    """Show what becomes of two people, their cards, balances and wishes, before anything happens."""
    merge = await person_merge_service.preview_merge(ctx, customer_id, other_id)
    return await show(
        request,
        ctx,
        "customer-merge",
        kept=_row(merge.kept),
        gone=_row(merge.gone),
        after=_row(merge.after),
        run=merge.run,
        program=await programs.find_program(ctx),
    )


@router.get("/customers/{customer_id}", summary="A customer")
async def read_customer(request: Request, customer_id: uuid.UUID, ctx: Ctx = READ, cursor: Place = None) -> Response:
    """Show somebody with their cards, what they agreed to, what happened, and which mails they got."""
    person = await people_service.get_person(ctx, customer_id)
    if (kept_id := await customers.find_merged_into(ctx, customer_id)) is not None:
        return RedirectResponse(f"/merchants/customers/{kept_id}", 303)
    page = await people_service.list_history(ctx, customer_id, cursor=cursor, limit=LATEST)
    values = await person_values(ctx, person, named=[row.store_id for row in page.items])
    return await show(
        request,
        ctx,
        "customer",
        **values,
        entries=views.entries(page.items, values["store_names"]),
        program=await programs.find_program(ctx),
        may_change=permissions.is_allowed("loyalty.customer.manage", ctx.actor.role) and not person.customer.is_anonymized,
        may_erase=permissions.is_allowed("loyalty.customer.erase", ctx.actor.role, bound_to=ctx.actor.store_id),
        may_see_audit=permissions.is_allowed("loyalty.audit.read", ctx.actor.role, bound_to=ctx.actor.store_id),
        **page_links(request, page),
    )
