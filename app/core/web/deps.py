"""How a route gets its context: one dependency that opens the unit of work, signs the caller in, limits and permits.

Every route declares exactly one `Access` (or `Mutation`); a test fails for a route without. The unit of work ends before the
answer is sent (`scope="function"`): a commit that fails is never answered with 200.
"""

import contextlib
import datetime as dt
import functools
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, TypeVar

import asyncpg
from fastapi import Depends
from pydantic import BaseModel
from sqlalchemy.exc import DBAPIError
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from app.core import clock, idempotency, permissions, together
from app.core.context import Actor, Ctx, Opener, PlatformCtx, Principal, find_principal, platform_unit_of_work, unit_of_work
from app.core.credentials import counted_address
from app.core.errors import BadRequest, Conflict, Forbidden, OrionException, Unauthenticated
from app.core.i18n import locale as i18n_locale
from app.core.idempotency import IdempotencyKey
from app.core.web import problems
from app.core.web.credentials import Credentials, Face, read_credentials
from app.core.web.measuring import STORE
from app.core.web.streams import extend

PLATFORM_FACES = frozenset({"public", "account", "admin"})
MAX_ATTEMPTS = 4
REPLAYED = "Idempotent-Replayed"

A = TypeVar("A", bound=BaseModel)


async def nobody(_conn: asyncpg.Connection, _now: dt.datetime, credentials: Credentials) -> Principal:
    """The opener of the public face: no one in particular."""
    return Principal(Actor(address=credentials.address))


class Access:
    """Dependency of a route: face, permission and rate limit in one declaration.

    `limit` is "60/minute"; it counts per store for those who work there, else per address. `open` raises Unauthenticated,
    Forbidden, Limited, and NotFound from the opener.
    """

    def __init__(self, face: Face, permission: str, *, limit: str | None = None, limit_name: str | None = None) -> None:
        self.face = face
        self.permission = permission
        self.limit = limit
        self.limit_name = limit_name or permission

    def on(self, face: Face) -> "Access":
        """Return the same for another face."""
        return type(self)(face, self.permission, limit=self.limit, limit_name=self.limit_name)

    @contextlib.asynccontextmanager
    async def open(self, request: Request, *, is_counted: bool = True) -> AsyncIterator[Any]:
        """Open the unit of work for `request`, check the caller's right and, unless told otherwise, count it against the limit."""
        state = request.app.state
        credentials = read_credentials(request, state.settings)
        opener = functools.partial(self._sign_in, state.openers.get(self.face, nobody), credentials)
        open_work: Callable[..., contextlib.AbstractAsyncContextManager[Any]] = (
            platform_unit_of_work if self.face in PLATFORM_FACES else unit_of_work
        )
        with contextlib.ExitStack() as languages:
            chosen = functools.partial(self._choose_language, request, languages)
            async with open_work(state.database, _with_language(opener, chosen), request_id=request.scope["orion.request_id"]) as ctx:
                request.scope[STORE] = ctx.actor.store_id
                if self.limit is not None and is_counted:
                    await state.rate_limiter.hit(self.limit, self.limit_name, _limited_subject(ctx.actor))
                yield ctx

    async def identify(self, request: Request) -> Principal:
        """Return who calls, with the language to answer in, checked and counted as by `open`; no unit of work stays open."""
        state = request.app.state
        credentials = read_credentials(request, state.settings)
        opener = functools.partial(self._sign_in, state.openers.get(self.face, nobody), credentials)
        principal = await find_principal(state.database, opener, now=clock.now())
        request.scope[STORE] = principal.actor.store_id
        if self.limit is not None:
            await state.rate_limiter.hit(self.limit, self.limit_name, _limited_subject(principal.actor))
        return principal.speaking(_wanted_language(request, principal))

    async def _sign_in(
        self, open_face: Callable[..., Awaitable[Principal]], credentials: Credentials, conn: asyncpg.Connection, now: dt.datetime
    ) -> Principal:
        principal = await open_face(conn, now, credentials)
        bound_to = principal.actor.store_id if self.face == "merchant" else None
        is_acting = principal.actor.acting_admin_id is not None
        if not permissions.is_allowed(self.permission, principal.actor.role, bound_to=bound_to, is_acting=is_acting):
            raise Unauthenticated if principal.actor.kind == "anonymous" else Forbidden
        return principal

    @staticmethod
    def _choose_language(request: Request, stack: contextlib.ExitStack, principal: Principal) -> str:
        return stack.enter_context(i18n_locale.use_locale(_wanted_language(request, principal)))


def _wanted_language(request: Request, principal: Principal) -> str:
    chosen = request.scope.get("orion.language_choice")
    return i18n_locale.negotiate(chosen, principal.locale, request.headers.get("accept-language"), principal.store_locale)


