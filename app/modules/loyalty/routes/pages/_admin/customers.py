"""Customers of all merchants: found by e-mail, or within a merchant as its own team finds them; each with cards, consents and mails."""

import uuid
from typing import Annotated, Any

from fastapi import APIRouter, Query
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from app.core.context import Ctx, PlatformCtx
from app.core.i18n import _
from app.core.web.deps import access
from app.core.web.fields import Cursor
from app.core.web.lists import page_links, sort_heads
from app.modules.customers import public as customers
from app.modules.loyalty.routes.api._privacy_shapes import erasure_preview
from app.modules.loyalty.routes.pages._admin.frame import PAGE, OfMerchant, Search, merchant_values, show
from app.modules.loyalty.routes.pages._merchant import views
from app.modules.loyalty.routes.pages._merchant.people import SORT_NAMES
from app.modules.loyalty.routes.pages._panel_values import person_values
from app.modules.loyalty.services import people_service, platform_service, privacy_service
from app.modules.loyalty.services.people_service import PeopleSort
from app.modules.tenancy import public as tenancy

router = APIRouter(prefix="/admin/customers", tags=["Loyalty - Admin pages"], include_in_schema=False)
READ: Any = access("admin", "loyalty.platform.read")
ERASE: Any = access("admin", "loyalty.platform.erase")
Sort = Annotated[customers.CustomerOrder, Query()]


@router.get("", summary="The customers of all merchants")
async def list_customers(
    request: Request,
    ctx: PlatformCtx = READ,
    q: Search = "",
    merchant: OfMerchant = "",
    sort: Sort = customers.CustomerOrder.NEWEST,
    cursor: Cursor | None = None,
) -> Response:
    """Show whom an e-mail address finds anywhere, or the people of one merchant; search, filter, sort and page are in the address."""
    page = await platform_service.list_people(ctx, q, merchant_id=merchant or None, sort=sort, cursor=cursor, limit=PAGE)
    return show(
        request,
        ctx,
        "customers",
        rows=[(merchant_id, person, views.person_name(person)) for merchant_id, person in page.items],
        q=q,
        sort=sort.value,
        sorts=[(item.value, _(SORT_NAMES[PeopleSort(item.value)])) for item in customers.CustomerOrder],
        heads=sort_heads(request, sort.value, ["name", "-created"]) if merchant and not q else {},
        needs_merchant=platform_service.needs_merchant(q, merchant or None),
        most_found=platform_service.MOST_PEOPLE,
        **await merchant_values(ctx, merchant or None, {merchant_id for merchant_id, _person in page.items}),
        **page_links(request, page),
    )


async def _inside(ctx: PlatformCtx, customer_id: uuid.UUID) -> Ctx:
    """Return the context of the merchant whose customer this is; CustomerNotFoundException."""
    return tenancy.act_for_merchant(ctx, await customers.find_merchant(ctx, customer_id))


async def _values(ctx: PlatformCtx, inside: Ctx, customer: customers.CustomerRecord) -> dict[str, Any]:
    """Return what every page about a customer needs."""
    names = await tenancy.find_merchant_names(ctx, {inside.merchant_id})
    return {
        "customer": customer,
        "name": views.person_name(customer),
        "merchant_id": inside.merchant_id,
        "merchant_name_shown": names.get(inside.merchant_id, "–"),
        "zone": str(await tenancy.merchant_zone(inside)),
    }


@router.get("/{customer_id}", summary="A customer of any merchant")
async def read_customer(request: Request, customer_id: uuid.UUID, ctx: PlatformCtx = READ) -> Response:
    """Show somebody with their cards, what they agreed to, and which mails they got; an erased person without any of it.

    Whoever was merged leads to whom they are now.
    """
    inside = await _inside(ctx, customer_id)
    if (kept_id := await customers.find_merged_into(inside, customer_id)) is not None:
        return RedirectResponse(f"/admin/customers/{kept_id}", 303)
    person = await people_service.get_person(inside, customer_id)
    return show(request, ctx, "customer", **(await _values(ctx, inside, person.customer) | await person_values(inside, person)))


@router.get("/{customer_id}/erase", summary="What an erasure of a customer would take")
async def preview_erasure(request: Request, customer_id: uuid.UUID, ctx: PlatformCtx = ERASE) -> Response:
    """Show how much of what would go and what stays, before somebody is erased for good. Nothing is changed by looking."""
    inside = await _inside(ctx, customer_id)
    customer = (await people_service.get_person(inside, customer_id)).customer
    preview = None if customer.is_anonymized else erasure_preview(await privacy_service.preview_erasure(inside, customer_id))
    return show(request, ctx, "erase", preview=preview, **await _values(ctx, inside, customer))
