"""The merchant's face of loyalty: the panel."""

from fastapi import APIRouter

from app.modules.loyalty.routes.api._merchant import bulk, cards, home, merging, privacy, program, team

router = APIRouter()
for part in (program, team, bulk, cards, merging, home, privacy):
    router.include_router(part.router)
