"""Terminals: paired with a store by a one-time code, named, revoked (domain.md, PINs and terminals)."""

import dataclasses
import datetime as dt
import hashlib
import hmac
import secrets
import uuid

from app.core import audit
from app.core.config import get_settings
from app.core.context import Ctx, PlatformCtx
from app.core.ids import new_id
from app.modules.loyalty.errors import PairingCodeException, TerminalNotFoundException
from app.modules.loyalty.queries import terminals
from app.modules.loyalty.queries.terminals import Terminal
from app.modules.loyalty.services import store_scope
from app.modules.tenancy import public as tenancy

INSERT_CODE = """
INSERT INTO loyalty_pairing_codes (merchant_id, id, code_hash, store_id, name, created_by, expires_at, created_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
"""
USE_CODE = "SELECT merchant_id, store_id, name, code_id FROM loyalty_use_pairing_code($1, $2)"
INSERT_TERMINAL = """
INSERT INTO loyalty_terminals (merchant_id, id, store_id, name, paired_at, created_at) VALUES ($1, $2, $3, $4, $5, $5)
"""
RENAME = "UPDATE loyalty_terminals SET name = $3 WHERE merchant_id = $1 AND id = $2"
REVOKE = "UPDATE loyalty_terminals SET revoked_at = $3 WHERE merchant_id = $1 AND id = $2 AND revoked_at IS NULL RETURNING id"


@dataclasses.dataclass(frozen=True, slots=True)
class PairingCode:
    """A code to type at the new terminal, as it is shown, and until when it works. It is known nowhere else."""

    code: str
    store_id: uuid.UUID
    name: str
    expires_at: dt.datetime


@dataclasses.dataclass(frozen=True, slots=True)
class Pairing:
    """A device that has just become a store's terminal; the session's token goes into its cookie."""

    terminal_id: uuid.UUID
    store_id: uuid.UUID
    name: str
    session: tenancy.NewSession


@dataclasses.dataclass(frozen=True, slots=True)
class SeenTerminal:
    """A terminal, and when it last showed itself (to the minute; None: not yet)."""

    terminal: Terminal
    last_seen_at: dt.datetime | None


async def create_pairing_code(ctx: Ctx, *, store_id: uuid.UUID, name: str) -> PairingCode:
    """Return a fresh code that pairs one device, to be called `name`, with a store, once and within ten minutes.

    Only a keyed hash of the code is stored. NotFound for a store that the caller may not manage.
    """
    await store_scope.require_store(ctx, store_id)
    code = tenancy.pairing_code.generate(secrets.token_bytes(tenancy.pairing_code.RANDOM_BYTES))
    code_id, expires_at = new_id(), tenancy.pairing_code.expires_at(ctx.now)
    await ctx.conn.execute(INSERT_CODE, ctx.merchant_id, code_id, _hash(code), store_id, name, ctx.actor.user_id, expires_at, ctx.now)
    await audit.record(ctx, "loyalty.terminal.code_created", "pairing_code", code_id, store_id=str(store_id), name=name)
    return PairingCode(tenancy.pairing_code.format_code(code), store_id, name, expires_at)


async def pair(ctx: PlatformCtx, code: str) -> Pairing:
    """Make the device that typed `code` a terminal, and return it with its session.

    Nobody is signed in yet and the code alone knows its merchant: so this runs as the platform, and writes for that merchant.
    Every try is counted before the code is looked at, from the caller's address and in all; over a limit the right code is refused
    like a wrong one. Raises PairingCodeException for an unknown, used or expired code alike, and tenancy's SignInLockedException.
    """
    await tenancy.count_pairing_try(ctx)
    typed = tenancy.pairing_code.normalize(code)
    row = await ctx.conn.fetchrow(USE_CODE, _hash(typed), ctx.now)
    if row is None:
        raise PairingCodeException
    merchant_id, store_id = row["merchant_id"], row["store_id"]
    terminal_id = new_id()
    await ctx.conn.execute(INSERT_TERMINAL, merchant_id, terminal_id, store_id, row["name"], ctx.now)
    session = await tenancy.create_session(ctx, "terminal", merchant_id=merchant_id, store_id=store_id, terminal_id=terminal_id)
    await tenancy.pairing_code_was_right(ctx)
    await audit.record(
        ctx,
        "loyalty.terminal.paired",
        "terminal",
        terminal_id,
        merchant_id=merchant_id,
        store_id=str(store_id),
        code_id=str(row["code_id"]),
    )
    return Pairing(terminal_id, store_id, row["name"], session)


async def list_terminals(ctx: Ctx) -> list[SeenTerminal]:
    """Return the paired terminals that the caller may manage, by name: all, or those of the store they are bound to."""
    found = await terminals.list_terminals(ctx, ctx.actor.store_id)
    seen = await tenancy.find_last_seen_of_terminals(ctx, [terminal.id for terminal in found])
    return [SeenTerminal(terminal, seen.get(terminal.id)) for terminal in found]


async def rename_terminal(ctx: Ctx, terminal_id: uuid.UUID, *, name: str) -> SeenTerminal:
    """Give a paired terminal another name and return it. TerminalNotFoundException."""
    terminal = await _get_manageable(ctx, terminal_id)
    await ctx.conn.execute(RENAME, ctx.merchant_id, terminal_id, name)
    await audit.record(ctx, "loyalty.terminal.renamed", "terminal", terminal_id, old=terminal.name, new=name)
    seen = await tenancy.find_last_seen_of_terminals(ctx, [terminal_id])
    return SeenTerminal(dataclasses.replace(terminal, name=name), seen.get(terminal_id))


async def revoke_terminal(ctx: Ctx, terminal_id: uuid.UUID) -> None:
    """End a terminal's pairing and its sessions at once. TerminalNotFoundException, also for one that was revoked before."""
    await _get_manageable(ctx, terminal_id)
    if await ctx.conn.fetchval(REVOKE, ctx.merchant_id, terminal_id, ctx.now) is None:
        raise TerminalNotFoundException
    sessions = await tenancy.revoke_for_terminal(ctx, terminal_id)
    await audit.record(ctx, "loyalty.terminal.revoked", "terminal", terminal_id, sessions=sessions)


async def _get_manageable(ctx: Ctx, terminal_id: uuid.UUID) -> Terminal:
    terminal = await terminals.get_terminal(ctx, terminal_id)
    if terminal.revoked_at is not None or not store_scope.is_in_scope(ctx, terminal.store_id):
        raise TerminalNotFoundException
    return terminal


def _hash(code: str) -> bytes:
    """Return the keyed hash of a normalised code: 36 bits alone could be guessed from a plain one."""
    return hmac.new(get_settings().derive_key("pairing-code"), code.encode("utf-8", "surrogatepass"), hashlib.sha256).digest()
