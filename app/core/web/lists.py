"""Addresses of a list's pages and orders: search, filters and sort stay in the address, the place in the list does not."""

from collections.abc import Sequence
from typing import Annotated, Any, Literal

from fastapi import Query
from starlette.datastructures import URL
from starlette.requests import Request

from app.core.pagination import Page

NameOrAge = Annotated[
    Literal["name", "-name", "created", "-created"], Query(description="By name or by when it was made; with a minus from the other end.")
]
"""How a list of things with names is sorted."""
Age = Annotated[Literal["created", "-created"], Query(description="Oldest first; with a minus newest first.")]
"""How a log is sorted."""


def page_links(request: Request, page: Page[Any]) -> dict[str, str | None]:
    """Return the addresses of the list's pages after and before this `page` and, unless this is it, of its first, for the macro
    `list_pager`; search and filters stay."""
    here = request.url
    return {
        "first_href": _address(here.remove_query_params("cursor")) if "cursor" in request.query_params else None,
        "prev_href": _address(here.include_query_params(cursor=page.previous_cursor)) if page.previous_cursor else None,
        "next_href": _address(here.include_query_params(cursor=page.next_cursor)) if page.next_cursor else None,
    }


def with_filter(request: Request, **changes: str | None) -> str:
    """Return this page's address with `changes` to its filters, from the list's beginning; None takes one away."""
    kept = request.url.remove_query_params(["cursor", *changes])
    return _address(kept.include_query_params(**{name: value for name, value in changes.items() if value is not None}))


def sort_heads(request: Request, current: str, names: Sequence[str]) -> dict[str, dict[str, Any]]:
    """Return for each sort name, such as "name" or "-created" (from the greatest), what its column's head needs of the macro `table`.

    The head of the column that the list is sorted by turns the order around.
    """
    heads: dict[str, dict[str, Any]] = {}
    for name in names:
        column = name.removeprefix("-")
        is_current = current.removeprefix("-") == column
        other = column if current.startswith("-") else f"-{column}"
        heads[column] = {
            "href": with_filter(request, sort=other if is_current else name),
            "sort": ("desc" if current.startswith("-") else "asc") if is_current else None,
        }
    return heads


def _address(url: URL) -> str:
    return f"{url.path}?{url.query}".rstrip("?")
