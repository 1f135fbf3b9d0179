"""The frame of tenancy's pages in the platform's panel."""

import uuid
from typing import Annotated, Any, Literal

from fastapi import Query
from starlette.requests import Request
from starlette.responses import Response

from app.core.context import PlatformCtx
from app.core.i18n import N_, _
from app.core.web import pages
from app.core.web.fields import OptionalLine
from app.modules.tenancy.domain.roles import UserRole

Search = Annotated[OptionalLine, Query(alias="q")]
OfMerchant = Annotated[uuid.UUID | Literal[""], Query(alias="merchant")]
ROLE_NAMES = {UserRole.OWNER: N_("Owner"), UserRole.MANAGER: N_("Manager"), UserRole.STAFF: N_("Staff")}


def show(request: Request, ctx: PlatformCtx, template: str, **values: Any) -> Response:
    """Return a page of the panel."""
    return pages.render(request, f"tenancy/admin/{template}.html", ctx=ctx, face="admin", **values)


def role_names() -> dict[str, str]:
    """Return the names of the roles at a merchant in the current language."""
    return {role.value: _(name) for role, name in ROLE_NAMES.items()}
