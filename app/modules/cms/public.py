"""The door of the cms module: a merchant's published pages.

A module that rests upon pages (its program's terms, say) announces in its definition how to find out (`register_hooks`), and
holds a page as it is while it chooses it (`keep_published`).
"""

from app.modules.cms.queries.locks import keep_published
from app.modules.cms.services.reading_service import (
    PageRef,
    PublishedPage,
    find_published,
    find_published_id,
    find_version,
    has_version,
    list_pages,
    pages_path,
)
from app.modules.cms.services.starter_service import make_starter_pages
from app.modules.cms.services.uses import PageBrand, register_hooks

__all__ = [
    "PageBrand",
    "PageRef",
    "PublishedPage",
    "find_published",
    "find_published_id",
    "find_version",
    "has_version",
    "keep_published",
    "list_pages",
    "make_starter_pages",
    "pages_path",
    "register_hooks",
]