def _limited_subject(actor: Actor) -> str:
    """Return whom a limit counts: the store for its staff; a stranger's address at the store, so that none closes it to the others."""
    address = counted_address(actor.address)
    if actor.kind in ("anonymous", "customer"):
        return f"{actor.store_id or ''}:{address}"
    return str(actor.store_id or address)


def _with_language(opener: Opener, choose: Callable[[Principal], str]) -> Opener:
    async def open_and_choose(conn: asyncpg.Connection, now: dt.datetime) -> Principal:
        principal = await opener(conn, now)
        return principal.speaking(choose(principal))

    return open_and_choose


class Mutation:
    """What an idempotent route gets: `run` does the work once per key, however often it is asked."""

    def __init__(self, access: Access, request: Request, key: IdempotencyKey) -> None:
        self._access = access
        self._request = request
        self.key = key

    async def run(
        self, act: Callable[[Ctx], Awaitable[A]], *, status: int = 200, kept: Callable[[A], BaseModel] = lambda answer: answer
    ) -> Response:
        """Run `act` in a unit of work of its own, keep its answer under the key, and return it.

        An answer that holds a secret is kept without: `kept` returns what a repeat is to be answered.
        A repeat gets the first answer with `Idempotent-Replayed: true`, also when a rule refused (409). Raises whatever else
        `act` raises, of which nothing is kept, StillRunning when the first request with this key does not end within the lock
        timeout, IdempotencyKeyReused for another request.
        """

        async def once(ctx: Ctx) -> tuple[int, str, bool]:
            if stored := await idempotency.find(ctx.conn, ctx.merchant_id, self._key_for(ctx)):
                return stored.status, stored.body, True
            answer = await act(ctx)
            body = kept(answer).model_dump_json()
            await idempotency.store(ctx.conn, ctx.merchant_id, self._key_for(ctx), status=status, body=body, now=ctx.now)
            return status, answer.model_dump_json(), False

        return await self._attempt(once)

    async def run_stored(self, act: Callable[[Ctx, IdempotencyKey], Awaitable[tuple[int, str, bool]]]) -> Response:
        """Like `run`, for the ledger, which looks the key up and keeps the answer in its own statements.

        `act` returns status, body and whether it is a replay.
        """

        async def once(ctx: Ctx) -> tuple[int, str, bool]:
            return await act(ctx, self._key_for(ctx))

        return await self._attempt(once)

    async def run_together(
        self, work: together.Work, item: Any, alone: Callable[[Ctx, IdempotencyKey], Awaitable[tuple[int, str, bool]]]
    ) -> Response:
        """Like `run_stored`, in a transaction shared with those who ask at the same time.

        `work` does the pairs of `item` and key of several callers; `alone` does the same for one, when they cannot share.
        """
        principal = await self._access.identify(self._request)
        shared: together.Together = self._request.app.state.together
        key = self._key_of(principal.actor)
        outcome = await shared.ask(work, principal, (item, key), request_id=self._request.scope["orion.request_id"])
        if isinstance(outcome, Conflict) and not isinstance(outcome, idempotency.AlreadyApplied):
            kept = await self._keep_refusal(outcome)
            if kept is not None:
                return kept
        elif isinstance(outcome, OrionException):
            raise outcome
        elif outcome is not None:
            status, body, is_repeat = outcome
            return _answer(status, body, is_repeat=is_repeat)

        async def once(ctx: Ctx) -> tuple[int, str, bool]:
            return await alone(ctx, self._key_for(ctx))

        return await self._attempt(once, is_counted=True)

    def _key_for(self, ctx: Ctx) -> IdempotencyKey:
        return self._key_of(ctx.actor)

    def _key_of(self, caller: Actor) -> IdempotencyKey:
        # Whoever enrolls is nobody yet, and somebody once the answer has come: both ask the same thing.
        actor = "" if self._access.face == "storefront" else caller.key()
        return IdempotencyKey(self.key.key, idempotency.fingerprint(self.key.fingerprint, actor))

    async def _attempt(self, once: Callable[[Ctx], Awaitable[tuple[int, str, bool]]], *, is_counted: bool = False) -> Response:
        started = clock.now()
        for attempt in range(1, MAX_ATTEMPTS + 1):
            try:
                async with self._access.open(self._request, is_counted=attempt == 1 and not is_counted) as ctx:
                    status, body, is_repeat = await once(ctx)
                return _answer(status, body, is_repeat=is_repeat)
            except (idempotency.StillRunning, idempotency.AlreadyApplied):
                raise
            except Conflict as refusal:
                if self._access.face in PLATFORM_FACES:  # nothing is kept where there is no merchant to keep it for
                    raise
                kept = await self._keep_refusal(refusal)
                if kept is not None:
                    return kept
            except (DBAPIError, asyncpg.PostgresError) as error:
                verdict = self._judge(error, is_last=attempt == MAX_ATTEMPTS, waited=clock.now() - started)
                if verdict is not None:
                    raise verdict from error
        raise idempotency.StillRunning

    async def _keep_refusal(self, refusal: Conflict) -> Response | None:
        """Keep a rule's refusal under the key, in a unit of work of its own, and return it; None when a rival answered first."""
        try:
            async with self._access.open(self._request, is_counted=False) as ctx:
                problem = problems.build(ctx.request_id, refusal)
                body = problem.model_dump_json()
                await idempotency.store(ctx.conn, ctx.merchant_id, self._key_for(ctx), status=problem.status, body=body, now=ctx.now)
        except asyncpg.UniqueViolationError:
            return None
        return _answer(problem.status, body, is_repeat=False)

    @staticmethod
    def _judge(error: Exception, *, is_last: bool, waited: dt.timedelta) -> Exception | None:
        """Return the error to raise, or None to run again: a rival with the same key has just committed, or a deadlock."""
        original = error.orig if isinstance(error, DBAPIError) else error
        cause = original if isinstance(original, asyncpg.PostgresError) else getattr(original, "__cause__", None)
        if isinstance(cause, asyncpg.LockNotAvailableError):
            return idempotency.StillRunning()
        is_rival = isinstance(cause, asyncpg.UniqueViolationError) and cause.constraint_name == idempotency.PRIMARY_KEY
        if not is_last and (is_rival or isinstance(cause, asyncpg.DeadlockDetectedError | asyncpg.SerializationError)):
            return None
        return Conflict() if is_rival else error


