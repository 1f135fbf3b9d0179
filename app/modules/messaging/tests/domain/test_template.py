"""Templates substitute names from an allow-list, escaped, once; everything else is refused."""

import dataclasses

import pytest

from app.modules.messaging.domain.template import MailTemplate, render
from app.modules.messaging.errors import TemplateVariableException

TEMPLATE = MailTemplate(
    code="t",
    locale="en",
    subject="For {{name}}",
    html="<p>{{ name }}</p>",
    text="Hi {{name}}",
    variables=frozenset({"name", "card_link", "x_colour"}),
)


def test_values_are_escaped_in_html_and_plain_elsewhere() -> None:
    rendered = render(TEMPLATE, {"name": '<b> & "it\'s"'})
    assert rendered.html == "<p>&lt;b&gt; &amp; &quot;it&#x27;s&quot;</p>"
    assert (rendered.text, rendered.subject) == ('Hi <b> & "it\'s"', 'For <b> & "it\'s"')


def test_a_value_is_never_a_template() -> None:
    assert render(TEMPLATE, {"name": "{{card_link}}"}).text == "Hi {{card_link}}"


def test_a_value_makes_no_second_line_in_the_subject() -> None:
    rendered = render(TEMPLATE, {"name": "Eve\r\nBcc: all@example.lu\x00\u2028x"})
    assert rendered.subject == "For Eve Bcc: all@example.lu x"
    assert "\n" not in rendered.text


@pytest.mark.parametrize(
    ("values", "names"),
    [
        ({}, "name"),
        ({"name": "a", "other": "b"}, "other"),
        ({"name": "a", "card_link": "javascript:alert(1)"}, "card_link"),
        ({"name": "a", "card_link": "/relative"}, "card_link"),
        ({"name": "a", "card_link": "https://a.lu/x y"}, "card_link"),
        ({"name": "a", "x_colour": "red;background:url(x)"}, "x_colour"),
    ],
)
def test_values_that_do_not_fit_are_refused(values: dict[str, str], names: str) -> None:
    with pytest.raises(TemplateVariableException) as caught:
        render(TEMPLATE, values)
    assert caught.value.params == {"names": names}


@pytest.mark.parametrize("text", ["{{unknown}}", "{{name.__class__}}", "{{ 7*7 }}", "{{name|upper}}", "{{name", "}}", "{{Name}}"])
def test_only_allowed_names_are_placeholders(text: str) -> None:
    for template in (
        dataclasses.replace(TEMPLATE, subject=text),
        dataclasses.replace(TEMPLATE, html=text),
        dataclasses.replace(TEMPLATE, text=text),
    ):
        with pytest.raises(TemplateVariableException):
            template.check()
