"""What may be a logo: three kinds of pictures, whole and of bounded size, recognized by their content."""

import hashlib
import uuid

import pytest

from app.modules.loyalty.domain.logo import MAX_BYTES, LogoType, address_of, parse_name, read_picture
from app.modules.loyalty.errors import ProgramInvalidException
from app.modules.loyalty.tests.pictures import make_jpeg, make_png, make_webp, png_chunk

OTHER_KIND = "Please choose a picture of the kind PNG, JPEG or WebP."
UNREADABLE = "This picture could not be read. Please save it again as PNG or JPEG and try once more."
PIXELS = "This picture has too many pixels. Please use one of at most %(pixels)s × %(pixels)s pixels."
SVG = b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'
GIF = b"GIF89a\x01\x00\x01\x00\x00\x00\x00;"


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (make_png(300, 200), LogoType.PNG),
        (make_jpeg(300, 200), LogoType.JPEG),
        (make_jpeg(300, 200, frame=0xC2), LogoType.JPEG),
        (make_webp(b"VP8 ", 300, 200), LogoType.WEBP),
        (make_webp(b"VP8L", 300, 200), LogoType.WEBP),
        (make_webp(b"VP8X", 300, 200), LogoType.WEBP),
    ],
)
def test_kind_and_size_are_read_from_the_content(content: bytes, kind: LogoType) -> None:
    picture = read_picture(content)
    assert (picture.media_type, picture.width, picture.height, picture.content) == (kind, 300, 200, content)


@pytest.mark.parametrize("make", [make_png, make_jpeg, lambda w, h: make_webp(b"VP8X", w, h), lambda w, h: make_webp(b"VP8L", w, h)])
def test_two_thousand_pixels_are_the_most_on_each_side(make: "object") -> None:
    assert callable(make)
    assert read_picture(make(2_000, 1)).width == 2_000
    for size in ((2_001, 1), (1, 2_001)):
        with pytest.raises(ProgramInvalidException) as refused:
            read_picture(make(*size))
        assert (refused.value.fields, refused.value.params) == ({"content": PIXELS}, {"pixels": 2_000})


def padded_png(size: int) -> bytes:
    """Return a PNG of exactly `size` bytes: a chunk that readers skip fills it."""
    plain = make_png()
    return plain[:-12] + png_chunk(b"teXt", b"x" * (size - len(plain) - 12)) + plain[-12:]


def test_the_size_in_bytes_is_bounded() -> None:
    assert len(padded_png(MAX_BYTES)) == MAX_BYTES
    assert read_picture(padded_png(MAX_BYTES)).width == 48
    with pytest.raises(ProgramInvalidException) as refused:
        read_picture(padded_png(MAX_BYTES + 1))
    assert (refused.value.error_code, refused.value.params) == ("logo_invalid", {"kilobytes": 150})


@pytest.mark.parametrize("content", [b"", b"x", SVG, GIF, b"BM" + bytes(60), b"%PDF-1.7", b"RIFF\x04\x00\x00\x00WAVE", b" " + make_png()])
def test_other_kinds_are_refused(content: bytes) -> None:
    with pytest.raises(ProgramInvalidException) as refused:
        read_picture(content)
    assert refused.value.fields == {"content": OTHER_KIND}


def flipped(content: bytes, place: int) -> bytes:
    return content[:place] + bytes([content[place] ^ 0xFF]) + content[place + 1 :]


@pytest.mark.parametrize(
    "content",
    [
        make_png() + SVG,
        flipped(make_png(), 20),
        make_png(0, 5),
        make_png()[:8] + make_png()[33:],
        make_png()[:33] + make_png()[-12:],
        make_jpeg(0, 5),
        make_jpeg()[:-2],
        flipped(make_jpeg(), 12),
        make_jpeg(frame=0xC4),
        make_webp(b"VP8L") + b"x",
        flipped(make_webp(b"VP8L"), 20),
        flipped(make_webp(b"VP8 "), 23),
        make_webp(b"VP8 ", 0, 5),
        make_webp(b"VP8X").replace(b"VP8X", b"ICCP"),
        make_webp(b"VP8X").replace(b"VP8X\x0a", b"VP8X\x09"),
    ],
)
def test_damaged_pictures_are_refused(content: bytes) -> None:
    with pytest.raises(ProgramInvalidException) as refused:
        read_picture(content)
    assert refused.value.fields == {"content": UNREADABLE}


@pytest.mark.parametrize("whole", [make_png(), make_jpeg(), make_webp(b"VP8 "), make_webp(b"VP8L"), make_webp(b"VP8X")])
def test_no_beginning_of_a_picture_passes_for_it(whole: bytes) -> None:
    for length in range(len(whole)):
        with pytest.raises(ProgramInvalidException):
            read_picture(whole[:length])


def test_an_address_names_the_content() -> None:
    merchant_id, picture = uuid.uuid4(), read_picture(make_jpeg())
    digest = hashlib.sha256(picture.content).hexdigest()[:32]
    assert address_of(merchant_id, picture) == f"/logos/{merchant_id}/{digest}.jpg"
    assert parse_name(f"{digest}.jpg") == (bytes.fromhex(digest), "jpg")


@pytest.mark.parametrize(
    "name", ["", "a.png", "A" * 32 + ".png", "a" * 32, "a" * 32 + ".svg", "a" * 32 + ".png\n", "a" * 33 + ".png", "..png"]
)
def test_other_names_name_nothing(name: str) -> None:
    assert parse_name(name) is None
