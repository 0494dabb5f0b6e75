"""What a file is, told by its content and never by its name."""

import struct
from dataclasses import dataclass

PNG, JPEG, GIF, WEBP = "image/png", "image/jpeg", "image/gif", "image/webp"
PICTURES = frozenset((PNG, JPEG, GIF, WEBP))
PICTURE_NAMES = (".png", ".jpg", ".jpeg", ".gif", ".webp")
TEXT, OTHER = "text/plain", "application/octet-stream"
STARTS = {b"%PDF-": "application/pdf", b"\x1f\x8b": "application/gzip", b"PK\x03\x04": "application/zip"}
CONTROLS = bytes(set(range(32)) - {8, 9, 10, 12, 13, 27})  # all but what a log may hold: tabs, ends of lines, colours
FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}


@dataclass(frozen=True, slots=True)
class Content:
    """A kind of content, and how large a picture is."""

    kind: str
    width: int = 0
    height: int = 0


def look(data: bytes) -> Content:
    """Say what some bytes are. A picture counts as one only where its size can be read."""
    size = _size(data)
    if size is not None:
        return size
    kind = next((kind for start, kind in STARTS.items() if data.startswith(start)), None)
    return Content(kind or (TEXT if _is_text(data) else OTHER))


def _size(data: bytes) -> Content | None:
    try:
        if data.startswith(b"\x89PNG\r\n\x1a\n") and data[12:16] == b"IHDR":
            return Content(PNG, *struct.unpack(">II", data[16:24]))
        if data.startswith((b"GIF87a", b"GIF89a")):
            return Content(GIF, *struct.unpack("<HH", data[6:10]))
        if data.startswith(b"RIFF") and data[8:12] == b"WEBP":
            return _webp(data)
        return _jpeg(data) if data.startswith(b"\xff\xd8\xff") else None
    except (struct.error, IndexError):
        return None


def _webp(data: bytes) -> Content | None:
    match data[12:16]:
        case b"VP8X":
            width, height = (int.from_bytes(data[place : place + 3], "little") + 1 for place in (24, 27))
        case b"VP8L":
            bits = struct.unpack("<I", data[21:25])[0]
            width, height = (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
        case b"VP8 ":
            width, height = (side & 0x3FFF for side in struct.unpack("<HH", data[26:30]))
        case _:
            return None
    return Content(WEBP, width, height)


def _jpeg(data: bytes) -> Content | None:
    """Step over the parts of a JPEG up to the one that says how large it is."""
    place = 2
    while place < len(data) and data[place] == 0xFF:
        mark, length = struct.unpack(">BH", data[place + 1 : place + 4])
        if mark in FRAMES:
            height, width = struct.unpack(">HH", data[place + 5 : place + 9])
            return Content(JPEG, width, height)
        place += 2 + length
    return None


def _is_text(data: bytes) -> bool:
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return len(data.translate(None, CONTROLS)) == len(data)
