"""What may be written in a mail, and what the writer is told instead."""

import dataclasses
from typing import Any

import pytest

from app.modules.messaging.domain import sentences
from app.modules.messaging.domain.copy import MailCopy, MailFrame
from app.modules.messaging.domain.enums import MailCategory
from app.modules.messaging.domain.sentences import check_copy, join_paragraphs, split_paragraphs
from app.modules.messaging.errors import CopyInvalidException

FRAME = MailFrame(
    category=MailCategory.SERVICE,
    sender="merchant",
    has_card=True,
    button_link="card_link",
    variables=frozenset({"card_name", "card_number", "card_progress", "card_link", "expires_on"}),
    required=frozenset({"card_link", "card_number", "expires_on"}),
)
COPY = MailCopy(
    subject="Hello from {{merchant_name}}",
    preheader="",
    heading="Hello",
    before=("{{greeting}}", "Until {{ expires_on }}."),
    button="Open",
    after=(),
    reason="You are a member.",
)


def fields_of(**changes: Any) -> tuple[dict[str, str], dict[str, object]]:
    with pytest.raises(CopyInvalidException) as caught:
        check_copy(dataclasses.replace(COPY, **changes), FRAME)
    return caught.value.fields, caught.value.params


def test_good_sentences_pass() -> None:
    for copy in (COPY, dataclasses.replace(COPY, before=(), reason="Until {{expires_on}}.")):
        assert check_copy(copy, FRAME) == copy


def test_an_unknown_variable_is_named_with_those_there_are() -> None:
    fields, params = fields_of(heading="Hi {{first_name}}", reason="{{card_nummer}}")
    assert fields == {"heading": sentences.UNKNOWN, "reason": sentences.UNKNOWN}
    assert params["unknown"] == "{{card_nummer}}, {{first_name}}"
    assert params["allowed"] == (
        "{{card_link}}, {{card_name}}, {{card_number}}, {{card_progress}}, {{expires_on}}, {{greeting}}, {{merchant_address}}, "
        "{{merchant_name}}"
    )


@pytest.mark.parametrize("name", ["brand_colour", "logo_link", "unsubscribe_link"])
def test_what_belongs_to_the_layout_is_not_for_sentences(name: str) -> None:
    assert fields_of(subject=f"{{{{{name}}}}}")[0] == {"subject": sentences.UNKNOWN}


def test_what_the_mail_cannot_do_without_must_stand_somewhere() -> None:
    """The button's address and the card's number stand in the layout whatever is written; the date does not."""
    fields, params = fields_of(before=("{{greeting}}",))
    assert fields == {"before": sentences.MISSING}
    assert params["missing"] == "{{expires_on}}"


@pytest.mark.parametrize("text", ["{{name", "}}", "{{ 7*7 }}", "{{greeting|upper}}", "{{Greeting}}", "{{greeting.x}}"])
def test_braces_are_for_variables(text: str) -> None:
    assert fields_of(subject=text)[0] == {"subject": sentences.LOOSE_BRACES}


@pytest.mark.parametrize("name", ["subject", "heading", "button", "reason"])
def test_some_sentences_must_be_there(name: str) -> None:
    assert fields_of(**{name: ""})[0] == {name: sentences.EMPTY}


@pytest.mark.parametrize(("name", "longest"), [("subject", 150), ("preheader", 200), ("heading", 120), ("button", 40), ("reason", 600)])
def test_lengths_are_bounded(name: str, longest: int) -> None:
    changed: dict[str, Any] = {name: "x" * longest}
    check_copy(dataclasses.replace(COPY, **changed), FRAME)
    assert fields_of(**{name: "x" * (longest + 1)})[0] == {name: sentences.TOO_LONG}


def test_paragraphs_are_bounded_in_number_and_length() -> None:
    check_copy(dataclasses.replace(COPY, after=("x" * 1_000,) * 8), FRAME)
    assert fields_of(after=("x" * 1_001,))[0] == {"after": sentences.TOO_LONG}
    assert fields_of(after=("x",) * 9)[0] == {"after": sentences.TOO_MANY}


def test_empty_lines_part_paragraphs() -> None:
    assert split_paragraphs("  One\r\nline. \n \n\n Two.  \n") == ("One line.", "Two.")
    assert split_paragraphs(" \n") == ()
    assert join_paragraphs(("One line.", "Two.")) == "One line.\n\nTwo."
