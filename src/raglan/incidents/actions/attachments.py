"""Pictures and files that hang at entries."""

import hashlib
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, field

from django.db.models import Sum

from raglan.config import config
from raglan.core import disk, timeline
from raglan.core.db import atomic, take_turn
from raglan.core.errors import BadInput, NotAllowed
from raglan.incidents import contents, events
from raglan.incidents.actions.holding import open_room
from raglan.incidents.actions.presence import room_and_now
from raglan.incidents.models import Attachment, Entry, Incident
from raglan.people.models import Person

MAX_FILE = 5 * 1024 * 1024
MAX_FILES = 8
MAX_NAME = 120
MAX_INCIDENT = 200 * 1024 * 1024


class NoRoom(BadInput):
    """There is no room for a file: nothing of what came with it is stored."""

    code = "no_room"

    def __init__(self, why: str) -> None:
        super().__init__("files", f"There is no room for this: {why}", status=507)


@dataclass(frozen=True, slots=True)
class Upload:
    """A file as somebody sends it. What it is stands when it is made, before any transaction: nobody waits for that."""

    name: str
    data: bytes
    digest: str = field(init=False)
    content: contents.Content = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "digest", hashlib.sha256(self.data).hexdigest())
        object.__setattr__(self, "content", contents.look(self.data))


@atomic
def attach(entry: Entry, uploads: Sequence[Upload], *, by: Person) -> Entry:
    """Add files to an entry of one's own; the same content hangs at it once.

    Raises NotAllowed, BadInput, NoRoom, Conflict.
    """
    if entry.author_id != by.pk:
        raise NotAllowed("Only whoever wrote an entry can add files to it. Yours can hang at an entry of your own.")
    open_room(entry.incident)
    hang(entry, uploads, by=by)
    return entry


def hang(entry: Entry, uploads: Sequence[Upload], *, by: Person | None) -> None:
    """Store files at an entry, in its transaction. Raises BadInput, NoRoom."""
    if not uploads:
        return
    held = set(entry.attachments.values_list("digest", flat=True))
    fresh: dict[str, Upload] = {}
    for upload in uploads:
        if upload.digest not in held:
            fresh.setdefault(upload.digest, upload)
    if len(held) + len(fresh) > MAX_FILES:
        raise BadInput("files", f"are more than {MAX_FILES} for one entry; write another one", status=422)
    for upload in fresh.values():
        _check(upload)
    if fresh:
        _find_room(entry.incident, sum(len(upload.data) for upload in fresh.values()))
    for upload in fresh.values():
        _store(entry, upload, by)


def _find_room(incident: Incident, more: int) -> None:
    """See to it that so many bytes more may be stored. Raises NoRoom."""
    if disk.is_short(more):
        raise NoRoom("the disk of raglan is nearly full. Words are still taken; put the file elsewhere and link it.")
    take_turn("attachments")
    all_of_them = Attachment.objects.all()
    for whose, files, most in (
        ("this incident", all_of_them.filter(entry__incident=incident), MAX_INCIDENT),
        ("all incidents", all_of_them, config().files_mb * disk.MIB),
    ):
        held = files.aggregate(bytes=Sum("size"))["bytes"] or 0
        if held + more > most:
            raise NoRoom(
                f"the files of {whose} may have {most / disk.MIB:,.0f} MiB, and have {held / disk.MIB:,.1f}. "
                "Put the file elsewhere and link it."
            )


def _store(entry: Entry, upload: Upload, by: Person | None) -> None:
    name, content = _name(upload.name), upload.content
    attachment = Attachment.objects.create(
        entry=entry,
        name=name,
        content_type=content.kind,
        size=len(upload.data),
        width=content.width,
        height=content.height,
        digest=upload.digest,
        data=upload.data,
    )
    added = events.FileAttached(
        attachment=attachment.pk,
        entry=entry.pk,
        name=name,
        content_type=content.kind,
        size=attachment.size,
        width=content.width,
        height=content.height,
        digest=upload.digest,
    )
    timeline.append(added, actor=by or timeline.SYSTEM, about=room_and_now(entry.incident, entry))


def _check(upload: Upload) -> None:
    """Raise BadInput when a file is empty, too large or not what its name says."""
    if not upload.data:
        raise BadInput("files", f"{_name(upload.name)} is empty", status=422)
    if len(upload.data) > MAX_FILE:
        raise BadInput("files", f"{_name(upload.name)} is larger than {MAX_FILE >> 20} MiB", status=422)
    if upload.name.lower().endswith(contents.PICTURE_NAMES) and upload.content.kind not in contents.PICTURES:
        raise BadInput("files", f"{_name(upload.name)} is no picture, whatever its name says", status=422)


def _name(name: str) -> str:
    """Return a name without folders and without characters that nobody sees or that turn the line round."""
    last = name.replace("\\", "/").rpartition("/")[2]
    seen = "".join(letter for letter in last if not unicodedata.category(letter).startswith("C")).strip(". ")
    stem, dot, ending = seen.rpartition(".")
    if len(seen) > MAX_NAME and dot and len(ending) < 10:
        return f"{stem[: MAX_NAME - len(ending) - 1]}.{ending}"
    return seen[:MAX_NAME] or "file"
