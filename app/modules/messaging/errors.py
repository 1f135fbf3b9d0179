"""What the messaging module refuses, and how sending can fail."""

from collections.abc import Iterable

from app.core.errors import N_, Conflict, GiveUp, Invalid, NotFound, Unavailable


class UnknownTemplateException(NotFound):
    """No module registered a template with this code."""

    code = "unknown_template"
    message = N_("There is no mail template with this name.")


class TemplateVariableException(Conflict):
    """A template and its values do not fit: an unknown placeholder, a missing value, or one that must not stand there."""

    code = "template_variable"
    message = N_("The mail template and its values do not fit together: %(names)s.")

    def __init__(self, names: Iterable[str]) -> None:
        super().__init__(params={"names": ", ".join(sorted(names))})


class CopyInvalidException(Invalid):
    """Sentences of a mail that cannot be saved; each field says why."""

    code = "mail_copy_invalid"


class NoMailboxException(Conflict):
    """Whoever asks for a test has no address to send it to, as a script with a key has none."""

    code = "no_mailbox"
    message = N_("A test goes to your own address: please sign in as a person.")


class MailNotWantedException(Conflict):
    """Raised by a provider: as things are when the mail would go out, it must not. `reason` is a short code for the mail log."""

    code = "mail_not_wanted"

    def __init__(self, reason: str) -> None:
        super().__init__()
        self.reason = reason


class TemporaryFailure(Unavailable):
    """The mail could not be handed over now; the same mail is tried again later. `reason` is a short code without any address.

    The log of the try outlives the failure, so that the mail log says how often and why.
    """

    code = "mail_temporary_failure"
    keeps_work = True

    def __init__(self, reason: str) -> None:
        super().__init__(code=reason)
        self.reason = reason


class PermanentFailure(GiveUp):
    """The receiving side refused this mail for good; trying again would only annoy it. `reason` as in TemporaryFailure.

    `bounce` is set when the address is why: "hard_bounce" when nobody is there, "soft_bounce" when nobody can be reached for now.
    """

    code = "mail_permanent_failure"
    keeps_work = True

    def __init__(self, reason: str, *, bounce: str | None = None) -> None:
        super().__init__(code=reason)
        self.reason = reason
        self.bounce = bounce
