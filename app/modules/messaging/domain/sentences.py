"""What somebody may write in a mail: bounded, with the variables of that mail and no others."""

from collections.abc import Iterable, Mapping

from app.core.errors import N_
from app.modules.messaging.domain.copy import MailCopy, MailFrame
from app.modules.messaging.domain.template import has_loose_braces, placeholders
from app.modules.messaging.errors import CopyInvalidException

MAX_LENGTHS: Mapping[str, int] = {"subject": 150, "preheader": 200, "heading": 120, "button": 40, "reason": 600}
MAX_PARAGRAPHS = 8
MAX_PARAGRAPH = 1_000
NEEDED = ("subject", "heading", "button", "reason")

EMPTY = N_("Please fill in this field.")
TOO_LONG = N_("This is too long.")
TOO_MANY = N_("Please write at most %(paragraphs)s paragraphs.")
LOOSE_BRACES = N_("Double braces are for variables only: put the name of one between them, or leave them out.")
UNKNOWN = N_("%(unknown)s does not exist in this mail. You can use: %(allowed)s.")
MISSING = N_("This mail cannot do without %(missing)s. Please put it into one of the sentences.")


def split_paragraphs(text: str) -> tuple[str, ...]:
    """Return the paragraphs of `text`, which empty lines part; a single line break is a space."""
    blocks = "\n".join(line.strip() for line in text.splitlines()).split("\n\n")
    return tuple(" ".join(block.split()) for block in blocks if block.strip())


def join_paragraphs(paragraphs: Iterable[str]) -> str:
    """Return the text that `split_paragraphs` reads."""
    return "\n\n".join(paragraphs)


def in_braces(names: Iterable[str]) -> str:
    """Return the names of variables as one writes them, sorted."""
    return ", ".join(f"{{{{{name}}}}}" for name in sorted(names))


def check_copy(copy: MailCopy, frame: MailFrame) -> MailCopy:
    """Return `copy` when all is well; CopyInvalidException says at each field what is wrong with it.

    A required variable that the layout does not show by itself must stand in one of the sentences.
    """
    sentences = copy.sentences()
    fields = {name: problem for name, text in sentences.items() if (problem := _problem(name, text, copy))}
    used = {name: placeholders(text) for name, text in sentences.items()}
    unknown = {name: names - frame.offered for name, names in used.items() if names - frame.offered}
    fields |= {name: UNKNOWN for name in unknown if name not in fields}
    missing = frame.required - frame.shown_by_layout - frozenset().union(*used.values())
    if missing:
        fields.setdefault("before", MISSING)
    if fields:
        params = {
            "unknown": in_braces(frozenset().union(*unknown.values())),
            "allowed": in_braces(frame.offered),
            "missing": in_braces(missing),
            "paragraphs": MAX_PARAGRAPHS,
        }
        raise CopyInvalidException(fields, params=params)
    return copy


def _problem(name: str, text: str, copy: MailCopy) -> str | None:
    """Return what is wrong with one field whatever its variables, or None."""
    if not text:
        return EMPTY if name in NEEDED else None
    if has_loose_braces(text):
        return LOOSE_BRACES
    if name in MAX_LENGTHS:
        return TOO_LONG if len(text) > MAX_LENGTHS[name] else None
    paragraphs = copy.before if name == "before" else copy.after
    if len(paragraphs) > MAX_PARAGRAPHS:
        return TOO_MANY
    return TOO_LONG if any(len(paragraph) > MAX_PARAGRAPH for paragraph in paragraphs) else None
