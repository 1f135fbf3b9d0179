"""What rests upon pages and how a store's pages look is known by other modules: they announce it once, in their definitions."""

import dataclasses
import uuid

from app.core.context import Ctx
from app.core.modules import load_attribute

_hooks: dict[str, str] = {}


@dataclasses.dataclass(frozen=True, slots=True)
class PageBrand:
    """The colour (#rrggbb) and the logo's path of the merchant's storefront."""

    colour: str
    logo_path: str | None


def register_hooks(*, is_used: str, brand: str) -> None:
    """Announce the import paths of `async def (ctx, page_id) -> bool`, whether a page is in use, and of
    `async def (ctx) -> PageBrand | None`, how the storefront looks. ValueError when another module already does.
    """
    wanted = {"is_used": is_used, "brand": brand}
    if _hooks and _hooks != wanted:
        raise ValueError("what rests upon pages is registered twice")
    _hooks.update(wanted)


async def is_page_used(ctx: Ctx, page_id: uuid.UUID) -> bool:
    """Return whether another module rests upon the page as it is published."""
    return "is_used" in _hooks and bool(await load_attribute(_hooks["is_used"])(ctx, page_id))


async def find_brand(ctx: Ctx) -> PageBrand | None:
    """Return how the merchant's storefront looks, or None before there is something to know."""
    brand: PageBrand | None = await load_attribute(_hooks["brand"])(ctx) if "brand" in _hooks else None
    return brand
