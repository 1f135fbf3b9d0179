"""The merchant's face of loyalty: the panel."""

from fastapi import APIRouter

from app.modules.loyalty.routes.api._merchant import bulk, cards, home, merging, people, privacy, program, team

router = APIRouter()
for part in (program, team, bulk, cards, people, merging, home, privacy):
    router.include_router(part.router)
