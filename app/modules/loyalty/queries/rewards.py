"""Reading rewards."""

import dataclasses
import uuid

import asyncpg

from app.core.context import Ctx
from app.modules.loyalty.errors import RewardNotFoundException

COLUMNS = "id, program_id, name, description, cost_points, is_active, sort_order"
GET = f"SELECT {COLUMNS} FROM loyalty_rewards WHERE merchant_id = $1 AND id = $2 AND deleted_at IS NULL"
LIST = f"""
SELECT {COLUMNS} FROM loyalty_rewards
WHERE merchant_id = $1 AND program_id = $2 AND deleted_at IS NULL AND (is_active OR NOT $3) ORDER BY cost_points, sort_order, id LIMIT 200
"""


@dataclasses.dataclass(frozen=True, slots=True)
class Reward:
    """Something that points buy; `cost_points` is its price."""

    id: uuid.UUID
    program_id: uuid.UUID
    name: str
    description: str
    cost_points: int
    is_active: bool
    sort_order: int


async def get_reward(ctx: Ctx, reward_id: uuid.UUID) -> Reward:
    """Return a reward that is not deleted; RewardNotFoundException when there is none."""
    row = await ctx.conn.fetchrow(GET, ctx.merchant_id, reward_id)
    if row is None:
        raise RewardNotFoundException
    return _reward(row)


async def get_offered(ctx: Ctx, reward_id: uuid.UUID, *, program_id: uuid.UUID) -> Reward:
    """Return a reward that the program offers now; RewardNotFoundException for another program's or an inactive one."""
    reward = await get_reward(ctx, reward_id)
    if not reward.is_active or reward.program_id != program_id:
        raise RewardNotFoundException
    return reward


async def list_rewards(ctx: Ctx, program_id: uuid.UUID, *, only_active: bool = False) -> list[Reward]:
    """Return a program's rewards, cheapest first."""
    return [_reward(row) for row in await ctx.conn.fetch(LIST, ctx.merchant_id, program_id, only_active)]


def _reward(row: asyncpg.Record) -> Reward:
    return Reward(**dict(row))
