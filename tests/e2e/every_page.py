"""Every page of the product: who looks at it, and with what in it. A page without an entry here fails `test_every_page.py`.

A new page needs one line in PAGES. Its ids come from the merchant of `tests/security/conftest.py`, who has one of everything, so
that most pages need no more than `Page("owner")`; `also` are further faces of the page: a search without a match, an empty state
(`as_="newcomer"` is the owner of a merchant without anything), what comes after sending a form.
"""

import dataclasses
import functools
from collections.abc import Iterator, Mapping
from typing import Literal

from app.core.config import Settings
from app.core.modules import load_modules
from app.core.web.app import build_api
from app.core.web.openapi import list_routes

Caller = Literal["nobody", "owner", "newcomer", "admin", "terminal", "customer"]


@dataclasses.dataclass(frozen=True, slots=True)
class Also:
    """Another face of a page: what follows its path, and who looks, when that is somebody else."""

    rest: str = ""
    as_: Caller | None = None


@dataclasses.dataclass(frozen=True, slots=True)
class Page:
    """A page: who looks at it, what its path's parameters are where the merchant's ids do not say, and its other faces."""

    as_: Caller
    values: Mapping[str, str] = dataclasses.field(default_factory=dict)
    also: tuple[Also, ...] = ()
    rest: str = ""
    status: int = 200


@dataclasses.dataclass(frozen=True, slots=True)
class Visit:
    """One look at a page by one person."""

    path: str
    as_: Caller
    values: Mapping[str, str]
    status: int

    @property
    def name(self) -> str:
        """How a test shows it."""
        return f"{self.as_} {self.path}"


TRASH = Also("?only_deleted=true")
NO_MATCH = Also("?q=nothing-is-called-this")
EMPTY = Also(as_="newcomer")
SHOP_MAIL = {"code": "loyalty_enrollment"}
PLATFORM_MAIL = {"code": "password_link"}

