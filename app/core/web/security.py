"""Headers that every answer carries, and cookies."""

import functools

from starlette.responses import Response

from app.core.config import Settings
from app.core.web.credentials import cookie_name

CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; font-src 'self'; connect-src 'self'; "
    "form-action 'self'; manifest-src 'self'; base-uri 'none'; frame-ancestors 'none'"
)
HALF_A_YEAR_SECONDS = 15_768_000


@functools.lru_cache(maxsize=8)
def _headers(*, is_static: bool, may_use_camera: bool, is_https: bool) -> list[tuple[bytes, bytes]]:
    headers = [
        ("content-security-policy", CONTENT_SECURITY_POLICY),
        ("x-content-type-options", "nosniff"),
        ("referrer-policy", "same-origin"),
        ("cross-origin-opener-policy", "same-origin"),
        ("cross-origin-resource-policy", "same-origin"),
        ("permissions-policy", f"camera=({'self' if may_use_camera else ''}), microphone=(), geolocation=()"),
        ("cache-control", "public, max-age=31536000, immutable" if is_static else "no-store"),
    ]
    if is_https:
        headers.append(("strict-transport-security", f"max-age={HALF_A_YEAR_SECONDS}; includeSubDomains"))
    return [(name.encode(), value.encode()) for name, value in headers]


def headers_for(path: str, settings: Settings) -> list[tuple[bytes, bytes]]:
    """Return the security headers for an answer at `path`: the camera only on the terminal, caching only for built files."""
    return _headers(
        is_static=path.startswith("/static/dist/"), may_use_camera=path.startswith("/store/terminal"), is_https=settings.is_https
    )


def set_cookie(response: Response, name: str, value: str, settings: Settings, *, max_age: int | None, http_only: bool = True) -> None:
    """Set a cookie that only our host sees: HttpOnly (unless said), SameSite=Lax, Secure over TLS. `max_age` in seconds."""
    response.set_cookie(
        cookie_name(name, settings), value, max_age=max_age, path="/", secure=settings.is_https, httponly=http_only, samesite="lax"
    )


def delete_cookie(response: Response, name: str, settings: Settings) -> None:
    """Remove a cookie set by `set_cookie`."""
    response.delete_cookie(cookie_name(name, settings), path="/", secure=settings.is_https, httponly=True, samesite="lax")
