"""Pictures and files that hang at entries."""

import hashlib
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

from raglan.core import timeline
from raglan.core.db import atomic
from raglan.core.errors import BadInput, Conflict, NotAllowed
from raglan.incidents import contents, events
from raglan.incidents.actions.presence import room_and_now
from raglan.incidents.models import Attachment, Entry, Incident
from raglan.people.models import Person

MAX_FILE = 5 * 1024 * 1024
MAX_FILES = 8
MAX_NAME = 120


@dataclass(frozen=True, slots=True)
class Upload:
    """A file as somebody sends it."""

    name: str
    data: bytes


@atomic
def attach(entry: Entry, uploads: Sequence[Upload], *, by: Person) -> Entry:
    """Add files to an entry of one's own; the same content hangs at it once.

    Raises NotAllowed, BadInput, Conflict.
    """
    if entry.author_id != by.pk:
        raise NotAllowed("Only whoever wrote an entry can add files to it. Yours can hang at an entry of your own.")
    if entry.incident.state != Incident.State.OPEN:
        raise Conflict("This incident is closed. Reopen it to go on writing.")
    hang(entry, uploads, by=by)
    return entry


def hang(entry: Entry, uploads: Sequence[Upload], *, by: Person | None) -> None:
    """Store files at an entry, in its transaction. Raises BadInput."""
    held = entry.attachments.count()
    for upload in uploads:
        digest = hashlib.sha256(upload.data).hexdigest()
        if entry.attachments.filter(digest=digest).exists():
            continue
        held += 1
        if held > MAX_FILES:
            raise BadInput("files", f"are more than {MAX_FILES} for one entry; write another one", status=422)
        _store(entry, upload, digest, by)


def _store(entry: Entry, upload: Upload, digest: str, by: Person | None) -> None:
    name, content = _name(upload.name), checked(upload)
    attachment = Attachment.objects.create(
        entry=entry,
        name=name,
        content_type=content.kind,
        size=len(upload.data),
        width=content.width,
        height=content.height,
        digest=digest,
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
        digest=digest,
    )
    timeline.append(added, actor=by or timeline.SYSTEM, about=room_and_now(entry.incident, entry))


def checked(upload: Upload) -> contents.Content:
    """Return what a file is by its content. Raises BadInput when it is empty, too large or not what its name says."""
    if not upload.data:
        raise BadInput("files", f"{_name(upload.name)} is empty", status=422)
    if len(upload.data) > MAX_FILE:
        raise BadInput("files", f"{_name(upload.name)} is larger than {MAX_FILE >> 20} MiB", status=422)
    content = contents.look(upload.data)
    if upload.name.lower().endswith(contents.PICTURE_NAMES) and content.kind not in contents.PICTURES:
        raise BadInput("files", f"{_name(upload.name)} is no picture, whatever its name says", status=422)
    return content


def _name(name: str) -> str:
    """Return a name without folders and without characters that nobody sees or that turn the line round."""
    last = name.replace("\\", "/").rpartition("/")[2]
    seen = "".join(letter for letter in last if not unicodedata.category(letter).startswith("C")).strip(". ")
    stem, dot, ending = seen.rpartition(".")
    if len(seen) > MAX_NAME and dot and len(ending) < 10:
        return f"{stem[: MAX_NAME - len(ending) - 1]}.{ending}"
    return seen[:MAX_NAME] or "file"
