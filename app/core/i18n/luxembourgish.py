"""The Luxembourgish n-rule: a final n is spoken and written only before vowels and before d, h, n, t and z.

Words before a value are written with the n in brackets ("vu(n) %(count)s"), as CLDR does; it is settled when the value is known.
"""

import re

OPTIONAL_N = "(n) "

_OPEN = re.compile(r"\(n\) (?=(\S+))")
_OPEN_BEFORE_VALUE = re.compile(r"\(n\) (?=%\((\w+)\))")
_LETTERS_THAT_KEEP_N = frozenset("aeiouyäëéèêöüdhntz")
_DIGITS_SPOKEN_WITHOUT_N = frozenset("4567")  # véier, fënnef, sechs, siwen


def settle_n(text: str) -> str:
    """A finished text with every "(n) " settled by the word that follows: `viru(n) 2 Deeg` becomes `virun 2 Deeg`."""
    return _OPEN.sub(lambda match: "n " if keeps_n(match.group(1)) else " ", text)


def settle_n_before_values(text: str, values: dict[str, str]) -> str:
    """A text of ours, its placeholders still in it, with "(n) " settled by the values to come; the values stay untouched."""
    return _OPEN_BEFORE_VALUE.sub(lambda match: "n " if keeps_n(values.get(match.group(1), "")) else " ", text)


def keeps_n(following: str) -> bool:
    """Whether a word or number keeps the n before it."""
    start = following.lstrip("«„“\"'(-")[:1]
    return _number_keeps_n(following) if start.isdigit() else start.lower() in _LETTERS_THAT_KEEP_N


def _number_keeps_n(text: str) -> bool:
    """Whether the number, spoken, begins with a sound that keeps the n."""
    found = re.search(r"\d+", text)
    digits = found.group() if found else ""
    head = digits[: len(digits) % 3 or 3]  # 12345 is said "twelve thousand ..."
    if head[0] == "1" and (len(head) == 3 or len(digits) > len(head) == 1):
        return True  # honnert, dausend
    if len(head) == 2 and head[1] != "0":
        return head[1] not in _DIGITS_SPOKEN_WITHOUT_N  # the unit comes first: fofzéng, fënnefanzwanzeg
    return head[0] not in _DIGITS_SPOKEN_WITHOUT_N
