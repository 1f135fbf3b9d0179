"""What Postmark's events mean to us (https://postmarkapp.com/developer/api/bounce-api, bounce types)."""

from app.modules.messaging.domain.delivery import Delivery

HARD = frozenset({"HardBounce", "BadEmailAddress"})
SOFT = frozenset({"SoftBounce", "Transient", "DnsError", "Blocked", "SpamNotification"})
COMPLAINT = "SpamComplaint"


def read_event(record_type: str, bounce_type: str, *, is_inactive: bool) -> Delivery | None:
    """Return what an event says of its mail, or None for those that say nothing: automatic replies, opened mails, and the like.

    A bounce after which Postmark deactivates the address is a hard one, whatever it is called.
    """
    if record_type == "Delivery":
        return Delivery.DELIVERED
    if COMPLAINT in (record_type, bounce_type):
        return Delivery.COMPLAINT
    if record_type != "Bounce":
        return None
    if is_inactive or bounce_type in HARD:
        return Delivery.HARD_BOUNCE
    return Delivery.SOFT_BOUNCE if bounce_type in SOFT else None
