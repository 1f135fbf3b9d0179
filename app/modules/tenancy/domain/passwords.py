"""Passwords: length does the work, and what an attacker tries first is refused (reliability.md, Settings)."""

import enum
import re
import unicodedata
from collections.abc import Iterable

from app.core.errors import N_
from app.modules.tenancy.errors import PasswordWeakException

MIN_LENGTH = 15
MIN_LENGTH_WITH_TOTP = 8
MAX_LENGTH = 128
MIN_CONTEXT_LENGTH = 4

_COMMON = frozenset(
    """
    password passwort motdepasse passwuert kennwort letmein welcome willkommen bienvenue wellkomm qwerty qwertz azerty qwertyuiop
    qwertzuiop azertyuiop asdfghjkl iloveyou sunshine princess football baseball superman batman trustno1 dragon monkey master
    michael jennifer jordan hunter shadow charlie donald starwars computer internet whatever freedom samsung google facebook
    linkedin liverpool chelsea arsenal barcelona juventus luxembourg luxemburg letzebuerg soleil doudou loulou chouchou nicolas
    hallo hallo123 schatz ficken sommer winter herbst fruehling chocolate cheese flower summer spring autumn changeme secret
    default admin administrator root test testtest demo guest user login access passw0rd p4ssword pa55word abc123 1q2w3e4r
    1qaz2wsx zaq12wsx q1w2e3r4 qazwsx qazwsxedc 1q2w3e4r5t 1qaz2wsx3edc zxcvbnm zxcvbn asdfgh asdf mypassword yourpassword
    correcthorsebatterystaple thisismypassword orionloyalty orion loyalty
    """.split()  # noqa: SIM905 - a list of words reads better as words
)

_ROWS = (
    "abcdefghijklmnopqrstuvwxyz",
    "0123456789" * 13,
    "qwertyuiopasdfghjklzxcvbnm",
    "qwertzuiopasdfghjklyxcvbnm",
    "azertyuiopqsdfghjklmwxcvbn",
)
_RUNS = tuple(run for row in _ROWS for run in (row, row[::-1]))
_LEET = str.maketrans("0134578@$!€", "oleastbasie")
_EDGES = re.compile(r"^[\W\d_]+|[\W\d_]+$")


class PasswordProblem(enum.StrEnum):
    """Why a password is refused."""

    TOO_SHORT = "too_short"
    TOO_LONG = "too_long"
    UNREADABLE = "unreadable"
    REPETITIVE = "repetitive"
    COMMON = "common"
    PERSONAL = "personal"


SENTENCES: dict[PasswordProblem, str] = {
    PasswordProblem.TOO_SHORT: N_("This password is too short. Please use at least 15 characters, or 8 with an authenticator app."),
    PasswordProblem.TOO_LONG: N_("This password is too long. Please use at most 128 characters."),
    PasswordProblem.UNREADABLE: N_("This password contains characters that cannot be typed."),
    PasswordProblem.REPETITIVE: N_("This password repeats itself or follows the keyboard. Please choose a less regular one."),
    PasswordProblem.COMMON: N_("This password is one of the first that attackers try. Please choose another one."),
    PasswordProblem.PERSONAL: N_("Please do not use your e-mail address, your name or the name of your business in the password."),
}


def normalize_password(password: str) -> str:
    """Return the form that is hashed: NFC, so that an accent typed on another keyboard still matches. Nothing is trimmed."""
    return unicodedata.normalize("NFC", password)


def password_problems(password: str, *, has_totp: bool = False, context: Iterable[str] = ()) -> list[PasswordProblem]:
    """Return everything that is wrong with `password`, worst first; empty when it is good.

    `context` holds what is known of the person: e-mail address, name, name of the business. No rule asks for digits or signs.
    """
    text = normalize_password(password)
    problems: list[PasswordProblem] = []
    if len(text) < (MIN_LENGTH_WITH_TOTP if has_totp else MIN_LENGTH):
        problems.append(PasswordProblem.TOO_SHORT)
    if len(text) > MAX_LENGTH:
        return [PasswordProblem.TOO_LONG]
    if any(unicodedata.category(character) in ("Cc", "Cs") for character in text):
        problems.append(PasswordProblem.UNREADABLE)
    folded = text.casefold()
    if _is_repetitive(folded):
        problems.append(PasswordProblem.REPETITIVE)
    if _is_common(folded):
        problems.append(PasswordProblem.COMMON)
    if any(word in _compact(folded) for word in _context_words(context)):
        problems.append(PasswordProblem.PERSONAL)
    return problems


def require_strong_password(password: str, *, has_totp: bool = False, context: Iterable[str] = ()) -> None:
    """Raise PasswordWeakException with the sentences for everything wrong with `password`."""
    problems = password_problems(password, has_totp=has_totp, context=context)
    if problems:
        raise PasswordWeakException([SENTENCES[problem] for problem in problems])


def _is_repetitive(text: str) -> bool:
    """Whether fewer than five characters differ, a block of at most half its length repeats, or all of it is a keyboard run."""
    if len(set(text)) < 5:
        return True
    repeats = any(text == (text[:size] * (len(text) // size + 1))[: len(text)] for size in range(1, len(text) // 2 + 1))
    return repeats or any(text in run for run in _RUNS)


def _is_common(text: str) -> bool:
    """Whether it is a common password, also with digits and signs around it, with letters swapped for signs, or twice over."""
    forms = {text, _EDGES.sub("", text), text.translate(_LEET), _EDGES.sub("", text).translate(_LEET), _compact(text)}
    forms |= {form[: len(form) // 2] for form in forms if form and form == form[: len(form) // 2] * 2}
    return any(form in _COMMON for form in forms)


def _compact(text: str) -> str:
    """Return only the letters and digits of `text`, without accents."""
    decomposed = unicodedata.normalize("NFKD", text)
    return "".join(character for character in decomposed if character.isalnum())


def _context_words(context: Iterable[str]) -> set[str]:
    """Return what a password must not contain: each text as a whole and, of an e-mail address, the part before the @."""
    words = {_compact(part.casefold()) for text in context for part in (text, text.partition("@")[0])}
    return {word for word in words if len(word) >= MIN_CONTEXT_LENGTH}
