"""Files of other systems: what is a table, in which encoding, divided by what, into which rows (G8; case 44's hostile files)."""

import codecs
import itertools

import pytest

from app.modules.loyalty.domain.import_columns import Field, columns_problem, guess_columns
from app.modules.loyalty.domain.import_problems import ImportFileException, ImportFileProblem
from app.modules.loyalty.domain.import_text import MAX_LINES, Delimiter, Encoding, Intake, Record, RecordReader, guess_delimiter

TABLE = "email,first_name\nanna@example.lu,Anna\n"


def look_at(content: bytes, *, part: int = 1000) -> Encoding:
    intake = Intake()
    for first in range(0, len(content), part):
        intake.feed(content[first : first + part])
    return intake.finish()


def rows(content: bytes, *, encoding: Encoding = Encoding.UTF_8, delimiter: Delimiter = Delimiter.COMMA, part: int = 7) -> list[Record]:
    reader = RecordReader(encoding, delimiter)
    parts = [content[first : first + part] for first in range(0, len(content), part)]
    return [*itertools.chain.from_iterable(reader.feed(item) for item in parts), *reader.feed(b"", is_last=True)]


@pytest.mark.parametrize(
    ("content", "encoding"),
    [
        (TABLE.encode(), Encoding.UTF_8),
        (codecs.BOM_UTF8 + TABLE.encode(), Encoding.UTF_8),
        ("nom;prénom\n".encode() * 300, Encoding.UTF_8),
        ("nom;prénom\n".encode("cp1252"), Encoding.WINDOWS_1252),
        (codecs.BOM_UTF16_LE + TABLE.encode("utf-16-le"), Encoding.UTF_16_LE),
        (codecs.BOM_UTF16_BE + TABLE.encode("utf-16-be"), Encoding.UTF_16_BE),
        (TABLE.encode("utf-16-le"), Encoding.UTF_16_LE),
        (TABLE.encode("utf-16-be"), Encoding.UTF_16_BE),
    ],
)
def test_the_encoding_is_found(content: bytes, encoding: Encoding) -> None:
    assert look_at(content) is encoding
    assert look_at(content, part=129) is encoding


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"", ImportFileProblem.EMPTY),
        (b"\xef\xbb\xbf\r\n;;\r\n", ImportFileProblem.EMPTY),
        (b"PK\x03\x04rest of a workbook", ImportFileProblem.NO_TABLE),
        (b"\xd0\xcf\x11\xe0old workbook", ImportFileProblem.NO_TABLE),
        (b"%PDF-1.7", ImportFileProblem.NO_TABLE),
        (b"email,name\na@b.lu,An\x00na\n", ImportFileProblem.NO_TABLE),
        (b"a," * 1_000_000 + b"\n", ImportFileProblem.LINE_TOO_LONG),
        (b"email\n" + b"x" * 10_000_000, ImportFileProblem.LINE_TOO_LONG),
        (b"a\n" * (MAX_LINES + 2), ImportFileProblem.TOO_MANY_LINES),
        (b"0123456789abcde\n" * 700_000, ImportFileProblem.TOO_MANY_LINES),
        ((b"x" * 1_000 + b"\n") * 10_480, ImportFileProblem.TOO_LARGE),
    ],
)
def test_what_is_no_table_is_refused_while_it_arrives(content: bytes, problem: ImportFileProblem) -> None:
    with pytest.raises(ImportFileException) as refused:
        look_at(content, part=64_000)
    assert refused.value.fields == {"file": problem.value}


@pytest.mark.parametrize(
    ("start", "delimiter"),
    [
        ("a,b\n1,2\n", Delimiter.COMMA),
        ("a;b;c\n1;2,5;3\n1;2,5;3\n", Delimiter.SEMICOLON),
        ("a\tb\n1,5\t2,5\n", Delimiter.TAB),
        ("sep=;\na;b,c\n", Delimiter.SEMICOLON),
        ('"Weber, Anna";a@b.lu\n"Klein, Jos";c@d.lu\n', Delimiter.SEMICOLON),
        ("email\na@b.lu\n", Delimiter.COMMA),
    ],
)
def test_the_delimiter_is_found(start: str, delimiter: Delimiter) -> None:
    assert guess_delimiter(start) is delimiter


