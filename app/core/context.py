"""The context of an action, and the unit of work: the only place in the codebase that commits.

A request, a task or a command opens one `unit_of_work`. It sends BEGIN, lets an *opener* establish who acts and for which
merchant, and hands out a `Ctx`. Events and tasks given to the context are written to the outbox in the same transaction.
"""

import contextlib
import dataclasses
import datetime as dt
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, Literal, TypeVar, cast

import asyncpg
import structlog
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, AsyncSession

from app.core import clock
from app.core.db.engine import Database, Turns, discard, is_broken
from app.core.errors import OrionException, Unavailable
from app.core.events import Event
from app.core.outbox import writer

log = structlog.get_logger(__name__)

T = TypeVar("T")

ActorKind = Literal["anonymous", "user", "terminal", "customer", "system"]


@dataclasses.dataclass(frozen=True, slots=True)
class Actor:
    """Who acts. `role` decides the permissions; the ids say which session, device and person it was.

    At a counter (a paired terminal, or a signed-in user on the store's face) `staff_pin_id` is the person whose PIN opened it,
    until `unlocked_until`; `store_zone` is the IANA zone of the store, in which daily limits count. `address` goes to the
    audit log and nowhere else.
    """

    kind: ActorKind = "anonymous"
    role: str = "public"
    user_id: uuid.UUID | None = None
    store_id: uuid.UUID | None = None
    store_zone: str = "UTC"
    terminal_id: uuid.UUID | None = None
    staff_pin_id: uuid.UUID | None = None
    unlocked_until: dt.datetime | None = None
    is_at_counter: bool = False
    customer_id: uuid.UUID | None = None
    session_id: uuid.UUID | None = None
    acting_admin_id: uuid.UUID | None = None
    address: str | None = None

    def key(self) -> str:
        """Return text that tells this actor from any other, for the fingerprint of an idempotent request."""
        return f"{self.kind}:{self.user_id or self.terminal_id or self.customer_id or self.session_id or ''}"


CONNECTION_ERRORS = (
    TimeoutError,
    OSError,
    SQLAlchemyError,
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
)
"""What opening a connection can fail with, when the database is down, starting, full or slow."""

MOST_DEAD_CONNECTIONS = 20
ROLL_BACK_SECONDS = 0.5
"""A request that has reached its deadline does not wait longer than this for a server that does not answer."""

SYSTEM = Actor(kind="system", role="admin")


@dataclasses.dataclass(frozen=True, slots=True)
class Principal:
    """What an opener found out: the actor, their merchant (None on the platform's face), their language and the store's."""

    actor: Actor
    merchant_id: uuid.UUID | None = None
    locale: str | None = None
    store_locale: str | None = None

    def speaking(self, locale: str) -> "Principal":
        """Return the same principal with `locale` as the language to answer in."""
        return dataclasses.replace(self, locale=locale)


Opener = Callable[[asyncpg.Connection, dt.datetime], Awaitable[Principal]]


@dataclasses.dataclass(frozen=True, slots=True)
class _Base:
    connection: AsyncConnection
    conn: asyncpg.Connection
    actor: Actor
    now: dt.datetime
    request_id: str
    locale: str
    _state: dict[str, Any]

    @property
    def session(self) -> AsyncSession:
        """The ORM session of this transaction, made on first use."""
        if "session" not in self._state:
            self._state["session"] = AsyncSession(bind=self.connection, expire_on_commit=False)
        session: AsyncSession = self._state["session"]
        return session

    @property
    def pending(self) -> list[writer.OutboxMessage]:
        """Messages that go to the outbox when the unit of work ends."""
        messages: list[writer.OutboxMessage] = self._state["pending"]
        return messages


