"""The mails to the platform's operator: an alert has opened, an alert is over. Asked for by beat, not by the outbox."""

import datetime as dt
import uuid

from app.core import alerts
from app.core.alerts.notices import Notice
from app.core.config import get_settings
from app.core.context import PlatformCtx
from app.core.errors import GiveUp
from app.core.i18n import _, current_locale
from app.modules.messaging.domain.colours import text_colour_on
from app.modules.messaging.domain.enums import MailState
from app.modules.messaging.domain.template import PLATFORM_COLOUR
from app.modules.messaging.services.email_service import EmailService
from app.modules.messaging.services.mail_service import greeting

OPENED, CLEARED = "alert_opened", "alert_cleared"
HEALTH_PATH = "/admin/health"
MAIL_IDS = uuid.UUID("5b0f4f6e-3f0c-4c0e-9a67-6a3f5b6b1c11")


async def send_alert_mail(ctx: PlatformCtx, notice: Notice, recipient: str) -> None:
    """Tell `recipient`, in the current language, that an alert opened or is over; the same notice is the same mail.

    Raises as EmailService.send_template, and GiveUp when the address is one that no mail goes to.
    """
    alert = notice.alert
    words = alerts.describe(alert.rule, alert.severity, alert.details)
    values = {
        "greeting": greeting(None),
        "brand_colour": PLATFORM_COLOUR,
        "brand_text_colour": text_colour_on(PLATFORM_COLOUR),
        "alert_title": words.title,
        "alert_severity": words.severity,
        "alert_subject": _("the whole platform") if alert.subject == alerts.PLATFORM else alert.subject,
        "alert_since": _instant(alert.opened_at),
        "health_link": get_settings().base_url.rstrip("/") + HEALTH_PATH,
    }
    if notice.phase == "opened":
        code, values = OPENED, values | {"alert_sentence": words.sentence, "alert_advice": words.advice}
    else:
        code, values = CLEARED, values | {"alert_until": _instant(alert.cleared_at or ctx.now)}
    message_id = uuid.uuid5(MAIL_IDS, f"{alert.id}:{notice.phase}")
    state = await EmailService(ctx).send_template(code, current_locale(), recipient, values, message_id=message_id)
    if state is MailState.SUPPRESSED:
        raise GiveUp(code="alert_mail_suppressed")


def _instant(at: dt.datetime) -> str:
    return at.astimezone(dt.UTC).strftime("%Y-%m-%d %H:%M UTC")