@pytest.mark.parametrize("part", [1, 2, 3, 5, 1000])
def test_rows_are_the_same_however_the_file_is_cut(part: int) -> None:
    content = '\ufeffsep=,\r\nname,mail\r\n\r\n"Weber, ""Anni""",é\r\n"two\r\nlines",x\ny,z\rlast,row'.encode()
    assert rows(content, part=part) == [
        Record(2, ["name", "mail"]),
        Record(4, ['Weber, "Anni"', "é"]),
        Record(5, ["two\r\nlines", "x"]),
        Record(7, ["y", "z"]),
        Record(8, ["last", "row"]),
    ]


def test_wide_characters_are_put_together_across_parts() -> None:
    content = codecs.BOM_UTF16_LE + "nom;ville\nZoë;Esch\n".encode("utf-16-le")
    expected = [Record(1, ["nom", "ville"]), Record(2, ["Zoë", "Esch"])]
    assert rows(content, encoding=Encoding.UTF_16_LE, delimiter=Delimiter.SEMICOLON, part=3) == expected


def test_a_quotation_mark_that_nobody_closed_costs_its_own_line_only() -> None:
    content = 'a,b\n"open,1\n' + "".join(f"x{number},y\n" for number in range(40)) + '"z"w,1\nlast,1\n'
    found = rows(content.encode(), part=1000)
    assert [record.line for record in found if record.cells is None] == [2, 43]
    assert [record.cells for record in found if record.cells is not None] == [
        ["a", "b"], *([f"x{number}", "y"] for number in range(40)), ["last", "1"],
    ]  # fmt: skip


SAID = "first_name last_name email phone birth_date language points stamps card_number store"


@pytest.mark.parametrize(
    ("header", "fields"),
    [
        ("email,first_name,last_name,phone,birth_date,points", "email first_name last_name phone birth_date points"),
        ("Prénom,Nom,Adresse e-mail,Téléphone,Date de naissance,Langue,Solde de points,Tampons,N° carte,Magasin", SAID),
        ("Vorname,Nachname,E-Mail-Adresse,Telefonnummer,Geburtsdatum,Sprache,Punktestand,Stempel,Kartennummer,Filiale", SAID),
        ("Virnumm,Familljennumm,E-Mail,Handy,Gebuertsdag,Sprooch,Punkten,Stempel,Kaart,Geschäft", SAID),
        # Shopify, Loyverse, Mailchimp
        ("Customer ID,First Name,Last Name,Email,Accepts Email Marketing", "card_number first_name last_name email marketing"),
        ("Customer name,Email,Customer code,Points balance,Last visit", "full_name email card_number points last_visit_at"),
        ("Email Address,FNAME,LNAME", "email first_name last_name"),
        ("Nom,Courriel", "full_name email"),
        ("email,e-mail,Mystery", "email"),
    ],
)
def test_columns_are_guessed_by_their_names(header: str, fields: str) -> None:
    found = guess_columns(header.split(","))
    assert sorted(found, key=found.__getitem__) == fields.split()
    assert sorted(found.values()) == list(range(len(found)))


@pytest.mark.parametrize(
    ("columns", "is_fine"),
    [
        ({Field.EMAIL: 0, Field.FULL_NAME: 1}, True),
        ({Field.EMAIL: 0}, False),
        ({Field.FIRST_NAME: 0}, False),
        ({Field.EMAIL: 0, Field.FIRST_NAME: 0}, False),
        ({Field.EMAIL: 0, Field.FIRST_NAME: 2}, False),
        ({Field.EMAIL: -1, Field.FIRST_NAME: 1}, False),
    ],
)
def test_a_choice_of_columns_needs_address_and_name(columns: dict[Field, int], is_fine: bool) -> None:
    assert (columns_problem(columns, 2) is None) is is_fine
