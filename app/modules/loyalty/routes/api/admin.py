"""The platform's face of loyalty."""

from fastapi import APIRouter

from app.modules.loyalty.routes.api._admin import points, privacy

router = APIRouter()
for part in (points, privacy):
    router.include_router(part.router)
