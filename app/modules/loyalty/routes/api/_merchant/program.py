"""The merchant's face: the program, its rewards, the settings for all stores."""

import uuid

from fastapi import APIRouter
from starlette.responses import Response

from app.core.context import Ctx
from app.core.web.deps import access
from app.core.web.problems import documented
from app.modules.loyalty.queries import merges, programs, rewards
from app.modules.loyalty.routes.api._merchant.shapes import program_answer, program_form, reward_answer, settings_answer, settings_form
from app.modules.loyalty.schemas.merchant import (
    CrossLocationAnswer,
    CrossLocationBody,
    LogoAnswer,
    LogoBody,
    ProgramAnswer,
    ProgramBody,
    RewardAnswer,
    RewardBody,
    RewardList,
    SettingsAnswer,
    SettingsBody,
)
from app.modules.loyalty.services import logo_service, program_service, reward_service

router = APIRouter(prefix="/api/v1/merchants/loyalty", tags=["Loyalty - Merchant"])
PROBLEMS = documented(404)


@router.get("/program", summary="The program", responses=PROBLEMS)
async def read_program(ctx: Ctx = access("merchant", "loyalty.program.read")) -> ProgramAnswer:
    """Return the merchant's live program; 404 before there is one."""
    return program_answer(await programs.get_program(ctx))


@router.put("/program", summary="Create or change the program", responses=PROBLEMS)
async def save_program(body: ProgramBody, ctx: Ctx = access("merchant", "loyalty.program.manage")) -> ProgramAnswer:
    """Create the program, or change the live one. Settings that are out of bounds or contradict each other are named field by field;
    a colour on which no text is readable is refused with a suggestion. A changed target holds for each card from its next redemption."""
    return program_answer(await program_service.save_program(ctx, program_form(body)))


@router.put("/program/logo", summary="Set the logo", responses=PROBLEMS)
async def set_logo(body: LogoBody, ctx: Ctx = access("merchant", "loyalty.program.manage")) -> LogoAnswer:
    """Show a picture on all cards: PNG, JPEG or WebP, at most 150 kB and 2000 × 2000 pixels, recognized by its content. Anything else is
    refused at the field `content`, and the cards stay as they are. Answers the address at which everybody can see it."""
    return LogoAnswer(logo_path=await logo_service.set_logo(ctx, body.content))


@router.delete("/program/logo", summary="Remove the logo", status_code=204, responses=PROBLEMS)
async def remove_logo(ctx: Ctx = access("merchant", "loyalty.program.manage")) -> Response:
    """Show the merchant's initial on all cards again; also when there was no logo."""
    await logo_service.remove_logo(ctx)
    return Response(status_code=204)


@router.get("/rewards", summary="The rewards", responses=PROBLEMS)
async def list_rewards(ctx: Ctx = access("merchant", "loyalty.program.read")) -> RewardList:
    """Return the program's rewards, also those not offered at present, the cheapest first."""
    program = await programs.get_program(ctx)
    return RewardList(items=[reward_answer(reward) for reward in await rewards.list_rewards(ctx, program.id)])


@router.post("/rewards", summary="Add a reward", status_code=201, responses=PROBLEMS)
async def create_reward(body: RewardBody, ctx: Ctx = access("merchant", "loyalty.program.manage")) -> RewardAnswer:
    """Add a reward that points buy."""
    return reward_answer(await reward_service.create_reward(ctx, **body.model_dump()))


@router.put("/rewards/{reward_id}", summary="Change a reward", responses=PROBLEMS)
async def update_reward(reward_id: uuid.UUID, body: RewardBody, ctx: Ctx = access("merchant", "loyalty.program.manage")) -> RewardAnswer:
    """Change a reward, or offer it no longer; past redemptions keep what they cost."""
    return reward_answer(await reward_service.update_reward(ctx, reward_id, **body.model_dump()))


@router.delete("/rewards/{reward_id}", summary="Delete a reward", status_code=204, responses=PROBLEMS)
async def delete_reward(reward_id: uuid.UUID, ctx: Ctx = access("merchant", "loyalty.program.manage")) -> Response:
    """Stop offering a reward for good; the history still names it."""
    await reward_service.delete_reward(ctx, reward_id)
    return Response(status_code=204)


@router.get("/settings", summary="The settings for all stores", responses=documented())
async def read_settings(ctx: Ctx = access("merchant", "loyalty.settings.read")) -> SettingsAnswer:
    """Return the settings; the defaults before anything was saved."""
    return settings_answer(await programs.get_settings(ctx))


@router.put("/settings", summary="Change the settings for all stores", responses=documented())
async def save_settings(body: SettingsBody, ctx: Ctx = access("merchant", "loyalty.settings.manage")) -> SettingsAnswer:
    """Change PIN rules, the void policy and the limit for redemptions. Whether cards work everywhere is switched on its own."""
    return settings_answer(await program_service.save_settings(ctx, settings_form(body)))


@router.post("/settings/cross-location", summary="Switch between one card and a card per store", responses=documented())
async def switch_cross_location(body: CrossLocationBody, ctx: Ctx = access("merchant", "loyalty.settings.manage")) -> CrossLocationAnswer:
    """Let cards work at all stores, or at their own only. Answers how many people hold several cards, which can then be merged."""
    settings = await program_service.set_cross_location(ctx, is_on=body.allow_cross_location_redemption)
    several = await merges.count_several(ctx)
    return CrossLocationAnswer(
        allow_cross_location_redemption=settings.allow_cross_location_redemption,
        people_with_several_cards=several.people,
        their_cards=several.cards,
    )
