"""What waits to come into a timeline: the lines of a chat from elsewhere, in parts of so many as one step brings in."""

import json
from collections.abc import Sequence
from datetime import datetime

from raglan.chat.exported import Export, Told
from raglan.chat.models import ChatImport, ImportPart
from raglan.core.clock import now
from raglan.core.db import atomic
from raglan.incidents.models import Incident
from raglan.people.models import Person

AT_ONCE = 50


@atomic
def keep(export: Export, *, by: Person, incident: Incident | None, past: dict[str, object] | None = None) -> ChatImport:
    """Keep what an export holds, until begin() lets it come in."""
    lines = export.lines
    made = ChatImport.objects.create(
        incident=incident,
        by=by,
        platform=export.kind[:60],
        total=len(lines),
        problems=export.problems,
        past=past,
        first_at=lines[0].at,
        last_at=lines[-1].at,
        made_at=now(),
    )
    keep_more(made, lines)
    return made


def keep_more(chat_import: ChatImport, lines: Sequence[Told]) -> None:
    """Let lines wait behind those that wait already."""
    last = chat_import.parts.order_by("-number").values_list("number", flat=True).first() or 0
    parts = (lines[start : start + AT_ONCE] for start in range(0, len(lines), AT_ONCE))
    ImportPart.objects.bulk_create(
        (
            ImportPart(chat_import=chat_import, number=number, lines=json.dumps([line.as_json() for line in some]))
            for number, some in enumerate(parts, last + 1)
        ),
        batch_size=100,
    )


def told_in(part: ImportPart) -> list[Told]:
    """Return the lines of a part."""
    return [
        Told(one["id"], datetime.fromisoformat(one["at"]), one["author"], one["text"]) for one in json.loads(part.lines)
    ]