def _answer(status: int, body: str, *, is_repeat: bool) -> Response:
    media_type = "application/json" if status < 400 else "application/problem+json"
    return Response(body, status, {REPLAYED: "true"} if is_repeat else None, media_type=media_type)


def is_replay(response: Response) -> bool:
    """Whether a Mutation answered `response` from an earlier time, so that nothing of its own run was kept."""
    return REPLAYED in response.headers


class ContextAccess(Access):
    """Gives a route its Ctx (on the platform's faces a PlatformCtx), in a unit of work that ends with the route's function."""

    async def __call__(self, request: Request) -> AsyncIterator[Ctx | PlatformCtx]:
        """Open the unit of work for `request`."""
        async with self.open(request) as ctx:
            yield ctx


class IdempotentAccess(Access):
    """For a POST that moves value, enrolls or runs a bulk: needs `Idempotency-Key`, gives a Mutation."""

    async def __call__(self, request: Request) -> "Mutation":
        """Return the Mutation; its unit of work opens and ends inside `run`."""
        key = idempotency.parse_key(request.headers.get("idempotency-key"))
        parts = (request.method, request.scope["path"], await request.body())
        secret = request.app.state.settings.derive_key("idempotency")
        return Mutation(self, request, IdempotencyKey(key, idempotency.fingerprint(*parts, key=secret)))


class Upload:
    """What a route gets that takes a file as its body: the parts as they arrive, and short units of work to put them away."""

    def __init__(self, access: Access, request: Request) -> None:
        self._access = access
        self._request = request
        self._is_counted = True

    @contextlib.asynccontextmanager
    async def unit_of_work(self) -> AsyncIterator[Ctx]:
        """Open a unit of work as the caller, whose right is checked each time; the request counts once against the limit."""
        is_counted, self._is_counted = self._is_counted, False
        async with self._access.open(self._request, is_counted=is_counted) as ctx:
            yield ctx

    async def parts(self, size: int) -> AsyncIterator[bytes]:
        """Yield the body in parts of `size` bytes, the last one shorter. BadRequest when the caller hangs up."""
        waiting = bytearray()
        try:
            async for piece in self._request.stream():
                waiting += piece
                while len(waiting) >= size:
                    extend(self._request)
                    yield bytes(waiting[:size])
                    del waiting[:size]
        except ClientDisconnect as error:
            raise BadRequest from error
        if waiting:
            yield bytes(waiting)


class UploadAccess(Access):
    """For a POST whose body is a file: no unit of work is open while it arrives, which takes as long as the caller's line does."""

    async def __call__(self, request: Request) -> Upload:
        """Return the Upload; its units of work open when the route wants them."""
        return Upload(self, request)


def upload(face: Face, permission: str, *, limit: str | None = None, limit_name: str | None = None) -> Any:
    """Return the dependency of a POST on `face` with `permission` that takes a file."""
    return Depends(UploadAccess(face, permission, limit=limit, limit_name=limit_name))


def access(face: Face, permission: str, *, limit: str | None = None, limit_name: str | None = None) -> Any:
    """Return the dependency that opens a unit of work for `face` with `permission`."""
    return Depends(ContextAccess(face, permission, limit=limit, limit_name=limit_name), scope="function")


def idempotent(face: Face, permission: str, *, limit: str | None = None, limit_name: str | None = None) -> Any:
    """Return the dependency of an idempotent POST for `face` with `permission`."""
    return Depends(IdempotentAccess(face, permission, limit=limit, limit_name=limit_name))
