"""The platform's view of everybody who signs in: found, shut out and let in again, signed out, sent a link. For its admins."""

import dataclasses
import datetime as dt
import uuid

from app.core import audit, pagination
from app.core.context import PlatformCtx
from app.core.pagination import Page
from app.modules.tenancy.domain.email_address import normalize_email
from app.modules.tenancy.errors import OwnAccountException, TooManyLinksException, UserDisabledException
from app.modules.tenancy.queries import people
from app.modules.tenancy.queries.merchants import like_pattern
from app.modules.tenancy.queries.people import Kind, LiveSession, PersonView, WorkPlace
from app.modules.tenancy.services import login_guard, password_service, session_service

SORTS = ("name", "-name", "-created", "created")


@dataclasses.dataclass(frozen=True, slots=True)
class Person:
    """Somebody who signs in, and where they work."""

    view: PersonView
    places: list[WorkPlace]


async def list_people(
    ctx: PlatformCtx,
    *,
    search: str | None = None,
    kind: Kind | None = None,
    merchant_id: uuid.UUID | None = None,
    sort: str = "name",
    cursor: str | None = None,
    limit: int = pagination.DEFAULT_PAGE,
) -> Page[Person]:
    """Return a page of everybody who signs in. `search` looks in names and e-mail addresses, `sort` is one of SORTS. BadCursor."""
    pattern = like_pattern(search)
    page = await people.list_people(ctx.conn, pattern=pattern, kind=kind, merchant_id=merchant_id, sort=sort, cursor=cursor, limit=limit)
    places = await people.list_work_places(ctx.conn, [view.id for view in page.items])
    return Page([Person(view, places[view.id]) for view in page.items], page.next_cursor)


async def get_person(ctx: PlatformCtx, user_id: uuid.UUID) -> Person:
    """Return somebody; UserNotFoundException."""
    view = await people.get_person(ctx.conn, user_id)
    return Person(view, (await people.list_work_places(ctx.conn, [user_id]))[user_id])


async def list_sessions(ctx: PlatformCtx, user_id: uuid.UUID) -> list[LiveSession]:
    """Return where somebody is signed in at present."""
    return await people.list_sessions(ctx.conn, user_id, ctx.now)


async def disable_person(ctx: PlatformCtx, user_id: uuid.UUID, *, reason: str) -> Person:
    """Shut somebody out of every merchant, end their sessions and stop their API keys; twice changes nothing.

    Raises UserNotFoundException, OwnAccountException.
    """
    await _require_other(ctx, user_id)
    if await people.disable(ctx.conn, user_id, ctx.now):
        await session_service.revoke_all_for_user(ctx, user_id)
        await audit.record(ctx, "tenancy.user.disabled", "user", user_id, reason=reason)
    return await get_person(ctx, user_id)


async def enable_person(ctx: PlatformCtx, user_id: uuid.UUID) -> Person:
    """Let somebody in again, with their password and roles as they were. UserNotFoundException."""
    await people.get_person(ctx.conn, user_id)
    if await people.enable(ctx.conn, user_id):
        await audit.record(ctx, "tenancy.user.enabled", "user", user_id)
    return await get_person(ctx, user_id)


async def end_sessions(ctx: PlatformCtx, user_id: uuid.UUID) -> int:
    """Sign somebody out everywhere and return how many sessions ended. UserNotFoundException, OwnAccountException."""
    await _require_other(ctx, user_id)
    ended = await session_service.revoke_all_for_user(ctx, user_id)
    await audit.record(ctx, "tenancy.user.signed_out", "user", user_id, sessions=ended)
    return ended


async def send_password_link(ctx: PlatformCtx, user_id: uuid.UUID) -> dt.datetime:
    """Have a link to set a password mailed to somebody and return when it runs out.

    At most three in 15 minutes, those they asked for included. Raises UserNotFoundException, UserDisabledException, TooManyLinksException.
    """
    view = await people.get_person(ctx.conn, user_id)
    if view.disabled_at is not None:
        raise UserDisabledException
    locked_until = await login_guard.count_link(ctx, normalize_email(view.email))
    if locked_until is not None:
        raise TooManyLinksException(retry_at=locked_until, now=ctx.now)
    await password_service.make_link(ctx, user_id)
    return ctx.now + password_service.LINK_LIFETIME


async def _require_other(ctx: PlatformCtx, user_id: uuid.UUID) -> None:
    """Refuse an unknown person, and the admin themselves."""
    await people.get_person(ctx.conn, user_id)
    if user_id == ctx.actor.user_id:
        raise OwnAccountException
