"""Files that somebody picked as an export of a chat: single ones, or the archive as Slack hands it out."""

import re
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Protocol

from raglan.chat.exported import lists_people, names_in
from raglan.core.decode import clean_text
from raglan.core.errors import BadInput

MOST_BYTES = 24 << 20  # of all files, unpacked
MOST_FILES = 2_000
PEOPLE = "users.json"
NO_CHANNELS = "is for the archive of an export (.zip) that holds several; here is none, so leave it out"
DAY = re.compile(r"\d{4}-\d\d-\d\d\.json")  # as Slack names them, in a folder for each channel


class File(Protocol):
    """A file that is open for reading, as a form or a command hands it over."""

    @property
    def name(self) -> str | None:
        """What it is called."""
        ...

    @property
    def size(self) -> int | None:
        """How many bytes it holds."""
        ...

    def read(self, size: int = ..., /) -> bytes:
        """Return that many bytes, or all that are left."""
        ...

    def seek(self, to: int, whence: int = ..., /) -> int:
        """Go to a place in it."""
        ...

    def seekable(self) -> bool:
        """Tell whether seek() is of any use."""
        ...

    def tell(self) -> int:
        """Return the place."""
        ...


@dataclass(frozen=True, slots=True)
class Picked:
    """The files of one chat, each with its name, and who is who where one of them says so."""

    files: list[tuple[str, str]]
    names: dict[str, str]


def picked(uploads: Sequence[File], channel: str = "", *, most: int = MOST_BYTES) -> Picked:
    """Read what was picked, at most that many bytes. Of an archive with several channels one has to be named.

    A channel that is named where nothing holds channels is refused rather than passed over. Raises BadInput.
    """
    files, names, room = list[tuple[str, str]](), dict[str, str](), _Room(most)
    if channel.strip() and not any(zipfile.is_zipfile(upload) for upload in uploads):
        raise BadInput("channel", NO_CHANNELS, status=422)
    for upload in uploads:
        for name, text in _texts(upload, channel, room):
            if lists_people(text):
                names |= names_in(text)
            else:
                files.append((name, text))
    if not files:
        raise BadInput("picked", "hold no messages", status=422)
    return Picked(files, names)


class _Room:
    """How many bytes may still be read."""

    def __init__(self, most: int) -> None:
        self.most = self.left = most

    def take(self, size: int) -> None:
        self.left -= size
        if self.left < 0:
            raise BadInput("picked", f"are larger than {self.most >> 20} MiB; bring some in first", status=422)


def _texts(upload: File, channel: str, room: _Room) -> Iterator[tuple[str, str]]:
    name = clean_text(upload.name or "file")[:120]
    if not zipfile.is_zipfile(upload):
        upload.seek(0)
        room.take(upload.size or 0)
        yield name, _text(name, upload.read())
        return
    try:
        with zipfile.ZipFile(upload) as archive:
            yield from _of_archive(name, archive, channel, room)
    except (zlib.error, zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError, OSError, ValueError):
        raise BadInput("picked", f"“{name}” is damaged or can not be unpacked here", status=422) from None


def _of_archive(name: str, archive: zipfile.ZipFile, channel: str, room: _Room) -> Iterator[tuple[str, str]]:
    """Read the days of one channel, and who is who. A file says how large it is; no more than that is read."""
    found = [one for one in archive.infolist() if one.filename.endswith((".json", ".txt", ".log"))]
    people = [one for one in found if PurePosixPath(one.filename).name == PEOPLE]
    days = [one for one in found if "/" in one.filename and DAY.fullmatch(PurePosixPath(one.filename).name)]
    wanted = channel.strip().removeprefix("#")
    channels = sorted({PurePosixPath(one.filename).parent.name for one in days})
    if wanted and not channels:
        raise BadInput(
            "channel", f"is for an archive with a folder for each; {name} has none, so leave it out", status=422
        )
    if wanted and wanted not in channels:
        raise BadInput("channel", f"is not in {name}, which holds {_some(channels)}", status=422)
    if len(channels) > 1 and not wanted:
        raise BadInput("channel", f"say which one: {name} holds {_some(channels)}", status=422)
    chosen = [one for one in days if not wanted or PurePosixPath(one.filename).parent.name == wanted]
    rest = [] if channels else [one for one in found if one not in people and not one.filename.startswith("__MACOSX/")]
    if len(chosen) + len(rest) > MOST_FILES:
        raise BadInput("picked", f"are more than {MOST_FILES:,}; bring some in first", status=422)
    for one in [*people[:1], *sorted([*chosen, *rest], key=lambda one: one.filename)]:
        room.take(one.file_size)
        with archive.open(one) as file:
            content = file.read(one.file_size + 1)
        yield clean_text(one.filename)[-120:], _text(one.filename[-120:], content)


def _some(names: Sequence[str]) -> str:
    shown = ", ".join(clean_text(name)[:60] for name in names[:12])
    return f"{shown} and {len(names) - 12} more" if len(names) > 12 else shown


def _text(name: str, content: bytes) -> str:
    """Return a text in the encodings that exports have. Raises BadInput."""
    wide = content[:2] in (b"\xff\xfe", b"\xfe\xff")
    try:
        return clean_text(content.decode("utf-16" if wide else "utf-8-sig"))
    except UnicodeDecodeError:
        raise BadInput("picked", f"“{name}” is no text in UTF-8", status=422) from None
