"""The platform's view of all merchants: counts, the latest, every store. Of people it shows nothing."""

import dataclasses
import uuid
from collections.abc import Collection

from app.core import pagination
from app.core.context import PlatformCtx
from app.core.pagination import Page
from app.modules.tenancy.queries import merchants as merchant_queries
from app.modules.tenancy.queries import overview as overview_queries
from app.modules.tenancy.queries import stores as store_queries
from app.modules.tenancy.queries.merchants import MerchantView, like_pattern
from app.modules.tenancy.queries.overview import Counts, StoreName
from app.modules.tenancy.queries.stores import StoreSummary

LATEST = 5
MOST_CHOICES = 500


@dataclasses.dataclass(frozen=True, slots=True)
class Overview:
    """How many merchants and stores there are, and the merchants made last."""

    counts: Counts
    latest: list[MerchantView]


async def read_overview(ctx: PlatformCtx) -> Overview:
    """Return the platform at a glance."""
    return Overview(await overview_queries.count_all(ctx.conn), await overview_queries.list_latest(ctx.conn, LATEST))


async def list_all_stores(
    ctx: PlatformCtx,
    *,
    search: str | None = None,
    status: str | None = None,
    merchant_id: uuid.UUID | None = None,
    sort: str = "name",
    cursor: str | None = None,
    limit: int = pagination.DEFAULT_PAGE,
) -> Page[StoreSummary]:
    """Return a page of all merchants' stores, by name or as `sort` says. `search` looks in name, code, town and the merchant's name.

    Raises BadCursor.
    """
    return await store_queries.list_all_stores(
        ctx.conn, pattern=like_pattern(search), status=status, merchant_id=merchant_id, sort=sort, cursor=cursor, limit=limit
    )


async def list_merchant_choices(ctx: PlatformCtx) -> list[tuple[uuid.UUID, str]]:
    """Return merchants by name, suspended ones too, for a list's filter: as many as a person can choose from."""
    return await merchant_queries.list_choices(ctx.conn, MOST_CHOICES)


async def list_merchant_ids(ctx: PlatformCtx) -> list[uuid.UUID]:
    """Return all merchants, for what is looked up in each one's index."""
    return await merchant_queries.list_ids(ctx.conn)


async def find_merchant_names(ctx: PlatformCtx, merchant_ids: Collection[uuid.UUID]) -> dict[uuid.UUID, str]:
    """Return the names of those of `merchant_ids` that exist, deleted ones too."""
    return await overview_queries.find_names(ctx.conn, merchant_ids) if merchant_ids else {}


async def find_store_names(ctx: PlatformCtx, store_ids: Collection[uuid.UUID]) -> dict[uuid.UUID, StoreName]:
    """Return name and merchant of those of `store_ids` that exist, closed and deleted ones too."""
    return await overview_queries.find_store_names(ctx.conn, store_ids) if store_ids else {}
