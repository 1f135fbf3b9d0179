"""Pictures for tests, made from the formats' own parts: PNGs that a browser shows, frames of the other kinds."""

import base64
import struct
import zlib


def png_chunk(kind: bytes, content: bytes) -> bytes:
    """Return one chunk of a PNG with its checksum."""
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def make_png(width: int = 48, height: int = 48, colour: tuple[int, int, int] = (200, 40, 60)) -> bytes:
    """Return a picture of one colour."""
    pixels = (b"\x00" + bytes(colour) * width) * height
    parts = (
        png_chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)),
        png_chunk(b"IDAT", zlib.compress(pixels, 9)),
        png_chunk(b"IEND", b""),
    )
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


def make_jpeg(width: int = 48, height: int = 48, *, frame: int = 0xC0) -> bytes:
    """Return the frame of a JPEG: a comment, the start of frame, a scan."""
    comment = b"\xff\xfe" + struct.pack(">H", 8) + b"\xff\xd9 no."
    start = b"\xff" + bytes([frame]) + struct.pack(">HBHHB", 11, 8, height, width, 1) + b"\x01\x11\x00"
    scan = b"\xff\xff\xda" + struct.pack(">H", 8) + b"\x01\x01\x00\x00\x3f\x00" + b"pixels"
    return b"\xff\xd8" + comment + start + scan + b"\xff\xd9"


def make_webp(kind: bytes, width: int = 48, height: int = 48) -> bytes:
    """Return the frame of a WebP of the kind `VP8 ` (lossy), `VP8L` (lossless) or `VP8X` (extended)."""
    if kind == b"VP8 ":
        content = b"\x00\x00\x00\x9d\x01\x2a" + struct.pack("<HH", width, height)
    elif kind == b"VP8L":
        content = b"\x2f" + struct.pack("<I", (width - 1) | (height - 1) << 14) + b"\x00"
    else:
        content = bytes(4) + (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
    body = b"WEBP" + kind + struct.pack("<I", len(content)) + content
    return b"RIFF" + struct.pack("<I", len(body)) + body


def encode(picture: bytes) -> str:
    """Return a picture as the API takes it."""
    return base64.b64encode(picture).decode()
