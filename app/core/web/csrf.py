"""Cross-site request forgery: changes come from our own pages, as JSON (architecture.md, CSRF)."""

from starlette.datastructures import Headers
from starlette.types import Scope

UNSAFE = frozenset({"POST", "PUT", "PATCH", "DELETE"})


def refusal(scope: Scope, headers: Headers, origin: str) -> int | None:
    """Return 403 for an unsafe request that carries cookies or comes from a browser of another site, else None.

    `Sec-Fetch-Site: same-origin` decides; a browser too old to send it must send our `Origin`. A body is JSON.
    A caller without cookies and without a browser's headers (a script with a bearer key) has nothing to forge.
    """
    if scope["method"] not in UNSAFE:
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
    is_json = headers.get("content-type", "").split(";")[0].strip().lower() == "application/json"
    return 403 if has_body and not is_json else None
