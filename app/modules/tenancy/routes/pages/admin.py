"""Pages of the platform's panel: merchants, stores, health. They only read; changes go through the API."""

import datetime as dt
import uuid
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query
from starlette.requests import Request
from starlette.responses import Response

from app.core import alerts
from app.core.context import PlatformCtx
from app.core.db import heartbeats, state
from app.core.i18n import LOCALES, N_, _, formatting
from app.core.outbox import admin as outbox_admin
from app.core.web import jobs as web_jobs
from app.core.web import operation
from app.core.web.deps import access
from app.core.web.fields import Cursor
from app.core.web.lists import NameOrAge, page_links, sort_heads
from app.core.web.trash import OnlyDeleted
from app.modules.tenancy.domain import zones
from app.modules.tenancy.routes.pages import _admin_trash as trash
from app.modules.tenancy.routes.pages._admin_frame import OfMerchant, Search, role_names, show
from app.modules.tenancy.services import merchant_service, overview_service, store_service, user_service

router = APIRouter(prefix="/admin", tags=["Admin pages"], include_in_schema=False)
VIEW: Any = access("admin", "tenancy.merchant.view")
CREATE: Any = access("admin", "tenancy.merchant.create")
ADD_STORE: Any = access("admin", "tenancy.merchant.store")
HEALTH: Any = access("admin", "core.health.view")
MerchantStatus = Annotated[Literal["", "active", "suspended"], Query(alias="status")]
StoreStatus = Annotated[Literal["", "open", "closed"], Query(alias="status")]

COUNTRIES = ("LU", "BE", "DE", "FR", "NL", "AT", "CH")
DEFAULT_LOCALE = "fr"
PROCESSES: dict[heartbeats.Kind, tuple[str, str]] = {
    "web": (N_("Web server"), N_("Serves pages and terminals")),
    "relay": (N_("Relay"), N_("Hands waiting tasks to the workers")),
    "worker": (N_("Worker"), N_("Does the tasks, such as sending mail")),
    "beat": (N_("Scheduler"), N_("Starts what is due daily or hourly")),
}

STORE_RULE = "store_refusals"
MOST_CHOICES = 500
OUTCOMES: dict[str, tuple[str, str]] = {
    "done": (N_("Done"), "success"),
    "continued": (N_("Under way"), "info"),
    "retried": (N_("Is tried again"), "warning"),
    "dead": (N_("Gave up"), "danger"),
}


def form_choices() -> dict[str, Any]:
    """Return what a merchant's or a store's form offers, and what it begins with."""
    return {
        "zones": [(name, name.replace("_", " ")) for name in sorted(zones.zone_names())],
        "languages": [(locale, formatting.language_name(locale)) for locale in LOCALES],
        "countries": formatting.territory_names(COUNTRIES),
        "default_zone": zones.DEFAULT_ZONE,
        "default_locale": DEFAULT_LOCALE,
    }


def health_values(health: outbox_admin.Health) -> dict[str, Any]:
    """Return what the notice about the background work needs."""
    names = {kind: _(name) for kind, (name, _task) in PROCESSES.items()}
    return {"health": health, "waited": dt.timedelta(seconds=round(health.oldest_due_seconds)), "kind_names": names}


def process_rows(health: outbox_admin.Health) -> list[dict[str, Any]]:
    """Return a row for each process, in the order of the kinds, and one for each kind of which there is none."""
    rows: list[dict[str, Any]] = []
    for kind, (name, task) in PROCESSES.items():
        found: list[heartbeats.Process | None] = [process for process in health.processes if process.kind == kind]
        rows += [{"kind": _(name), "task": _(task), "process": process} for process in found or [None]]
    return rows


@router.get("", summary="The platform at a glance")
async def home(request: Request, ctx: PlatformCtx = VIEW) -> Response:
    """Show counts, whether everything runs, and the merchants made last."""
    overview = await overview_service.read_overview(ctx)
    health = await outbox_admin.read_health(ctx.conn, ctx.now)
    open_alerts = sum((await alerts.count_open(ctx.conn)).values())
    return show(request, ctx, "home", counts=overview.counts, latest=overview.latest, open_alerts=open_alerts, **health_values(health))


@router.get("/merchants", summary="All merchants")
async def list_merchants(
    request: Request,
    ctx: PlatformCtx = VIEW,
    q: Search = "",
    status: MerchantStatus = "",
    only_deleted: OnlyDeleted = False,
    sort: NameOrAge = "name",
    cursor: Cursor | None = None,
) -> Response:
    """Show merchants, or those in the trash; search, filter, sort and page are in the address."""
    if only_deleted:
        return await trash.show_merchants(request, ctx, search=q, cursor=cursor)
    page = await merchant_service.list_merchants(ctx, search=q, status=status or None, sort=sort, cursor=cursor)
    return show(
        request,
        ctx,
        "merchants",
        rows=page.items,
        q=q,
        only=status,
        sort=sort,
        heads=sort_heads(request, sort, ["name", "-created"]),
        **page_links(request, page),
    )


