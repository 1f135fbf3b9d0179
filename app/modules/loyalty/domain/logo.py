"""What may be a logo: a whole PNG, JPEG or WebP picture of bounded size, recognized by its content and nothing else (B1).

Nothing is decoded: the formats' own frames are followed as far as the width and the height. A format that can carry script
(SVG) or that few need is refused, so what is served later can only ever be shown as a picture.
"""

import dataclasses
import enum
import hashlib
import re
import struct
import uuid
import zlib

from app.core.errors import N_
from app.modules.loyalty.errors import ProgramInvalidException

MAX_BYTES = 150_000
MAX_PIXELS = 2_000
PREFIX_BYTES = 16
TOO_LARGE = N_("This picture is too large. Please use one of at most %(kilobytes)s kB.")
TOO_MANY_PIXELS = N_("This picture has too many pixels. Please use one of at most %(pixels)s × %(pixels)s pixels.")
OTHER_KIND = N_("Please choose a picture of the kind PNG, JPEG or WebP.")
UNREADABLE = N_("This picture could not be read. Please save it again as PNG or JPEG and try once more.")
_PNG = b"\x89PNG\r\n\x1a\n"
_JPEG = b"\xff\xd8\xff"
# Start of frame, baseline to lossless; C4, C8 and CC among them mean something else.
_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_START_OF_SCAN = 0xDA
_ALONE = frozenset({0x01, *range(0xD0, 0xD9)})
_NAME = re.compile(r"([0-9a-f]{32})\.(png|jpg|webp)")


class LogoType(enum.StrEnum):
    """Media types that a logo may have."""

    PNG = "image/png"
    JPEG = "image/jpeg"
    WEBP = "image/webp"

    @property
    def suffix(self) -> str:
        """How the name of such a file ends."""
        return {LogoType.PNG: "png", LogoType.JPEG: "jpg", LogoType.WEBP: "webp"}[self]


@dataclasses.dataclass(frozen=True, slots=True)
class Picture:
    """A picture that may be a logo; sizes in pixels."""

    content: bytes
    media_type: LogoType
    width: int
    height: int

    @property
    def sha256(self) -> bytes:
        """The checksum of its content."""
        return hashlib.sha256(self.content).digest()


def read_picture(content: bytes) -> Picture:
    """Return `content` as a picture; ProgramInvalidException says at the field `content` why it may not be a logo."""
    if len(content) > MAX_BYTES:
        raise _refusal(TOO_LARGE, kilobytes=MAX_BYTES // 1000)
    try:
        media_type, width, height = _measure(content)
    except (struct.error, IndexError):
        raise unreadable() from None
    if not (width and height):
        raise unreadable()
    if max(width, height) > MAX_PIXELS:
        raise _refusal(TOO_MANY_PIXELS, pixels=MAX_PIXELS)
    return Picture(content, media_type, width, height)


def unreadable() -> ProgramInvalidException:
    """Return the refusal of what is damaged, or no picture at all."""
    return _refusal(UNREADABLE)


def _refusal(sentence: str, **params: int) -> ProgramInvalidException:
    return ProgramInvalidException(code="logo_invalid", fields={"content": sentence}, params=params)


def address_of(merchant_id: uuid.UUID, picture: Picture) -> str:
    """Return where a merchant's logo is shown: another picture has another address, so that it may be kept for ever."""
    return f"/logos/{merchant_id}/{picture.sha256[:PREFIX_BYTES].hex()}.{picture.media_type.suffix}"


def parse_name(name: str) -> tuple[bytes, str] | None:
    """Return the start of the checksum and the suffix that the last part of an address names, None when it names none."""
    match = _NAME.fullmatch(name)
    return (bytes.fromhex(match[1]), match[2]) if match else None


def _measure(content: bytes) -> tuple[LogoType, int, int]:
    """Return kind, width and height; struct.error or IndexError where the picture ends too early."""
    if content.startswith(_PNG):
        return LogoType.PNG, *_measure_png(content)
    if content.startswith(_JPEG):
        return LogoType.JPEG, *_measure_jpeg(content)
    if content[:4] == b"RIFF" and content[8:12] == b"WEBP":
        return LogoType.WEBP, *_measure_webp(content)
    raise _refusal(OTHER_KIND)


def _measure_png(content: bytes) -> tuple[int, int]:
    """Return the size in IHDR, having seen that every chunk is whole and that the last one is the end (RFC 2083, section 3)."""
    width = height = 0
    has_pixels = False
    place = len(_PNG)
    while True:
        length, kind = struct.unpack_from(">I4s", content, place)
        end = place + 8 + length
        (checksum,) = struct.unpack_from(">I", content, end)
        if zlib.crc32(content[place + 4 : end]) != checksum or (place == len(_PNG)) != (kind == b"IHDR"):
            raise unreadable()
        if kind == b"IHDR":
            width, height = struct.unpack_from(">II", content, place + 8)
        has_pixels = has_pixels or kind == b"IDAT"
        place = end + 4
        if kind == b"IEND":
            break
    if not has_pixels or place != len(content):
        raise unreadable()
    return width, height


def _measure_jpeg(content: bytes) -> tuple[int, int]:
    """Return the size in the start of frame; the pixels must follow it and end (ITU T.81, annex B)."""
    width = height = 0
    place = 2
    while True:
        if content[place] != 0xFF:
            raise unreadable()
        marker = content[place + 1]
        if marker == 0xFF:  # a filling byte
            place += 1
            continue
        if marker in _ALONE:
            place += 2
            continue
        (length,) = struct.unpack_from(">H", content, place + 2)
        if marker in _FRAMES:
            height, width = struct.unpack_from(">HH", content, place + 5)
        place += 2 + max(length, 2)
        if marker == _START_OF_SCAN:
            break
    if content.find(b"\xff\xd9", place) < 0:
        raise unreadable()
    return width, height


def _measure_webp(content: bytes) -> tuple[int, int]:
    """Return the size in the first chunk, which is one of three kinds; the file must be as long as it says (RFC 9649)."""
    total, kind, length = struct.unpack_from("<4xI4x4sI", content)
    if total + 8 != len(content) or 20 + length > len(content):
        raise unreadable()
    if kind == b"VP8 ":
        if content[23:26] != b"\x9d\x01\x2a":
            raise unreadable()
        width, height = struct.unpack_from("<HH", content, 26)
        return width & 0x3FFF, height & 0x3FFF
    if kind == b"VP8L":
        signature, bits = struct.unpack_from("<BI", content, 20)
        if signature != 0x2F:
            raise unreadable()
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    if kind == b"VP8X":
        wide, high = content[24:27], content[27:30]
        if length != 10:
            raise unreadable()
        return int.from_bytes(wide, "little") + 1, int.from_bytes(high, "little") + 1
    raise unreadable()
