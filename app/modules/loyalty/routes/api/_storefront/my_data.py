"""The storefront's face: what is held on the signed-in customer, to see, to take away, and to have erased (G4)."""

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from app.core.context import Ctx
from app.core.web import security
from app.core.web.credentials import customer_cookie
from app.core.web.deps import access
from app.core.web.problems import documented
from app.modules.loyalty.routes.api._privacy_shapes import download, erasure_preview, erasure_receipt, my_data
from app.modules.loyalty.schemas.privacy import Download, DownloadList, ErasureConfirmed, ErasurePreview, ErasureReceipt, MyData
from app.modules.loyalty.services import card_service, my_data_service, privacy_service
from app.modules.loyalty.services.storefront_service import own_id

router = APIRouter(prefix="/api/v1/storefront/{store_code}/loyalty/my-data", tags=["Loyalty - Storefront"])
PROBLEMS = documented(404, 410, 429)


@router.get("", summary="All data held on oneself", responses=PROBLEMS)
async def read_my_data(store_code: str, ctx: Ctx = access("storefront", "loyalty.own_data.read", limit="30/minute")) -> MyData:
    """Return everything that this merchant holds on the signed-in customer."""
    return my_data(await my_data_service.collect(ctx, own_id(ctx)))


@router.post("/downloads", summary="Ask for a download of all data", status_code=202, responses=PROBLEMS)
async def request_download(store_code: str, ctx: Ctx = access("storefront", "loyalty.own_data.read", limit="10/minute")) -> Download:
    """Have a zip of JSON and CSV files made; it can be downloaded for 24 hours. One that is being made is not begun twice."""
    return download(await my_data_service.request_download(ctx, own_id(ctx)))


@router.get("/downloads", summary="One's own downloads", responses=PROBLEMS)
async def list_downloads(store_code: str, ctx: Ctx = access("storefront", "loyalty.own_data.read")) -> DownloadList:
    """Return the downloads that were asked for and have not expired, and whether each is ready."""
    return DownloadList(items=[download(file) for file in await my_data_service.list_downloads(ctx, own_id(ctx))])


@router.get("/erasure", summary="What an erasure would take", responses=PROBLEMS)
async def preview_erasure(store_code: str, ctx: Ctx = access("storefront", "loyalty.own_data.erase", limit="30/minute")) -> ErasurePreview:
    """Return how much of each kind would be erased now, and what stays. Nothing is changed."""
    return erasure_preview(await privacy_service.preview_erasure(ctx, own_id(ctx)))


@router.post("/erasure", summary="Erase oneself", responses=PROBLEMS)
async def erase_me(
    store_code: str,
    request: Request,
    response: Response,
    body: ErasureConfirmed,
    ctx: Ctx = access("storefront", "loyalty.own_data.erase", limit="10/minute"),
) -> ErasureReceipt:
    """Erase everything personal of the signed-in customer, for good, and sign them out. The cards end; there is no way back.

    Whoever enrolls again within 12 months gets no welcome bonus.
    """
    receipt = await card_service.anonymize_cards_for_customer(ctx, own_id(ctx))
    security.delete_cookie(response, customer_cookie(ctx.merchant_id), request.app.state.settings)
    return erasure_receipt(receipt)
