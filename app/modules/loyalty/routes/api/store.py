"""The store's face of loyalty: terminals and tills."""

from fastapi import APIRouter

from app.modules.loyalty.routes.api._store import counter, pairing, value

router = APIRouter()
router.include_router(value.router)
router.include_router(counter.router)
router.include_router(pairing.router)
