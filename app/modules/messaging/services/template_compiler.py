"""From sentences to a whole template: the layout's files, and MJML's compiler. A template is compiled when it is saved, never when sent."""

import functools
import tomllib
from pathlib import Path

from app.modules.messaging.domain.copy import Layout, MailCopy, MailFrame, build_mjml, build_text
from app.modules.messaging.domain.template import MailTemplate

FOLDER = Path(__file__).resolve().parents[1] / "templates" / "layout"


def compile_template(code: str, locale: str, copy: MailCopy, frame: MailFrame) -> MailTemplate:
    """Return the template that `copy` makes in the layout; TemplateVariableException for a placeholder that is not allowed."""
    from mjml import mjml2html  # sending needs no compiler

    layout = read_layout(locale)
    return MailTemplate(
        code=code,
        locale=locale,
        subject=copy.subject,
        html=mjml2html(build_mjml(copy, frame, layout, locale)),
        text=build_text(copy, frame, layout),
        variables=frame.allowed,
    ).check()


@functools.cache
def read_layout(locale: str) -> Layout:
    """Return the layout with its words in `locale`."""
    words = tomllib.loads(_read("words.toml"))[locale]
    return Layout(mjml=_read("layout.mjml"), card=_read("card.mjml"), **words)


def _read(name: str) -> str:
    return (FOLDER / name).read_text(encoding="utf-8")
