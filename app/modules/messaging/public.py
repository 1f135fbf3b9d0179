"""The door of the messaging module.

A module that sends mails registers each of them once, in its definition (`register_template`), gives the values when asked
(a provider that returns MailContent), and calls `enqueue_mail` in the transaction that is the reason for the mail; or it
enqueues a task of its own that calls `send_mail`.
"""

from app.modules.messaging.domain.content import MailBrand, MailContent, TemplateSpec, stamp_row
from app.modules.messaging.domain.enums import MailState
from app.modules.messaging.errors import (
    MailNotWantedException,
    PermanentFailure,
    TemplateVariableException,
    TemporaryFailure,
    UnknownTemplateException,
)
from app.modules.messaging.queries.delivery import move_customer
from app.modules.messaging.queries.mail_log import CustomerMail, list_mails_of_customer, list_whole_log_of_customer
from app.modules.messaging.services.email_service import EmailService
from app.modules.messaging.services.erasure_service import erase_customer
from app.modules.messaging.services.links import preferences_link, preferences_path
from app.modules.messaging.services.mail_service import address_line, enqueue_mail, send_mail
from app.modules.messaging.services.preference_service import does_without_reminders
from app.modules.messaging.services.providers import MailProvider
from app.modules.messaging.services.template_seeds import seed_templates
from app.modules.messaging.services.template_service import register_brand, register_template

__all__ = [
    "CustomerMail",
    "EmailService",
    "MailBrand",
    "MailContent",
    "MailNotWantedException",
    "MailProvider",
    "MailState",
    "PermanentFailure",
    "TemplateSpec",
    "TemplateVariableException",
    "TemporaryFailure",
    "UnknownTemplateException",
    "address_line",
    "does_without_reminders",
    "enqueue_mail",
    "erase_customer",
    "list_mails_of_customer",
    "list_whole_log_of_customer",
    "move_customer",
    "preferences_link",
    "preferences_path",
    "register_brand",
    "register_template",
    "seed_templates",
    "send_mail",
    "stamp_row",
]
