"""The lines of an import, read part by part from where its file lies, each checked by itself (G8).

A reader remembers a number for each address and card number that it has seen, to find those that come twice; whoever goes on with
an import reads again from the beginning up to where it stopped, and so knows the same.
"""

import uuid
from collections.abc import Mapping, Sequence

from app.core import files
from app.core.context import Ctx
from app.modules.customers import public as customers
from app.modules.loyalty.domain.import_columns import Field
from app.modules.loyalty.domain.import_problems import ImportFileGoneException, LineNote, LineProblem
from app.modules.loyalty.domain.import_text import Encoding, Record, RecordReader
from app.modules.loyalty.domain.import_values import Line, Reading, read_line
from app.modules.loyalty.queries.imports import ImportView
from app.modules.loyalty.services.import_chunk import Candidate, Findings, Setting

CHUNK = 1_000
"""Lines that are written in one transaction."""

_WARNED = {"phone": (Field.PHONE, LineProblem.PHONE_INVALID), "birth_date": (Field.BIRTH_DATE, LineProblem.BIRTH_DATE_INVALID)}
_REFUSED = {
    "email": (Field.EMAIL, LineProblem.EMAIL_INVALID),
    "first_name": (Field.FIRST_NAME, LineProblem.NAME_INVALID),
    "last_name": (Field.LAST_NAME, LineProblem.NAME_INVALID),
}


def find_store(stores: Mapping[str, uuid.UUID], text: str) -> uuid.UUID | None:
    """Return the store that a cell names by code or name, or None."""
    return stores.get(text.strip().casefold())


class ImportReader:
    """Gives the rows of a file, a chunk at a time."""

    def __init__(self, job: ImportView, setting: Setting, reading: Reading) -> None:
        """Nothing is read yet."""
        if job.file_id is None or job.encoding is None:
            raise ImportFileGoneException
        self._file_id, self._bytes_left = job.file_id, job.size_bytes
        self._records = RecordReader(job.encoding, setting.choices.delimiter)
        self._setting, self._reading = setting, reading
        self._waiting: list[Record] = []
        self._next_part = 1
        self._is_over = False
        self._has_header = False
        self._addresses: set[int] = set()
        self._numbers: set[int] = set()

    async def read_chunk(self, ctx: Ctx, findings: Findings) -> tuple[list[Candidate], int | None]:
        """Return the candidates among the next 1,000 rows, with the number of the last line, None behind the last row."""
        while len(self._waiting) < CHUNK and not self._is_over:
            await self._fetch(ctx)
        rows, self._waiting = self._waiting[:CHUNK], self._waiting[CHUNK:]
        candidates = [candidate for record in rows if (candidate := self._check(record, findings)) is not None]
        findings.counts["read"] += len(rows)
        return candidates, rows[-1].line if rows else None

    async def skip(self, ctx: Ctx, line: int) -> None:
        """Go on behind the line `line`: what was read before is only remembered."""
        while True:
            while not self._waiting and not self._is_over:
                await self._fetch(ctx)
            if not self._waiting or self._waiting[0].line > line:
                return
            done = [record for record in self._waiting if record.line <= line]
            self._waiting = self._waiting[len(done) :]
            for record in done:
                self._check(record, Findings.nothing())

    async def _fetch(self, ctx: Ctx) -> None:
        part = await files.read_part(ctx, self._file_id, self._next_part)
        if part is None and self._bytes_left:  # not its end: the file was removed, as lists are when somebody is erased
            raise ImportFileGoneException
        self._next_part += 1
        self._bytes_left -= len(part or b"")
        self._is_over = part is None
        found = list(self._records.feed(part or b"", is_last=part is None))
        if not self._has_header and found:
            self._has_header = True
            del found[0]
        self._waiting.extend(found)

    def _check(self, record: Record, findings: Findings) -> Candidate | None:
        if record.cells is None:
            return self._refuse(record.line, [LineNote(record.line, "", LineProblem.UNREADABLE)], findings)
        line, notes = read_line(record.line, record.cells, self._reading)
        if line is None:
            return self._refuse(record.line, notes, findings)
        candidate = self._check_person(line, notes)
        if candidate is None:
            return self._refuse(record.line, notes, findings)
        findings.notes.extend(notes)
        findings.counts["left_out"] += len(notes)
        return candidate

    @staticmethod
    def _refuse(line: int, notes: Sequence[LineNote], findings: Findings) -> None:
        """Count a line that cannot be imported; what is merely left out of it does not matter any more."""
        findings.notes.extend(note for note in notes if not note.problem.is_harmless)
        findings.counts["faulty"] += 1

    def _check_person(self, line: Line, notes: list[LineNote]) -> Candidate | None:
        """Return the line's person, or None with the reason added to `notes`; remembers address and card number."""
        setting = self._setting
        columns, wrong = customers.check_person(
            first_name=line.first_name,
            last_name=line.last_name,
            email=line.email,
            phone=line.phone,
            birth_date=line.birth_date,
            locale=line.locale or setting.locale,
            today=self._reading.now.astimezone(setting.zone).date(),
        )
        notes.extend(LineNote(line.number, *_WARNED[name]) for name in sorted(wrong & _WARNED.keys()))
        problems = [_REFUSED[name] for name in sorted(wrong & _REFUSED.keys())]
        if line.points and not setting.program.type.has_points:
            problems.append((Field.POINTS, LineProblem.NO_POINTS))
        if line.stamps and not setting.program.type.has_stamps:
            problems.append((Field.STAMPS, LineProblem.NO_STAMPS))
        store_id = setting.choices.store_id if line.store is None else find_store(setting.stores, line.store)
        if store_id is None:
            problems.append((Field.STORE, LineProblem.STORE_UNKNOWN))
        is_first = True
        if not problems and store_id is not None:
            is_first, repeated = self._remember(columns["email_normalized"], store_id, line.card_number)
            problems.extend(repeated)
        notes.extend(LineNote(line.number, field.value, problem) for field, problem in problems)
        return None if problems or store_id is None else Candidate(line, columns, store_id, is_first)

    def _remember(self, address: str, store_id: uuid.UUID, number: str | None) -> tuple[bool, list[tuple[Field, LineProblem]]]:
        """Return whether the person is new in this file, and what comes twice: a person, or a person at one store (A1), or a number."""
        person, place = hash(address), hash((address, store_id))
        is_first = person not in self._addresses
        if not is_first and (self._setting.is_cross_location or place in self._addresses):
            return False, [(Field.EMAIL, LineProblem.EMAIL_REPEATED)]
        if number is not None and hash(number) in self._numbers:
            return is_first, [(Field.CARD_NUMBER, LineProblem.CARD_NUMBER_REPEATED)]
        self._addresses.update((person, place))
        if number is not None:
            self._numbers.add(hash(number))
        return is_first, []


async def read_start(ctx: Ctx, job: ImportView, encoding: Encoding) -> bytes:
    """Return the first part of an import's file (all of a short one), for its header and some samples; ImportFileGoneException."""
    part = await files.read_part(ctx, job.file_id, 1) if job.file_id is not None and encoding else None
    if part is None:
        raise ImportFileGoneException
    return part
