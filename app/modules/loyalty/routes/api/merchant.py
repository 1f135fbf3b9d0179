"""The merchant's face of loyalty: the panel."""

from fastapi import APIRouter

from app.modules.loyalty.routes.api._merchant import (
    audit,
    bulk,
    cards,
    exports,
    home,
    imports,
    merging,
    people,
    privacy,
    program,
    team,
    trash,
    twins,
)

router = APIRouter()
for part in (program, team, trash, bulk, cards, twins, people, merging, imports, exports, home, privacy, audit):
    router.include_router(part.router)
