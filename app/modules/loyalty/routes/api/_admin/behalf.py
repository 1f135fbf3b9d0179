"""The admin's face: everything that a merchant can do with cards, program, staff and settings, on their behalf (G6)."""

from app.core.web.behalf import mirror
from app.modules.loyalty.routes.api._admin import lists, points, privacy
from app.modules.loyalty.routes.api.merchant import router as merchant_router

router = mirror(
    merchant_router,
    face="behalf",
    prefix="/api/v1/merchants/loyalty",
    new_prefix="/api/v1/admin/loyalty/merchants/{merchant_id}",
    tag="Loyalty - Admin",
    beside=[part.router for part in (lists, points, privacy)],
)