@router.get("/merchants/new", summary="Form for a new merchant")
async def new_merchant(request: Request, ctx: PlatformCtx = CREATE) -> Response:
    """Show the form: the merchant, its first store, its owner."""
    return show(request, ctx, "merchant-new", **form_choices())


@router.get("/merchants/{merchant_id}", summary="One merchant")
async def read_merchant(request: Request, merchant_id: uuid.UUID, ctx: PlatformCtx = VIEW) -> Response:
    """Show a merchant with its stores and its team: names and roles, nothing more of people."""
    inside = await merchant_service.open_for_admin(ctx, merchant_id)
    stores = await store_service.list_stores(inside, include_closed=True)
    return show(
        request,
        ctx,
        "merchant",
        merchant=await merchant_service.get_merchant(inside),
        stores=stores,
        store_names={store.id: store.name for store in stores},
        members=await user_service.list_members(inside),
        role_names=role_names(),
    )


@router.get("/merchants/{merchant_id}/stores/new", summary="Form for one more store")
async def new_store(request: Request, merchant_id: uuid.UUID, ctx: PlatformCtx = ADD_STORE) -> Response:
    """Show the form, beginning with the merchant's time zone and language."""
    merchant = await merchant_service.get_merchant(await merchant_service.open_for_admin(ctx, merchant_id))
    choices = form_choices() | {"default_zone": merchant.time_zone, "default_locale": merchant.locale}
    return show(request, ctx, "store-new", merchant=merchant, **choices)


@router.get("/stores", summary="All stores")
async def list_stores(
    request: Request,
    ctx: PlatformCtx = VIEW,
    q: Search = "",
    status: StoreStatus = "",
    merchant: OfMerchant = "",
    only_deleted: OnlyDeleted = False,
    sort: NameOrAge = "name",
    cursor: Cursor | None = None,
) -> Response:
    """Show the stores of all merchants, or those in the trash; search, filters, sort and page are in the address."""
    if only_deleted:
        return await trash.show_stores(request, ctx, search=q, cursor=cursor)
    page = await overview_service.list_all_stores(
        ctx, search=q, status=status or None, merchant_id=merchant or None, sort=sort, cursor=cursor
    )
    return show(
        request,
        ctx,
        "stores",
        rows=page.items,
        q=q,
        only=status,
        merchant_id=merchant or None,
        merchant_names=await overview_service.find_merchant_names(ctx, {merchant} if merchant else set()),
        sort=sort,
        heads=sort_heads(request, sort, ["name", "-created"]),
        **page_links(request, page),
    )


@router.get("/health", summary="Processes, alerts, background work, database")
async def health(request: Request, ctx: PlatformCtx = HEALTH) -> Response:
    """Show what lives, what needs somebody, what waits, and how far the database is migrated."""
    found = await outbox_admin.read_health(ctx.conn, ctx.now)
    listed = await operation.read_alerts(ctx)
    shown = [*listed.open, *listed.cleared]
    stores = await overview_service.find_store_names(ctx, {uuid.UUID(alert.subject) for alert in shown if alert.rule == STORE_RULE})
    return show(
        request,
        ctx,
        "health",
        **health_values(found),
        processes=process_rows(found),
        alerts=listed,
        merchant_names=await overview_service.find_merchant_names(
            ctx, {alert.merchant_id for alert in shown if alert.merchant_id is not None}
        ),
        store_names={str(store_id): store for store_id, store in stores.items()},
        database=await state.read_database(ctx.conn),
    )


@router.get("/jobs", summary="Background work that is started by the clock")
async def list_jobs(request: Request, ctx: PlatformCtx = HEALTH, cursor: Cursor | None = None) -> Response:
    """Show scheduled tasks, long runs with their progress, and what gave up and may be tried again."""
    found = await web_jobs.read_jobs(ctx, request.app.state.timetable)
    dead = await outbox_admin.list_dead(ctx.conn, cursor)
    named = {message.merchant_id for message in dead.items} | {run.merchant_id for run in [*found.open, *found.done]}
    active = [merchant_id for merchant_id, _zone in await merchant_service.list_zones(ctx)]
    names = await overview_service.find_merchant_names(ctx, {merchant_id for merchant_id in named if merchant_id is not None} | set(active))
    return show(
        request,
        ctx,
        "jobs",
        jobs=found,
        titles={task.task: task.title for task in found.tasks},
        dead=dead.items,
        dead_counts=await outbox_admin.count_dead(ctx.conn),
        merchant_names=names,
        merchant_choices=sorted(((str(found), names[found]) for found in active), key=lambda choice: choice[1].casefold())[:MOST_CHOICES],
        weekdays=formatting.weekday_names(width="wide"),
        outcome_names={name: (_(word), kind) for name, (word, kind) in OUTCOMES.items()},
        **page_links(request, dead),
    )
