"""The frame of loyalty's pages in the platform's panel."""

import uuid
from collections.abc import Iterable
from typing import Annotated, Any, Literal

from fastapi import Query
from starlette.requests import Request
from starlette.responses import Response

from app.core.context import PlatformCtx
from app.core.web import pages
from app.core.web.fields import OptionalLine
from app.modules.tenancy import public as tenancy

Search = Annotated[OptionalLine, Query(alias="q")]
OfMerchant = Annotated[uuid.UUID | Literal[""], Query(alias="merchant")]
PAGE = 25
API = "/api/v1/admin/loyalty/merchants"
"""Where the admin changes what is a merchant's."""


def show(request: Request, ctx: PlatformCtx, template: str, **values: Any) -> Response:
    """Return a page of the panel."""
    return pages.render(request, f"loyalty/admin/{template}.html", ctx=ctx, face="admin", **values)


async def merchant_values(ctx: PlatformCtx, chosen: uuid.UUID | None, shown: Iterable[uuid.UUID]) -> dict[str, Any]:
    """Return what a list needs of merchants: names of those it shows, and the choices of its filter, the chosen one among them."""
    choices = await tenancy.list_merchant_choices(ctx)
    names = dict(choices)
    missing = {merchant_id for merchant_id in (*shown, *([chosen] if chosen else ())) if merchant_id not in names}
    names |= await tenancy.find_merchant_names(ctx, missing)
    if chosen in missing and chosen in names:
        choices = [(chosen, names[chosen]), *choices]
    return {"merchant_id": chosen, "merchant_names": names, "merchant_choices": choices}
