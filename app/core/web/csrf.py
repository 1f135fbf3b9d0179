"""Cross-site request forgery: changes come from our own pages, as JSON (architecture.md, CSRF).

The two exceptions are the signed links in mails. Their right to change anything is the token in the address, which nobody
can forge and no browser sends along by itself, so there is nothing to protect with it.
"""

import re

from starlette.datastructures import Headers
from starlette.types import Scope

UNSAFE = frozenset({"POST", "PUT", "PATCH", "DELETE"})
ONE_CLICK = re.compile(r"/mail/unsubscribe/[A-Za-z0-9_-]+")
"""RFC 8058: a mail reader's own POST, from any site or none, with a form as its body."""
PLAIN_FORM = re.compile(r"/mail/preferences/[A-Za-z0-9_-]+")
"""A form of our own page that has to work without a script."""
FORM_TYPE = "application/x-www-form-urlencoded"
UPLOAD = re.compile(r"/api/v1/merchants/loyalty/imports")
"""Takes a file as its body, of a type that no form can send, and more of it than others."""
UPLOAD_TYPE = "text/csv"


def is_upload(scope: Scope) -> bool:
    """Return whether the request may bring a file."""
    return scope["method"] == "POST" and UPLOAD.fullmatch(scope["path"]) is not None


def refusal(scope: Scope, headers: Headers, origin: str) -> int | None:
    """Return 403 for an unsafe request that carries cookies or comes from a browser of another site, else None.

    `Sec-Fetch-Site: same-origin` decides; a browser too old to send it must send our `Origin`. A body is JSON, or a file
    where one is taken.
    A caller without cookies and without a browser's headers (a script with a bearer key) has nothing to forge.
    """
    if scope["method"] not in UNSAFE:
        return None
    if scope["method"] == "POST" and ONE_CLICK.fullmatch(scope["path"]):
        return None
    site, sent_origin = headers.get("sec-fetch-site"), headers.get("origin")
    has_cookie = "cookie" in headers
    if site is not None:
        if site != "same-origin":
            return 403
    elif sent_origin is not None:
        if sent_origin != origin:
            return 403
    elif has_cookie:
        return 403
    has_body = headers.get("content-length", "0") != "0" or "transfer-encoding" in headers
    content_type = headers.get("content-type", "").split(";")[0].strip().lower()
    may_be_form = scope["method"] == "POST" and PLAIN_FORM.fullmatch(scope["path"]) is not None
    is_fine = content_type == "application/json" or (may_be_form and content_type == FORM_TYPE)
    is_fine = is_fine or (is_upload(scope) and content_type == UPLOAD_TYPE)
    return 403 if has_body and not is_fine else None
