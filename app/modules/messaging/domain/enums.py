"""Words that the log of mails uses."""

import enum


class MailState(enum.StrEnum):
    """What became of a mail. `queued`: a try failed for now. `suppressed`: there was nobody to send it to."""

    QUEUED = "queued"
    SENT = "sent"
    FAILED = "failed"
    SUPPRESSED = "suppressed"
