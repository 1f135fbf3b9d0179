"""Which text of the terms somebody agreed to (requirements E1; domain.md, Privacy)."""

import dataclasses
import re

from app.core.i18n.locale import LOCALES

_SEEN = re.compile(rf"(?P<slug>[a-z0-9-]{{1,60}})@(?P<version>[1-9][0-9]{{0,8}}):(?P<locale>{'|'.join(LOCALES)})")
_OWN = re.compile(r"[1-9][0-9]{0,8}")


@dataclasses.dataclass(frozen=True, slots=True)
class TermsText:
    """A published page in one language: its address, the number of its version, and the language."""

    slug: str
    version: int
    locale: str

    @property
    def text_version(self) -> str:
        """How a consent names the text; the consent keeps the language beside it. The program's own text is a mere number."""
        return f"{self.slug}@{self.version}"

    @property
    def seen(self) -> str:
        """How a form says which text it showed."""
        return f"{self.text_version}:{self.locale}"


def parse_seen(text: str | None) -> TermsText | None:
    """Return what a form says it showed; None when it says nothing, or nothing that we wrote."""
    match = _SEEN.fullmatch(text or "")
    return None if match is None else TermsText(match["slug"], int(match["version"]), match["locale"])


def parse_own_version(text: str | None, *, latest: int) -> int | None:
    """Return which of the program's own texts, `latest` being the present one, a form says it showed; None when it says no such."""
    match = _OWN.fullmatch(text or "")
    return int(match[0]) if match is not None and int(match[0]) <= latest else None
