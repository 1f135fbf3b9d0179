"""The merchant's face of loyalty: the panel."""

from fastapi import APIRouter

from app.modules.loyalty.routes.api._merchant import bulk, cards, home, merging, program, team

router = APIRouter()
for part in (program, team, bulk, cards, merging, home):
    router.include_router(part.router)
