"""Words that the log of mails and the templates use."""

import enum


class MailState(enum.StrEnum):
    """What became of a mail. `queued`: a try failed for now. `suppressed`: there was nobody to send it to."""

    QUEUED = "queued"
    SENT = "sent"
    FAILED = "failed"
    SUPPRESSED = "suppressed"


class MailCategory(enum.StrEnum):
    """Why a mail is sent, which decides who may not get it (domain.md, Privacy).

    `service`: somebody did something or must know. `reminder`: useful, and may be switched off. `marketing`: only with consent.
    """

    SERVICE = "service"
    REMINDER = "reminder"
    MARKETING = "marketing"

    @property
    def can_be_switched_off(self) -> bool:
        """Whether its mails end with the line that leads to unsubscribing and to the preferences."""
        return self is not MailCategory.SERVICE
