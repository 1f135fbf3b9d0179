"""What mail providers tell us, as far as we listen. Documents of others: fields that we do not know are theirs to add."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, StringConstraints

Word = Annotated[str, StringConstraints(max_length=100, pattern=r"^[\x20-\x7e]*$")]


class PostmarkEvent(BaseModel):
    """An event of Postmark: `RecordType` is Delivery, Bounce, SpamComplaint or something that is ignored; a bounce has a `Type`.

    `Inactive` says that Postmark itself sends nothing more to the address.
    """

    model_config = ConfigDict(
        frozen=True,
        extra="ignore",
        json_schema_extra={
            "additionalProperties": True,
            "examples": [
                {
                    "RecordType": "Bounce", "MessageStream": "outbound", "ID": 42, "Type": "HardBounce", "TypeCode": 1,
                    "MessageID": "883953f4-6105-42a2-a16a-77a8eac79483", "Email": "lea@example.lu",
                    "BouncedAt": "2026-11-23T10:15:00Z", "Inactive": True,
                }
            ],
        },
    )  # fmt: skip

    RecordType: Word
    MessageID: Word = ""
    Type: Word = ""
    Inactive: bool = False


class EventAnswer(BaseModel):
    """Whether the event was new to us. Unknown mails and repeated events are not, and that is fine."""

    model_config = ConfigDict(frozen=True, json_schema_extra={"examples": [{"is_new": True}]})

    is_new: bool