PAGES: Mapping[str, Page] = {
    "/": Page("nobody"),
    "/styleguide": Page("nobody"),
    "/accessibility": Page("nobody"),
    "/docs/api": Page("nobody"),
    "/docs/api/{group}": Page("nobody", {"group": "operation-admin"}, also=(Also("#get-api-v1-admin-operation-dead"),)),
    "/mailbox": Page("nobody"),
    "/mailbox/{mail_id}": Page("nobody"),
    "/merchants/sign-in": Page("nobody", also=(Also(as_="owner"),)),
    "/merchants/choose": Page("owner"),
    "/account/forgot": Page("nobody", also=(Also("?sent=true"),)),
    "/account/password": Page("nobody", also=(Also("#abc"),)),
    "/merchants": Page("owner", also=(EMPTY,)),
    "/merchants/account": Page("owner"),
    "/merchants/team": Page("owner"),
    "/merchants/settings": Page("owner"),
    "/merchants/settings/business": Page("owner"),
    "/merchants/settings/locations": Page("owner"),
    "/merchants/settings/merge": Page("owner"),
    "/merchants/settings/merges/{merge_id}": Page("owner"),
    "/merchants/program": Page(
        "owner",
        also=(
            TRASH,
            EMPTY,
        ),
    ),
    "/merchants/program/rewards": Page("owner", also=(EMPTY,)),
    "/merchants/stores": Page("owner", also=(TRASH,)),
    "/merchants/stores/new": Page("owner"),
    "/merchants/stores/{store_id}": Page("owner"),
    "/merchants/stores/{store_id}/poster": Page("owner", rest="?size=a4", also=(Also("?size=a6"),)),
    "/merchants/staff": Page("owner", also=(EMPTY,)),
    "/merchants/staff/slips": Page("owner"),
    "/merchants/terminals": Page("owner", also=(EMPTY,)),
    "/merchants/cards": Page("owner", also=(EMPTY, NO_MATCH, TRASH)),
    "/merchants/cards/{card_id}": Page("owner"),
    "/merchants/cards/bonus": Page("owner", also=(Also("?card={card_id}"),)),
    "/merchants/customers": Page("owner", also=(EMPTY, NO_MATCH)),
    "/merchants/customers/{customer_id}": Page("owner"),
    "/merchants/customers/duplicates": Page("owner", also=(EMPTY,)),
    "/merchants/customers/{customer_id}/merge/{other_id}": Page("owner"),
    "/merchants/customers/{customer_id}/erasure": Page("owner"),
    "/merchants/audit": Page("owner", also=(EMPTY,)),
    "/merchants/export": Page("owner"),
    "/merchants/import": Page("owner", also=(EMPTY,)),
    "/merchants/import/{import_id}": Page("owner"),
    "/merchants/jobs": Page("owner", also=(EMPTY,)),
    "/merchants/jobs/{job_id}": Page("owner"),
    "/merchants/keys": Page("owner", also=(EMPTY,)),
    "/merchants/pages": Page("owner", also=(EMPTY,)),
    "/merchants/pages/{page_id}/{locale}": Page("owner"),
    "/merchants/pages/{page_id}/versions": Page("owner"),
    "/merchants/mails": Page("owner"),
    "/merchants/mails/{code}/{locale}": Page("owner", SHOP_MAIL),
    "/admin": Page("admin"),
    "/admin/sign-in": Page("nobody", also=(Also(as_="admin"),)),
    "/admin/merchants": Page("admin", also=(NO_MATCH, TRASH)),
    "/admin/merchants/new": Page("admin"),
    "/admin/merchants/{merchant_id}": Page("admin"),
    "/admin/merchants/{merchant_id}/stores/new": Page("admin"),
    "/admin/stores": Page("admin", also=(NO_MATCH, TRASH)),
    "/admin/programs": Page("admin", also=(NO_MATCH, TRASH)),
    "/admin/cards": Page("admin", also=(NO_MATCH, TRASH)),
    "/admin/cards/{card_id}": Page("admin"),
    "/admin/customers": Page("admin", also=(NO_MATCH,)),
    "/admin/customers/{customer_id}": Page("admin"),
    "/admin/customers/{customer_id}/erase": Page("admin"),
    "/admin/users": Page("admin", also=(NO_MATCH,)),
    "/admin/users/{user_id}": Page("admin"),
    "/admin/audit": Page("admin", also=(Also("?action=nothing.is.called-this"),)),
    "/admin/health": Page("admin"),
    "/admin/jobs": Page("admin"),
    "/admin/mails": Page("admin"),
    "/admin/mails/templates": Page("admin"),
    "/admin/mails/templates/{code}/{locale}": Page("admin", PLATFORM_MAIL),
    "/store/terminal": Page("terminal"),
    "/store/terminal/pair": Page("nobody"),
    "/store/terminal/store": Page("owner"),
    "/store/terminal/cards/{card_id}/print": Page("terminal"),
    "/s/{store_code}/loyalty/join": Page("nobody", also=(Also(as_="customer"),)),
    "/s/{store_code}/loyalty/success": Page("customer", also=(Also("?known=1", "nobody"),)),
    "/s/{store_code}/loyalty/sign-in": Page("nobody", also=(Also("?sent=1"),)),
    "/s/{store_code}/loyalty/link": Page("nobody"),
    "/s/{store_code}/loyalty/terms": Page("nobody"),
    "/s/{store_code}/loyalty/dashboard": Page("customer"),
    "/s/{store_code}/loyalty/history": Page("customer"),
    "/s/{store_code}/loyalty/profile": Page("customer"),
    "/s/{store_code}/loyalty/my-data": Page("customer"),
    "/s/{store_code}/loyalty/my-data/erase": Page("customer"),
    "/s/{store_code}/loyalty/erased": Page("nobody"),
    "/s/{store_code}/loyalty/card/print": Page("customer"),
    "/s/{store_code}/pages/{slug}": Page("nobody", {"slug": "opening-hours"}),
    "/mail/unsubscribe/{token}": Page("nobody", {"token": "{unsubscribe_token}"}),
    "/mail/preferences/{token}": Page("nobody", {"token": "{preferences_token}"}, also=(Also("?saved=1"),)),
}
NOT_PAGES: Mapping[str, str] = {
    "/merchants/pages/{page_id}": "leads on to a language",
    "/merchants/pages/{page_id}/versions/{number}/{locale}": "the public page, which is looked at as such, with scripts forbidden",
    "/merchants/pages/{page_id}/preview/{locale}": "the public page, which is looked at as such, with scripts forbidden",
    "/theme/{colour}.css": "a style sheet",
    "/language/{locale}": "remembers a language and leads back",
    "/s/{store_code}": "leads on to the program",
    "/s/{store_code}/loyalty/card/qr.svg": "a picture",
    "/store/terminal/cards/{card_id}/qr.svg": "a picture",
    "/merchants/stores/{store_id}/qr.svg": "a picture",
    "/merchants/cards/{card_id}/qr.svg": "a picture",
    "/logos/{merchant_id}/{name}": "a picture",
    "/s/{store_code}/loyalty/my-data/{file_id}": "a download",
    "/merchants/customers/{customer_id}/data.zip": "a download",
    "/mailbox/{mail_id}/html": "a mail inside a frame of its page",
    "/merchants/mails/{code}/{locale}/preview": "a mail inside a frame of its page",
    "/admin/mails/templates/{code}/{locale}/preview": "a mail inside a frame of its page",
}


@functools.cache
def page_routes() -> frozenset[str]:
    """Return the paths that answer a GET and are no part of the API, as the application declares them."""
    api = build_api(Settings(env="test"), load_modules())
    described = api.openapi()["paths"]
    return frozenset(item.path for item in list_routes(api) if item.method == "GET" and item.path not in described)


def visits() -> Iterator[Visit]:
    """Yield every look at every page."""
    for path, page in PAGES.items():
        for face in (Also(page.rest), *page.also):
            yield Visit(path + (face.rest or page.rest), face.as_ or page.as_, page.values, page.status)
