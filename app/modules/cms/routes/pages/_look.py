"""A page in the storefront's look, for the public and, word for word the same, for a preview."""

import dataclasses
import datetime as dt
from typing import Any

from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import Response

from app.core.context import Ctx
from app.core.i18n import formatting
from app.core.web import pages
from app.modules.cms.services import reading_service, uses
from app.modules.tenancy import public as tenancy

# A preview can be put into a frame of our own page, runs no scripts and sends no forms. It keeps its origin: the page around it
# puts what is being typed into it.
PREVIEW_POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self'; font-src 'self'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'self'; sandbox allow-same-origin"
)


@dataclasses.dataclass(frozen=True, slots=True)
class Shown:
    """What a reader sees: a title, safe HTML and their language; `version` and `published_at` are None for a draft."""

    title: str
    html: Markup
    locale: str
    version: int | None = None
    published_at: dt.datetime | None = None

    @property
    def language(self) -> str:
        """The language's own name."""
        return formatting.language_name(self.locale)


async def show_page(
    request: Request, ctx: Ctx, shown: Shown, store: tenancy.StoreView, *, is_preview: bool = False, **values: Any
) -> Response:
    """Return `shown` at `store` in the merchant's colour, with the storefront's footer."""
    merchant = await tenancy.get_merchant(ctx)
    brand = await uses.find_brand(ctx)
    look: dict[str, Any] = {"accent": brand.colour, "logo_url": brand.logo_path} if brand else {}
    response = pages.render(
        request,
        "cms/storefront/page.html",
        ctx=ctx,
        page=shown,
        store=store,
        merchant_name=merchant.name,
        zone=merchant.time_zone,
        footer_pages=await reading_service.list_pages(ctx, store, only_footer=True),
        pages_path=reading_service.pages_path(store.code),
        is_preview=is_preview,
        without_scripts=is_preview,  # the policy forbids them
        **look,
        **values,
    )
    if is_preview:
        response.headers["Content-Security-Policy"] = PREVIEW_POLICY
    return response