@dataclasses.dataclass(frozen=True, slots=True)
class Ctx(_Base):
    """The context of an action within one merchant."""

    merchant_id: uuid.UUID

    def acting_for(self, principal: "Principal", *, request_id: str) -> "Ctx":
        """Return the context of another caller within this same transaction, which is many callers' together.

        It has no messages of its own; this context's are those of all.
        """
        return dataclasses.replace(self, actor=principal.actor, request_id=request_id, locale=principal.locale or "en")

    def emit(self, event: Event) -> None:
        """Tell other modules, after the commit, that `event` happened: one message per subscriber."""
        self.pending.extend(writer.messages_for_event(event, merchant_id=self.merchant_id, now=self.now))

    def enqueue(self, task: str, *, delay: dt.timedelta = dt.timedelta(), **payload: Any) -> None:
        """Run `task` after the commit, `delay` later, with `payload` (ids, numbers and short codes only)."""
        self.pending.append(writer.message_for_task(task, payload, merchant_id=self.merchant_id, now=self.now + delay))


@dataclasses.dataclass(frozen=True, slots=True)
class PlatformCtx(_Base):
    """The context of the platform's admin: no merchant, sees all of them."""

    def emit(self, event: Event, *, merchant_id: uuid.UUID | None = None) -> None:
        """Tell other modules, after the commit, that `event` happened at `merchant_id` (or on the platform)."""
        self.pending.extend(writer.messages_for_event(event, merchant_id=merchant_id, now=self.now))

    def enqueue(self, task: str, *, merchant_id: uuid.UUID | None = None, delay: dt.timedelta = dt.timedelta(), **payload: Any) -> None:
        """Run `task` after the commit for `merchant_id` (or for the platform)."""
        self.pending.append(writer.message_for_task(task, payload, merchant_id=merchant_id, now=self.now + delay))


@contextlib.asynccontextmanager
async def _transaction(
    engine: AsyncEngine, turns: Turns, *, begin: str = "BEGIN"
) -> AsyncIterator[tuple[AsyncConnection, asyncpg.Connection, dict[str, Any]]]:
    """One transaction on one connection, when its turn comes; `begin` opens it."""
    async with turns, _transaction_now(engine, turns, begin) as opened:
        yield opened


@contextlib.asynccontextmanager
async def _transaction_now(
    engine: AsyncEngine, turns: Turns, begin: str
) -> AsyncIterator[tuple[AsyncConnection, asyncpg.Connection, dict[str, Any]]]:
    """One transaction on one connection: commit at the end, roll back on any error but those that keep their work."""
    connection, conn, _ = await _first(engine, turns, lambda fresh: fresh.execute(begin))
    try:
        state: dict[str, Any] = {"pending": []}
        try:
            try:
                yield connection, conn, state
            except OrionException as refusal:
                if not refusal.keeps_work:
                    raise
                await _finish(conn, state)
                raise
            await _finish(conn, state)
        except BaseException as error:
            await _roll_back(connection, conn, error)
            raise
        finally:
            if "session" in state:
                await state["session"].close()
    finally:
        await turns.give_back(connection, conn)


async def _first(
    engine: AsyncEngine, turns: Turns, act: Callable[[asyncpg.Connection], Awaitable[T]]
) -> tuple[AsyncConnection, asyncpg.Connection, T]:
    """Return a connection and what `act` did first on it. One that proves dead is replaced: nothing has happened on it yet.

    After a restart of the database all idle connections are dead, and a process that was busy has not noticed.
    """
    for attempt in range(1, MOST_DEAD_CONNECTIONS + 1):
        try:
            connection, conn = await turns.take(engine)
        except CONNECTION_ERRORS as error:
            raise Unavailable from error
        try:
            return connection, conn, await act(conn)
        except OrionException:
            await turns.give_back(connection, conn)
            raise
        except CONNECTION_ERRORS as error:
            await discard(connection, conn)
            await connection.close()
            if attempt == MOST_DEAD_CONNECTIONS or isinstance(error, asyncpg.QueryCanceledError):
                raise Unavailable from error
        except BaseException:  # cancelled: whether the server has begun is unknown
            await discard(connection, conn)
            await connection.close()
            raise
    raise Unavailable


