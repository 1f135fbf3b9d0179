"""What can go wrong, as kinds that know no HTTP. The web maps each kind once to problem+json (RFC 9457).

A subclass names a `code` that never changes and a `message`, an English sentence that is also the msgid of its
translations. Placeholders `%(name)s` are filled from `params`.
"""

import math
from collections.abc import Mapping
from datetime import datetime
from typing import Any, ClassVar


def N_(message: str) -> str:
    """Mark `message` for translation and return it unchanged."""
    return message


class OrionException(Exception):
    """Base of every refusal that a caller can understand and act upon.

    `code` is stable, `message` an English msgid, `params` fill its placeholders and are part of the answer.
    `keeps_work` is True for refusals whose bookkeeping (a raised counter of wrong tries) must outlive them:
    the unit of work then commits before it passes the error on.
    """

    code: ClassVar[str] = "error"
    message: ClassVar[str] = N_("Something went wrong.")
    keeps_work: ClassVar[bool] = False

    def __init__(self, *, code: str | None = None, message: str | None = None, params: Mapping[str, Any] | None = None) -> None:
        self.error_code = code or self.code
        self.error_message = message or self.message
        self.params: dict[str, Any] = dict(params or {})
        super().__init__(self.error_code)


class BadRequest(OrionException):
    """The request is malformed."""

    code = "bad_request"
    message = N_("The request could not be read.")


class Unauthenticated(OrionException):
    """Nobody is signed in, or the session has ended."""

    code = "unauthenticated"
    message = N_("Please sign in.")


class Forbidden(OrionException):
    """The caller is known but may not do this."""

    code = "forbidden"
    message = N_("You are not allowed to do this.")


class NotFound(OrionException):
    """There is no such thing, or none the caller may know of: both answers are identical."""

    code = "not_found"
    message = N_("We could not find that.")


class Conflict(OrionException):
    """A rule refuses the action in the present state; nothing changed."""

    code = "conflict"
    message = N_("That is not possible right now.")


class Gone(OrionException):
    """It existed, and is over for good."""

    code = "gone"
    message = N_("This is no longer available.")


class Limited(OrionException):
    """Too many requests; try again after `retry_after` seconds."""

    code = "rate_limited"
    message = N_("Too many requests. Please try again in %(retry_after)s seconds.")

    def __init__(self, retry_after: int, **kwargs: Any) -> None:
        super().__init__(params={"retry_after": retry_after}, **kwargs)
        self.retry_after = retry_after


class LockedUntil(Limited):
    """Too many wrong tries of a secret: even the right one is refused until `retry_at`. The counted try outlives the refusal."""

    keeps_work = True

    def __init__(self, *, retry_at: datetime, now: datetime) -> None:
        seconds = max(1, math.ceil((retry_at - now).total_seconds()))
        super().__init__(seconds)
        self.retry_at = retry_at
        self.params |= {"wait_minutes": math.ceil(seconds / 60), **retry_params(retry_at)}


class Unavailable(OrionException):
    """Something this needs is down or slow; try again after `retry_after` seconds."""

    code = "unavailable"
    message = N_("The service is busy. Please try again in a moment.")

    def __init__(self, retry_after: int = 2, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.retry_after = retry_after


class Invalid(OrionException):
    """The request has the wrong shape or values; `fields` maps a field's name to an English msgid."""

    code = "invalid"
    message = N_("Please check the marked fields.")

    def __init__(self, fields: Mapping[str, str] | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.fields = dict(fields or {})


class GiveUp(OrionException):
    """A background task can never succeed: no more tries. The `code` becomes the reason that the admin sees."""

    code = "gave_up"


def retry_params(retry_at: datetime) -> dict[str, Any]:
    """Return the `params` of a refusal that ends at the instant `retry_at` (domain.md, Stamps)."""
    return {"retry_at": retry_at.isoformat()}


def reason_of(error: Exception) -> str:
    """Return an error's code or type: its text may hold a person's data and is never kept."""
    return error.error_code if isinstance(error, OrionException) else type(error).__name__
