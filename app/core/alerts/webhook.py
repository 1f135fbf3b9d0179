"""Tells the operator's own system of an alert: a POST with JSON to the address they set."""

from typing import Any

from app.core.alerts.notices import Notice
from app.core.alerts.words import describe
from app.core.errors import OrionException

TIMEOUT_SECONDS = 5.0


class WebhookRefused(OrionException):
    """The operator's system did not take the notice; it is tried again."""

    code = "webhook_refused"


def document(notice: Notice, base_url: str) -> dict[str, Any]:
    """Return what is sent: the same for each try, so that the receiver can tell by `id` and `event` what it has."""
    alert, text = notice.alert, describe(notice.alert.rule, notice.alert.severity, notice.alert.details)
    return {
        "event": f"alert.{notice.phase}",
        "id": str(alert.id),
        "rule": alert.rule,
        "severity": alert.severity,
        "title": text.title,
        "sentence": text.sentence,
        "advice": text.advice,
        "subject": alert.subject,
        "merchant_id": None if alert.merchant_id is None else str(alert.merchant_id),
        "details": dict(alert.details),
        "opened_at": alert.opened_at.isoformat(),
        "cleared_at": None if alert.cleared_at is None else alert.cleared_at.isoformat(),
        "link": f"{base_url.rstrip('/')}/admin/health",
    }


async def send(url: str, notice: Notice, base_url: str) -> None:
    """POST the notice to `url`; WebhookRefused (its code names status or error) unless the answer is 2xx within five seconds."""
    import httpx  # beat alone needs it, and only with a webhook

    try:
        async with httpx.AsyncClient(timeout=TIMEOUT_SECONDS, follow_redirects=False) as client:
            answer = await client.post(url, json=document(notice, base_url))
    except httpx.HTTPError as error:
        raise WebhookRefused(code=f"webhook_{type(error).__name__}") from error
    if not answer.is_success:
        raise WebhookRefused(code=f"webhook_{answer.status_code}")