async def find_principal(database: Database, who: Opener, *, now: dt.datetime) -> Principal:
    """Return who calls, by statements of their own and before any transaction: for work that is done together with others'.

    Raises what the opener `who` raises, and Unavailable when the database cannot be reached in time.
    """
    async with database.app_turns:
        connection, conn, principal = await _first(database.app, database.app_turns, lambda fresh: who(fresh, now))
        await database.app_turns.give_back(connection, conn)
        return principal


async def _finish(conn: asyncpg.Connection, state: dict[str, Any]) -> None:
    if "session" in state:
        await state["session"].flush()
    if state["pending"]:
        await writer.write(conn, state["pending"])
        state["pending"].clear()
    status = await conn.execute("COMMIT")
    if status != "COMMIT":  # PostgreSQL answers ROLLBACK, without an error, when a statement had failed before
        raise Unavailable


async def _roll_back(connection: AsyncConnection, conn: asyncpg.Connection, cause: BaseException) -> None:
    try:
        if is_broken(conn, cause):
            await discard(connection, conn)
        elif conn.is_in_transaction():
            await conn.execute("ROLLBACK", timeout=ROLL_BACK_SECONDS)
    except Exception as error:  # the connection is beyond use: it must not go back to the pool
        log.warning("rollback_failed", error=type(error).__name__)
        await discard(connection, conn)


def _begin_for(merchant_id: uuid.UUID) -> str:
    """Return what opens a transaction within a merchant, in one message."""
    return f"BEGIN; SET LOCAL app.merchant_id = '{merchant_id}'"


@contextlib.asynccontextmanager
async def unit_of_work(
    database: Database, who: Principal | Opener, *, request_id: str = "", now: dt.datetime | None = None, locale: str | None = None
) -> AsyncIterator[Ctx]:
    """Open one transaction within one merchant and commit it when the block ends.

    `who` is a known Principal, or an opener that finds it inside the transaction and sets `app.merchant_id` itself.
    Raises whatever the block raises (after a rollback), and Unavailable when the database cannot be reached in time.
    """
    now = now or clock.now()
    known = who if isinstance(who, Principal) else None
    begin = _begin_for(known.merchant_id) if known and known.merchant_id else "BEGIN"
    async with _transaction(database.app, database.app_turns, begin=begin) as (connection, conn, state):
        principal = known or await cast("Opener", who)(conn, now)
        if principal.merchant_id is None:
            raise ValueError("a merchant's unit of work needs a merchant")
        yield Ctx(connection, conn, principal.actor, now, request_id, locale or principal.locale or "en", state, principal.merchant_id)


@contextlib.asynccontextmanager
async def platform_unit_of_work(
    database: Database, who: Principal | Opener, *, request_id: str = "", now: dt.datetime | None = None, locale: str | None = None
) -> AsyncIterator[PlatformCtx]:
    """Like `unit_of_work`, as `orion_platform` and across merchants: admin's face, sign-in, relay and operators' commands."""
    now = now or clock.now()
    async with _transaction(database.platform, database.platform_turns) as (connection, conn, state):
        principal = who if isinstance(who, Principal) else await who(conn, now)
        yield PlatformCtx(connection, conn, principal.actor, now, request_id, locale or principal.locale or "en", state)


@contextlib.asynccontextmanager
async def rehearsal(ctx: Ctx) -> AsyncIterator[None]:
    """Do the block's work within the transaction and take all of it back: a preview that does what it announces.

    The locks of the block are given back as well. Nothing may be left in the ORM session.
    """
    waiting = len(ctx.pending)
    await ctx.conn.execute("SAVEPOINT rehearsal")
    try:
        yield
    finally:
        await ctx.conn.execute("ROLLBACK TO SAVEPOINT rehearsal")
        del ctx.pending[waiting:]
