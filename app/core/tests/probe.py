"""A module of tests: routes that behave well and badly, on core alone. The bearer key `role:merchant` says who calls."""

import datetime as dt
import os
import uuid
from typing import Any

import asyncpg
from fastapi import APIRouter

from app.core import audit, permissions
from app.core.config import get_settings
from app.core.context import Actor, Ctx, Principal
from app.core.errors import Conflict, NotFound, Unauthenticated
from app.core.idempotency import IdempotencyKey
from app.core.ids import new_id
from app.core.modules import ModuleDefinition
from app.core.permissions import PUBLIC, STAFF, Permission
from app.core.web.app import build_api
from app.core.web.credentials import Credentials
from app.core.web.deps import Mutation, access, idempotent
from app.core.web.fields import Answer, Body, Line, LongText, Points
from app.core.web.middleware import Gate
from app.core.web.problems import documented

router = APIRouter(prefix="/api/v1/store/probe", tags=["Probe"])
HITS = "5/minute"


class NoteIn(Body):
    text: Line
    amount: Points = 1
    memo: LongText = ""


class NoteOut(Answer):
    id: uuid.UUID
    text: str


class CountOut(Answer):
    notes: int


class Remembered(Conflict):
    """A refusal whose bookkeeping stays."""

    code = "remembered"
    keeps_work = True


async def sign_in(conn: asyncpg.Connection, _now: dt.datetime, credentials: Credentials) -> Principal:
    """Believe the bearer key, and open its merchant."""
    role, _, merchant = (credentials.bearer or "").partition(":")
    if not merchant:
        raise Unauthenticated
    merchant_id = uuid.UUID(merchant)
    await conn.execute(f"SET LOCAL app.merchant_id = '{merchant_id}'")
    return Principal(Actor(kind="user", role=role, user_id=merchant_id, address=credentials.address), merchant_id)


async def _note(ctx: Ctx, text: str) -> uuid.UUID:
    note_id = new_id()
    await audit.record(ctx, "probe.note.write", "note", note_id, text=text)
    ctx.enqueue("probe.note_written", note_id=note_id)
    return note_id


@router.get("/notes", summary="Count")
async def count_notes(ctx: Ctx = access("store", "probe.note.read")) -> CountOut:
    """Count what this merchant sees."""
    return CountOut(notes=await ctx.conn.fetchval("SELECT count(*) FROM core_audit_log"))


@router.post("/notes", summary="Write", status_code=201, responses=documented(409))
async def write_note(body: NoteIn, mutation: Mutation = idempotent("store", "probe.note.write")) -> NoteOut:
    """Write a note once per key."""

    async def act(ctx: Ctx) -> NoteOut:
        return NoteOut(id=await _note(ctx, body.text), text=body.text)

    return await mutation.run(act, status=201)  # type: ignore[return-value]


@router.post("/slow-notes", summary="Write slowly", status_code=201)
async def write_slowly(body: NoteIn, mutation: Mutation = idempotent("store", "probe.note.write")) -> NoteOut:
    """Write a note, then take `amount` tenths of a second to end."""

    async def act(ctx: Ctx, key: IdempotencyKey) -> tuple[int, str, bool]:
        from app.core import idempotency

        if stored := await idempotency.find(ctx.conn, ctx.merchant_id, key):
            return stored.status, stored.body, True
        answer = NoteOut(id=await _note(ctx, body.text), text=body.text).model_dump_json()
        await idempotency.store(ctx.conn, ctx.merchant_id, key, status=201, body=answer, now=ctx.now)
        await ctx.conn.execute("SELECT pg_sleep($1)", body.amount / 10)
        return 201, answer, False

    return await mutation.run_stored(act)  # type: ignore[return-value]


@router.get("/sleep/{milliseconds}", summary="Sleep")
async def sleep(milliseconds: int, ctx: Ctx = access("store", "probe.note.read")) -> CountOut:
    """Keep a connection busy."""
    await ctx.conn.execute("SELECT pg_sleep($1)", milliseconds / 1000)
    return CountOut(notes=0)


@router.post("/refused", summary="Refuse and forget", status_code=201, responses=documented(409))
async def refuse(ctx: Ctx = access("store", "probe.note.write")) -> CountOut:
    """Write and refuse: nothing stays."""
    await _note(ctx, "refused")
    raise Conflict


@router.post("/remembered", summary="Refuse and remember", status_code=201, responses=documented(409))
async def refuse_and_remember(ctx: Ctx = access("store", "probe.note.write")) -> CountOut:
    """Write and refuse: the note stays."""
    await _note(ctx, "remembered")
    raise Remembered


@router.post("/secretly-refused", summary="Refuse without saying so before", status_code=201)
async def refuse_secretly(ctx: Ctx = access("store", "probe.note.write")) -> CountOut:
    """Refuse as no description foresees."""
    raise NotFound


@router.post("/swallowed", summary="Swallow a database error", status_code=201)
async def swallow(ctx: Ctx = access("store", "probe.note.write")) -> CountOut:
    """Go on after a failed statement, as a careless service would: PostgreSQL has given the transaction up."""
    await _note(ctx, "swallowed")
    try:
        await ctx.conn.execute("SELECT 1/0")
    except asyncpg.PostgresError:
        return CountOut(notes=1)
    return CountOut(notes=0)


@router.post("/broken", summary="Break", status_code=201)
async def break_down(ctx: Ctx = access("store", "probe.note.write")) -> CountOut:
    """Fail in a way that nobody foresaw."""
    await _note(ctx, "broken")
    raise RuntimeError("the e-mail of anna@example.org")


@router.get("/limited", summary="Limited")
async def limited(ctx: Ctx = access("store", "probe.note.read", limit=HITS, limit_name="probe")) -> CountOut:
    """Answer five times a minute."""
    return CountOut(notes=0)


PROBE = ModuleDefinition(
    name="probe",
    routers=(f"{__name__}:router",),
    openers={"store": f"{__name__}:sign_in"},
    permissions=(Permission("probe.note.read", PUBLIC), Permission("probe.note.write", STAFF)),
)


def bearer(merchant_id: uuid.UUID, role: str = "staff") -> dict[str, str]:
    """Return the headers of a caller with `role` at a merchant."""
    return {"Authorization": f"Bearer {role}:{merchant_id}"}


def make_gate() -> Gate:
    """Return the probe's application for the environment's settings: web processes of fault tests serve it."""
    permissions.register(PROBE.permissions)
    settings = get_settings()
    return Gate(build_api(settings, [PROBE]), settings)


def __getattr__(name: str) -> Any:
    """Make `app` when a server asks for it: tests that import this module have other settings."""
    if name == "app" and "ORION_DATABASE_URL" in os.environ:
        return make_gate()
    raise AttributeError(name)
