"""The platform's face of everybody who signs in."""

import dataclasses
import uuid
from typing import Annotated, Literal

from fastapi import APIRouter, Query

from app.core import pagination
from app.core.context import PlatformCtx
from app.core.web.deps import access
from app.core.web.fields import Cursor, OptionalLine
from app.core.web.lists import NameOrAge
from app.core.web.problems import documented
from app.modules.tenancy.schemas.people import DisableBody, EndedSessions, PlaceOfWork, SentLink, UserAnswer, UserPage
from app.modules.tenancy.services import people_service
from app.modules.tenancy.services.people_service import Person

router = APIRouter(prefix="/api/v1/admin/tenancy/users", tags=["Tenancy - Admin"])
Search = Annotated[OptionalLine, Query(alias="q", description="Part of a name or an e-mail address.")]
KindChoice = Annotated[
    Literal["admins", "invited", "disabled"] | None,
    Query(alias="kind", description="Only the platform's admins, who was invited and has not come yet, or who is shut out."),
]
OfMerchant = Annotated[uuid.UUID | None, Query(description="Only the team of this merchant.")]
Limit = Annotated[int, Query(ge=1, le=pagination.MAX_PAGE, description="Rows on a page.")]


def person_answer(person: Person) -> UserAnswer:
    """Return somebody as the API shows them."""
    places = [PlaceOfWork.model_validate(place) for place in person.places]
    return UserAnswer.model_validate(dataclasses.asdict(person.view) | {"places": places})


@router.get("", summary="List everybody who signs in", responses=documented(400))
async def list_people(
    q: Search = "",
    kind: KindChoice = None,
    merchant_id: OfMerchant = None,
    sort: NameOrAge = "name",
    cursor: Cursor | None = None,
    limit: Limit = pagination.DEFAULT_PAGE,
    ctx: PlatformCtx = access("admin", "tenancy.user.view"),
) -> UserPage:
    """Return people over all merchants with their roles, and the platform's admins, a page at a time."""
    page = await people_service.list_people(ctx, search=q, kind=kind, merchant_id=merchant_id, sort=sort, cursor=cursor, limit=limit)
    return UserPage(items=[person_answer(person) for person in page.items], next_cursor=page.next_cursor)


@router.get("/{user_id}", summary="Read somebody who signs in", responses=documented(404))
async def read_person(user_id: uuid.UUID, ctx: PlatformCtx = access("admin", "tenancy.user.view")) -> UserAnswer:
    """Return one person with every merchant they work for."""
    return person_answer(await people_service.get_person(ctx, user_id))


@router.post("/{user_id}/disable", summary="Shut somebody out", responses=documented(404, 409))
async def disable_person(user_id: uuid.UUID, body: DisableBody, ctx: PlatformCtx = access("admin", "tenancy.user.manage")) -> UserAnswer:
    """Keep somebody from signing in anywhere, end their sessions and stop their API keys, from the next request on. Never oneself."""
    return person_answer(await people_service.disable_person(ctx, user_id, reason=body.reason))


@router.post("/{user_id}/enable", summary="Let somebody in again", responses=documented(404))
async def enable_person(user_id: uuid.UUID, ctx: PlatformCtx = access("admin", "tenancy.user.manage")) -> UserAnswer:
    """Let somebody sign in again, with their password, roles and API keys as they were."""
    return person_answer(await people_service.enable_person(ctx, user_id))


@router.post("/{user_id}/end-sessions", summary="Sign somebody out everywhere", responses=documented(404, 409))
async def end_sessions(user_id: uuid.UUID, ctx: PlatformCtx = access("admin", "tenancy.user.manage")) -> EndedSessions:
    """End all sessions of somebody; they may sign in again. Paired terminals and API keys are not sessions of a person."""
    return EndedSessions(ended=await people_service.end_sessions(ctx, user_id))


@router.post("/{user_id}/password-link", summary="Send somebody a link to set a password", responses=documented(404, 409, 429))
async def send_password_link(user_id: uuid.UUID, ctx: PlatformCtx = access("admin", "tenancy.user.manage")) -> SentLink:
    """Mail somebody a link that works once, for 30 minutes. At most three in 15 minutes, those they asked for themselves included."""
    return SentLink(expires_at=await people_service.send_password_link(ctx, user_id))
