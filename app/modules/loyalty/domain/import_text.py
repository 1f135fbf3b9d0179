"""Files of other systems as text: what may be one, in which encoding, how its cells are divided (G8). No line is held twice.

A file is looked at while it arrives (`Intake`), and read in parts as often as needed (`RecordReader`): both remember no more than a
line and the parts that they were just given.
"""

import codecs
import csv
import dataclasses
import enum
import re
from collections.abc import Iterator, Sequence

from app.modules.loyalty.domain.import_problems import ImportFileException, ImportFileProblem

MAX_FILE_BYTES = 10 * 1024 * 1024
MAX_LINES = 200_000
MAX_LINE_BYTES = 64 * 1024
MAX_COLUMNS = 200
MAX_RECORD_LINES = 20
"""A cell in quotation marks may hold line breaks; one that holds more is a mark that nobody closed."""
SAMPLE_LINES = 25

BOM = "\ufeff"
_FOREIGN = (b"PK\x03\x04", b"PK\x05\x06", b"\xd0\xcf\x11\xe0", b"%PDF", b"\x1f\x8b", b"{\\rtf")
"""How spreadsheets (zip, OLE), PDF, gzip and RTF files begin: a wrong name does not make them tables."""
_BREAK = re.compile(rb"[\r\n]")
_LINES = re.compile(r"[^\r\n]*(?:\r\n|\n|\r)")
_SEPARATOR_NOTE = re.compile(r"\s*sep=([,;\t])\s*", re.IGNORECASE)


class Encoding(enum.StrEnum):
    """How the bytes of a file are to be read."""

    UTF_8 = "utf-8"
    UTF_16_LE = "utf-16-le"
    UTF_16_BE = "utf-16-be"
    WINDOWS_1252 = "windows-1252"

    @property
    def is_wide(self) -> bool:
        """Whether a NUL byte is part of ordinary letters."""
        return self in (Encoding.UTF_16_LE, Encoding.UTF_16_BE)


class Delimiter(enum.StrEnum):
    """What stands between two cells."""

    COMMA = "comma"
    SEMICOLON = "semicolon"
    TAB = "tab"

    @property
    def character(self) -> str:
        """The character itself."""
        return {"comma": ",", "semicolon": ";", "tab": "\t"}[self.value]


