"""The merchant's face: the home page's numbers."""

from fastapi import APIRouter

from app.core.context import Ctx
from app.core.web.deps import access
from app.core.web.problems import documented
from app.modules.loyalty.routes.api._merchant.shapes import overview_answer
from app.modules.loyalty.schemas.merging import OverviewAnswer
from app.modules.loyalty.services import overview_service

router = APIRouter(prefix="/api/v1/merchants/loyalty", tags=["Loyalty - Merchant"])


@router.get("/overview", summary="Today, and the last thirty days", responses=documented())
async def read_overview(ctx: Ctx = access("merchant", "loyalty.overview.read")) -> OverviewAnswer:
    """Return today's numbers and one entry for each of the last thirty local days; of one's own store for those bound to one."""
    return overview_answer(await overview_service.get_overview(ctx))
