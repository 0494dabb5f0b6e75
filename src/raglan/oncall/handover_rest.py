"""REST of the hand-over of a shift."""

from datetime import datetime
from typing import Annotated

from django.http import HttpRequest
from pydantic import AfterValidator, StringConstraints

from raglan.core.decode import clean_text
from raglan.core.rest import Router, Schema
from raglan.core.schema import Body, Slug
from raglan.oncall import handover, queries
from raglan.oncall.calendar_rest import keeper
from raglan.oncall.models import Schedule
from raglan.oncall.ports import handover_lines

router = Router(tags=["on call"])
Words = Annotated[str, StringConstraints(max_length=handover.MAX_TEXT), AfterValidator(clean_text)]


class NoteIn(Body):
    """What the next one should know; the empty text takes it back."""

    text: Words


class NoteOut(Schema):
    """A note of somebody who was on call; without `given_at` it waits for the next one."""

    author_id: int
    author: str
    text: str
    written_at: datetime
    given_at: datetime | None


class HandoverOut(Schema):
    """What is open for a schedule now, one line each, and the notes of the last two weeks."""

    open: list[str]
    notes: list[NoteOut]


@router.get(
    "/schedules/{slug}/handover", response=HandoverOut, operation_id="get_handover", summary="What is handed over"
)
def get_handover(request: HttpRequest, slug: Slug) -> HandoverOut:
    """Return what is open now, and the notes for whoever comes."""
    return _handover(queries.schedule(slug))


@router.put(
    "/schedules/{slug}/handover", response=HandoverOut, operation_id="write_handover", summary="Write for the next one"
)
def write_handover(request: HttpRequest, slug: Slug, data: NoteIn) -> HandoverOut:
    """Keep what the next one should know; it is given when the shift changes. Only whoever is on call now writes it."""
    schedule = queries.schedule(slug)
    handover.write_note(schedule, data.text, by=keeper(request))
    return _handover(schedule)


def _handover(schedule: Schedule) -> HandoverOut:
    notes = [
        NoteOut(
            author_id=note.author.pk,
            author=note.author.name,
            text=note.text,
            written_at=note.written_at,
            given_at=note.given_at,
        )
        for note in handover.latest(schedule)
    ]
    return HandoverOut(open=handover_lines(schedule), notes=notes)