class Intake:
    """Looks at a file while it arrives, part by part; raises ImportFileException as soon as it can be no table."""

    def __init__(self) -> None:
        """Nothing has arrived."""
        self.size = 0
        self.breaks = 0
        self._wide: Encoding | None = None
        self._utf_8 = codecs.getincrementaldecoder("utf-8")()
        self._is_utf_8 = True
        self._open_line = 0
        self._has_text = False

    def feed(self, part: bytes) -> None:
        """Look at the next part (the first one holds at least the first line, or all)."""
        if not part:
            return
        if self.size == 0:
            if part.startswith(_FOREIGN):
                raise ImportFileException(ImportFileProblem.NO_TABLE)
            self._wide = _find_wide(part)
        self.size += len(part)
        if self.size > MAX_FILE_BYTES:
            raise ImportFileException(ImportFileProblem.TOO_LARGE)
        if self._wide is None and b"\x00" in part:
            raise ImportFileException(ImportFileProblem.NO_TABLE)
        self._has_text = self._has_text or bool(part.strip(b"\x00\r\n\t ,;\xef\xbb\xbf\xff\xfe"))
        self._measure_lines(part)
        if self._wide is None and self._is_utf_8:
            self._is_utf_8 = self._is_still_utf_8(part)

    def finish(self) -> Encoding:
        """Return the encoding once all has arrived; refuses a file in which there is nothing."""
        if not self._has_text:
            raise ImportFileException(ImportFileProblem.EMPTY)
        if self._wide is not None:
            return self._wide
        return Encoding.UTF_8 if self._is_utf_8 and self._is_still_utf_8(b"", is_last=True) else Encoding.WINDOWS_1252

    def _measure_lines(self, part: bytes) -> None:
        first, *others = _BREAK.split(part)
        longest = max(self._open_line + len(first), max(map(len, others), default=0))
        if longest > MAX_LINE_BYTES:
            raise ImportFileException(ImportFileProblem.LINE_TOO_LONG, maximum=MAX_LINE_BYTES // 1024)
        self._open_line = len(others[-1]) if others else self._open_line + len(first)
        self.breaks += part.count(b"\n") or part.count(b"\r")
        if self.breaks > MAX_LINES + 1:
            raise ImportFileException(ImportFileProblem.TOO_MANY_LINES, maximum=MAX_LINES)

    def _is_still_utf_8(self, part: bytes, *, is_last: bool = False) -> bool:
        try:
            self._utf_8.decode(part, is_last)
        except UnicodeDecodeError:
            return False
        return True


def _find_wide(start: bytes) -> Encoding | None:
    """Return which UTF-16 a file is in: by its mark, or by where the NULs of its first letters are. None: it is not."""
    if start.startswith(codecs.BOM_UTF16_LE):
        return Encoding.UTF_16_LE
    if start.startswith(codecs.BOM_UTF16_BE):
        return Encoding.UTF_16_BE
    letters = start[:64]
    even, odd = letters[0::2], letters[1::2]
    if len(odd) >= 4 and odd.count(0) > len(odd) * 3 // 4 and 0 not in even:
        return Encoding.UTF_16_LE
    if len(even) >= 4 and even.count(0) > len(even) * 3 // 4 and 0 not in odd:
        return Encoding.UTF_16_BE
    return None


@dataclasses.dataclass(frozen=True, slots=True)
class Record:
    """One row of the table: the number of its first line in the file, from 1, and its cells; None: its quotation marks do not fit."""

    line: int
    cells: list[str] | None


class _RanOut(Exception):
    """The rest of the row has not arrived."""


class _Unclosed(Exception):
    """The row goes on for longer than a row does."""


class _Feeder:
    """Gives lines to the parser, and knows which were taken since the last row was complete."""

    def __init__(self, lines: Sequence[str], first: int, *, is_last: bool) -> None:
        self.lines, self.next, self.is_last = lines, first, is_last
        self.begun = first

    def __iter__(self) -> "_Feeder":
        return self

    def __next__(self) -> str:
        if self.next - self.begun >= MAX_RECORD_LINES:
            raise _Unclosed
        if self.next >= len(self.lines):
            if self.is_last:
                raise StopIteration
            raise _RanOut
        self.next += 1
        return self.lines[self.next - 1]


class RecordReader:
    """Makes rows of the parts of a file."""

    def __init__(self, encoding: Encoding, delimiter: Delimiter) -> None:
        """Ready for the first part."""
        self._decoder = codecs.getincrementaldecoder(encoding.value)(errors="replace")
        self._delimiter = delimiter.character
        self._text = ""
        self._lines: list[str] = []
        self._line = 1
        self._is_start = True

    def feed(self, part: bytes, *, is_last: bool = False) -> Iterator[Record]:
        """Yield the rows that are complete with this part; empty ones are left out. The last part may be empty."""
        text = self._text + self._decoder.decode(part, is_last)
        if self._is_start and text:
            text, self._is_start = text.removeprefix(BOM), False
        lines = _LINES.findall(text)
        rest = text[sum(map(len, lines)) :]
        if is_last:
            lines, rest = [*lines, *([rest] if rest else [])], ""
        elif lines and lines[-1].endswith("\r"):  # its other half may be the first character of the next part
            rest = lines.pop() + rest
        self._text = rest
        self._lines.extend(lines)
        yield from self._rows(is_last=is_last)

    def _rows(self, *, is_last: bool) -> Iterator[Record]:
        lines, at = self._lines, 0
        while at < len(lines):
            feeder = _Feeder(lines, at, is_last=is_last)
            try:
                for cells in csv.reader(feeder, delimiter=self._delimiter, strict=True):
                    if any(cells) and not (self._line + at == 1 and _SEPARATOR_NOTE.fullmatch(lines[0])):
                        yield Record(self._line + at, cells)
                    at = feeder.begun = feeder.next
            except _RanOut:
                break
            except (_Unclosed, csv.Error):
                yield Record(self._line + at, None)
                at += 1
        self._line += at
        self._lines = lines[at:]


def guess_delimiter(start: str) -> Delimiter:
    """Return what divides the cells: what the file says (`sep=;`), or what divides most of its first lines alike."""
    lines = [line for line in start.splitlines()[:SAMPLE_LINES] if line.strip()]
    if lines and (note := _SEPARATOR_NOTE.fullmatch(lines[0])):
        return next(item for item in Delimiter if item.character == note[1])
    return max(Delimiter, key=lambda item: _evenness(lines, item))


def _evenness(lines: Sequence[str], delimiter: Delimiter) -> tuple[int, int]:
    try:
        rows = [cells for cells in csv.reader(lines, delimiter=delimiter.character) if cells]
    except csv.Error:
        return 0, 0
    width = len(rows[0]) if rows else 1
    return (0, 0) if width < 2 else (sum(len(cells) == width for cells in rows), width)
