"""Which cards a sweep finds due or to warn: the domain's cut-offs (`domain.expiry.SweepCutoffs`) as conditions of statements.

A paused program's points expire as well: the day is the calendar's, and a counter refuses them from that day on. Cards that
nobody can use (trashed, deactivated, merged) are left alone, and nobody is written to about them; once they are usable again,
the next sweep treats them as any other card.
"""

import dataclasses
import datetime as dt
import uuid
import zoneinfo

from app.core.context import Ctx
from app.modules.loyalty.domain import expiry
from app.modules.loyalty.domain.balances import ProgramRules
from app.modules.loyalty.domain.expiry import SweepCutoffs
from app.modules.loyalty.queries import programs

WARNED = "coalesce(c.last_expiration_warning_at >= greatest(c.last_activity_at, $6), false)"
DUE = f"""(c.last_activity_at < $3
     AND (c.last_activity_at >= $6 OR ({WARNED} AND c.last_expiration_warning_at < $4)))"""
# A program that was deleted or got another period meanwhile has no candidates: its cut-offs are not these any more.
CANDIDATES = f"""
c.merchant_id = $1 AND c.program_id = $2 AND c.deleted_at IS NULL AND c.status = 'active' AND c.points_balance > 0
  AND c.last_activity_at < $5 AND ({DUE} OR NOT {WARNED})
  AND EXISTS (SELECT FROM loyalty_programs p WHERE p.merchant_id = $1 AND p.id = $2 AND p.deleted_at IS NULL
              AND p.points_expiration_days = $7 AND p.expiration_changed_at IS NOT DISTINCT FROM $8)
"""

# What came onto a card after it expired today (a bonus is no visit) is tomorrow's: its key is taken.
IS_ANY_LEFT = f"""
SELECT EXISTS (SELECT FROM loyalty_cards c WHERE {CANDIDATES} AND NOT EXISTS (
  SELECT FROM loyalty_transactions t WHERE t.merchant_id = $1 AND t.op_key = 'expiry:' || c.id || ':' || $9))
"""
FORECAST = f"""
SELECT count(*) FILTER (WHERE f.is_due) AS cards, coalesce(sum(f.points_balance) FILTER (WHERE f.is_due), 0)::bigint AS points,
       count(*) FILTER (WHERE NOT f.is_due) AS warnings
FROM (SELECT {DUE} AS is_due, c.points_balance FROM loyalty_cards c WHERE {CANDIDATES}) f
"""
FIRST_CARDS = f"""
SELECT c.card_number, c.points_balance, {DUE} AS is_due FROM loyalty_cards c WHERE {CANDIDATES} ORDER BY c.card_number LIMIT $9
"""
# The connections of web processes: a role sees what its own connections are at.
IS_COUNTER_BUSY = """
SELECT EXISTS (SELECT FROM pg_stat_activity
               WHERE datname = current_database() AND state = 'active' AND application_name = 'orion-web' AND pid <> pg_backend_pid())
"""


@dataclasses.dataclass(frozen=True, slots=True)
class Sweep:
    """One local day's sweep of one program: the rules, the moment that they are applied at, and the cut-offs that follow."""

    program_id: uuid.UUID
    rules: ProgramRules
    now: dt.datetime
    cutoffs: SweepCutoffs

    @property
    def day(self) -> dt.date:
        """The merchant's day at whose beginning this sweep is due."""
        return expiry.local_day(self.now, self.rules.zone)

    def bindings(self, merchant_id: uuid.UUID) -> tuple[object, ...]:
        """Return $1 to $8 of the conditions above."""
        cutoffs, rules = self.cutoffs, self.rules
        return (
            merchant_id, self.program_id, cutoffs.activity_before, cutoffs.warned_before, cutoffs.warn_activity_before,
            cutoffs.protected_before, rules.points_expiration_days, rules.expiration_changed_at,
        )  # fmt: skip


@dataclasses.dataclass(frozen=True, slots=True)
class Forecast:
    """What a sweep would do now: cards whose points expire, how many points, and cards whose holders are warned."""

    cards: int
    points: int
    warnings: int


@dataclasses.dataclass(frozen=True, slots=True)
class ForecastCard:
    """A card that a sweep would change: its number, its points, and whether they expire (else its holder is warned)."""

    card_number: str
    points: int
    is_due: bool


async def find_sweep(ctx: Ctx, zone: zoneinfo.ZoneInfo) -> Sweep | None:
    """Return the sweep that is due at `ctx.now`; None when the merchant has no live program, or its points never expire."""
    program = await programs.find_program(ctx)
    if program is None:
        return None
    rules = programs.rules_of(program, zone)
    cutoffs = expiry.sweep_cutoffs(rules, ctx.now)
    return None if cutoffs is None else Sweep(program.id, rules, ctx.now, cutoffs)


async def is_any_left(ctx: Ctx, sweep: Sweep) -> bool:
    """Return whether the sweep has still something to do, on cards that somebody holds included."""
    found: bool = await ctx.conn.fetchval(IS_ANY_LEFT, *sweep.bindings(ctx.merchant_id), sweep.day.isoformat())
    return found


async def is_counter_busy(ctx: Ctx) -> bool:
    """Return whether a web process has the database at work at this moment: by chance, as often as there is much to do."""
    found: bool = await ctx.conn.fetchval(IS_COUNTER_BUSY)
    return found


async def forecast(ctx: Ctx, sweep: Sweep) -> Forecast:
    """Return what the sweep would do; locks and changes nothing."""
    [row] = await ctx.conn.fetch(FORECAST, *sweep.bindings(ctx.merchant_id))
    return Forecast(row["cards"], row["points"], row["warnings"])


async def list_first_cards(ctx: Ctx, sweep: Sweep, limit: int) -> list[ForecastCard]:
    """Return the first cards, by number, that the sweep would change."""
    rows = await ctx.conn.fetch(FIRST_CARDS, *sweep.bindings(ctx.merchant_id), limit)
    return [ForecastCard(row["card_number"], row["points_balance"], row["is_due"]) for row in rows]
