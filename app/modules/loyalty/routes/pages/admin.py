"""Loyalty's pages in the platform's panel. They only read; changes go through the API."""

from fastapi import APIRouter

from app.modules.loyalty.routes.pages._admin import cards, customers, programs

router = APIRouter()
for part in (programs, cards, customers):
    router.include_router(part.router)
