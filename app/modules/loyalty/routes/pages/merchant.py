"""Loyalty's pages in the merchant's panel. They only read; changes go through the API."""

from fastapi import APIRouter

from app.modules.loyalty.routes.pages._merchant import (
    audit,
    bulk,
    cards,
    counter,
    home,
    imports,
    people,
    privacy,
    program,
    settings,
    stores,
)

router = APIRouter()
for part in (bulk, home, program, stores, counter, cards, people, imports, settings, privacy, audit):
    router.include_router(part.router)
