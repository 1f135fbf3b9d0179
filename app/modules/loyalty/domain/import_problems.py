"""What can be wrong with a file of another system, and with a line of it, in words that say what to do."""

import dataclasses
import enum
from collections.abc import Mapping

from app.core.errors import N_, Conflict, Gone, Invalid, NotFound


class ImportFileProblem(enum.StrEnum):
    """Why a file as a whole is no table that can be read."""

    EMPTY = N_("There is nothing in this file.")
    NO_TABLE = N_("This is not a CSV file. Please open it in your spreadsheet program and save it as CSV.")
    TOO_LARGE = N_("This file is larger than 10 MB. Please divide it into several.")
    LINE_TOO_LONG = N_("A line of this file is longer than %(maximum)s kB. Please check that it is a CSV file with one person per line.")
    TOO_MANY_LINES = N_("This file has more than %(maximum)s lines. Please divide it into several.")
    TOO_MANY_COLUMNS = N_("This file has more than %(maximum)s columns. Please check what divides them.")
    ONLY_HEADER = N_("This file has a header and no line below it.")


class ImportFileException(Invalid):
    """The file cannot be a table; nothing of it is kept."""

    code = "import_file_invalid"

    def __init__(self, problem: ImportFileProblem, *, maximum: int | None = None) -> None:
        super().__init__(fields={"file": problem.value}, params={} if maximum is None else {"maximum": maximum})


class ImportMappingException(Invalid):
    """The choice of columns does not fit the file, or lacks what every line needs."""

    code = "import_mapping_invalid"


class ImportNotFoundException(NotFound):
    """There is no such import, or it is another merchant's."""

    code = "import_not_found"
    message = N_("We could not find that import.")


class ImportBusyException(Conflict):
    """The file is being checked or imported at this moment, or was imported already."""

    code = "import_busy"
    message = N_("This import is under way or done already. Upload the file again to start anew.")


class ImportNotCheckedException(Conflict):
    """Nothing is imported before it was checked with the same choices, or when no line is fine."""

    code = "import_not_checked"
    message = N_("Please check the file first; at least one line has to be fine.")


class ImportFileGoneException(Gone):
    """The file was removed: after the import, seven days after the upload, or because somebody was erased whom it may name."""

    code = "import_file_gone"
    message = N_("The file of this import was removed. Please upload it again.")


class LineProblem(enum.StrEnum):
    """What is wrong with a line; the values are stored and part of the API."""

    UNREADABLE = "unreadable"
    TOO_MANY_CELLS = "too_many_cells"
    CHARACTERS = "characters"
    EMAIL_MISSING = "email_missing"
    EMAIL_INVALID = "email_invalid"
    EMAIL_REPEATED = "email_repeated"
    NAME_MISSING = "name_missing"
    NAME_INVALID = "name_invalid"
    NUMBER_INVALID = "number_invalid"
    NUMBER_NEGATIVE = "number_negative"
    NUMBER_TOO_LARGE = "number_too_large"
    NO_POINTS = "no_points"
    NO_STAMPS = "no_stamps"
    STORE_UNKNOWN = "store_unknown"
    CARD_NUMBER_INVALID = "card_number_invalid"
    CARD_NUMBER_REPEATED = "card_number_repeated"
    CARD_NUMBER_TAKEN = "card_number_taken"
    CARD_UNUSABLE = "card_unusable"
    WAS_ERASED = "was_erased"
    PHONE_INVALID = "phone_invalid"
    BIRTH_DATE_INVALID = "birth_date_invalid"
    DATE_INVALID = "date_invalid"
    DATE_IN_FUTURE = "date_in_future"
    ANSWER_UNCLEAR = "answer_unclear"

    @property
    def is_harmless(self) -> bool:
        """Whether the line is imported all the same, without the cell."""
        return self in _HARMLESS


_HARMLESS = frozenset(
    {
        LineProblem.PHONE_INVALID, LineProblem.BIRTH_DATE_INVALID, LineProblem.DATE_INVALID, LineProblem.DATE_IN_FUTURE,
        LineProblem.ANSWER_UNCLEAR,
    }
)  # fmt: skip

SENTENCES: Mapping[LineProblem, str] = {
    LineProblem.UNREADABLE: N_("The quotation marks of this line do not fit together."),
    LineProblem.TOO_MANY_CELLS: N_("This line has more cells than the header."),
    LineProblem.CHARACTERS: N_("This cell has characters that cannot be read. Please check the encoding of the file."),
    LineProblem.EMAIL_MISSING: N_("There is no e-mail address. People are recognised by it."),
    LineProblem.EMAIL_INVALID: N_("This is not a complete e-mail address."),
    LineProblem.EMAIL_REPEATED: N_("This e-mail address is on an earlier line of the file."),
    LineProblem.NAME_MISSING: N_("There is no name."),
    LineProblem.NAME_INVALID: N_("This name is too long or has characters that cannot be shown."),
    LineProblem.NUMBER_INVALID: N_("This is not a whole number."),
    LineProblem.NUMBER_NEGATIVE: N_("This number is negative. Debts cannot be imported."),
    LineProblem.NUMBER_TOO_LARGE: N_("This number is larger than 1,000,000."),
    LineProblem.NO_POINTS: N_("Your program has no points."),
    LineProblem.NO_STAMPS: N_("Your program has no stamps."),
    LineProblem.STORE_UNKNOWN: N_("You have no open store with this code or name."),
    LineProblem.CARD_NUMBER_INVALID: N_("A card number has 4 to 40 letters and digits."),
    LineProblem.CARD_NUMBER_REPEATED: N_("This card number is on an earlier line of the file."),
    LineProblem.CARD_NUMBER_TAKEN: N_("Another person’s card has this number."),
    LineProblem.CARD_UNUSABLE: N_("This person’s card is switched off or full: nothing can be added to it."),
    LineProblem.WAS_ERASED: N_("This person asked to be erased within the last 12 months. They can enroll again themselves."),
    LineProblem.PHONE_INVALID: N_("This is not a phone number; it is left out."),
    LineProblem.BIRTH_DATE_INVALID: N_("This cannot be a birthday; it is left out."),
    LineProblem.DATE_INVALID: N_("This date cannot be read; it is left out."),
    LineProblem.DATE_IN_FUTURE: N_("This date lies in the future; it is left out."),
    LineProblem.ANSWER_UNCLEAR: N_("This is neither yes nor no: no consent is noted."),
}


@dataclasses.dataclass(frozen=True, slots=True)
class LineNote:
    """What is wrong where: the number of the line in the file, the field (empty: the whole line), and what it is."""

    line: int
    field: str
    problem: LineProblem
