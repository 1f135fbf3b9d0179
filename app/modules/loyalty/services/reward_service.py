"""Rewards that points buy."""

import uuid

from app.core import audit
from app.core.context import Ctx
from app.core.ids import new_id
from app.modules.loyalty.domain.program import reward_problems
from app.modules.loyalty.errors import ProgramInvalidException
from app.modules.loyalty.queries import programs, rewards
from app.modules.loyalty.queries.rewards import Reward

INSERT = """
INSERT INTO loyalty_rewards (merchant_id, id, program_id, name, description, cost_points, is_active, created_at, updated_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $8)
"""
UPDATE = """
UPDATE loyalty_rewards SET name = $3, description = $4, cost_points = $5, is_active = $6, updated_at = $7 WHERE merchant_id = $1 AND id = $2
"""
DELETE = "UPDATE loyalty_rewards SET deleted_at = $3, updated_at = $3 WHERE merchant_id = $1 AND id = $2"


async def create_reward(ctx: Ctx, *, name: str, description: str, cost_points: int, is_active: bool = True) -> Reward:
    """Add a reward to the live program. Raises ProgramNotFoundException and ProgramInvalidException naming the fields."""
    program = await programs.get_program(ctx)
    _check(name, cost_points, program)
    reward_id = new_id()
    await ctx.conn.execute(INSERT, ctx.merchant_id, reward_id, program.id, name, description, cost_points, is_active, ctx.now)
    await audit.record(ctx, "loyalty.reward.created", "reward", reward_id, cost_points=cost_points)
    return await rewards.get_reward(ctx, reward_id)


async def update_reward(ctx: Ctx, reward_id: uuid.UUID, *, name: str, description: str, cost_points: int, is_active: bool) -> Reward:
    """Change a reward; past redemptions keep what they cost."""
    await rewards.get_reward(ctx, reward_id)
    _check(name, cost_points, await programs.get_program(ctx))
    await ctx.conn.execute(UPDATE, ctx.merchant_id, reward_id, name, description, cost_points, is_active, ctx.now)
    await audit.record(ctx, "loyalty.reward.changed", "reward", reward_id, cost_points=cost_points, is_active=is_active)
    return await rewards.get_reward(ctx, reward_id)


async def delete_reward(ctx: Ctx, reward_id: uuid.UUID) -> None:
    """Stop offering a reward for good; the history still names it."""
    await rewards.get_reward(ctx, reward_id)
    await ctx.conn.execute(DELETE, ctx.merchant_id, reward_id, ctx.now)
    await audit.record(ctx, "loyalty.reward.deleted", "reward", reward_id)


def _check(name: str, cost_points: int, program: programs.Program) -> None:
    problems = reward_problems(name=name, cost_points=cost_points, minimum_redemption_points=program.minimum_redemption_points)
    if problems:
        raise ProgramInvalidException(fields=problems)
