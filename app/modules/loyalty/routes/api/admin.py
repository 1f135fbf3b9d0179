"""The platform's face of loyalty."""

from fastapi import APIRouter

from app.modules.loyalty.routes.api._admin import behalf, lists, points, privacy

router = APIRouter()
for part in (lists, points, privacy, behalf):
    router.include_router(part.router)
