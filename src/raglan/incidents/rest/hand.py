"""REST of hand changes."""

from datetime import datetime
from typing import Annotated, Literal

from django.http import HttpRequest
from ninja import Status
from pydantic import Field

from raglan.core.rest import Router, Schema
from raglan.core.schema import Body, Cursor, Line, ShortText
from raglan.incidents import hand, queries
from raglan.incidents.models import Incident
from raglan.people.rest.caller import responder

router = Router()


class HandChangeIn(Body):
    """What was changed by hand: on which host (or role, or cluster), what of it, and what was done."""

    place: Annotated[Line, Field(max_length=hand.MOST_PLACE)]
    thing: Line
    words: Line
    scope: Literal["", "host", "role", "cluster"] = ""
    key: Annotated[str, Field(max_length=64, pattern=r"^[A-Za-z0-9_.:-]*$")] = ""


class HandEndIn(Body):
    """What became of it."""

    state: Literal["kept", "taken_back", "undone"]
    words: ShortText = ""


class HandTouchOut(Schema):
    """A run that reached for it on a host, or would have."""

    host: str
    is_rehearsal: bool
    words: str
    at: datetime


class HandChangeOut(Schema):
    """A hand change; `state` is open, kept, taken_back or undone."""

    id: int
    incident_id: int
    scope: str
    place: str
    thing: str
    words: str
    by: str
    at: datetime
    state: str
    ended_at: datetime | None
    ended_words: str
    next_run: datetime | None
    is_known: bool
    touches: list[HandTouchOut]


@router.get(
    "/incidents/{incident_id}/hand-changes",
    response=list[HandChangeOut],
    operation_id="list_hand_changes",
    summary="What was changed by hand",
)
def list_hand_changes(request: HttpRequest, incident_id: Cursor) -> list[HandChangeOut]:
    """Return what was changed by hand in an incident, what stands first."""
    return [_out(one) for one in hand.seen(hand.hand_changes(queries.incident(incident_id))[:200])]


@router.post(
    "/incidents/{incident_id}/hand-changes",
    response={201: HandChangeOut},
    operation_id="tell_hand_change",
    summary="Tell what was changed by hand",
)
def tell_hand_change(request: HttpRequest, incident_id: Cursor, data: HandChangeIn) -> Status[HandChangeOut]:
    """Keep it, and say it in the room. The next run that reaches for it warns there."""
    by, incident = responder(request), queries.incident(incident_id)
    told = hand.tell(incident, hand.Told(data.place, data.thing, data.words, data.scope, data.key), by=by)
    return Status(201, _one(told.incident, told.pk))


@router.post(
    "/incidents/{incident_id}/hand-changes/{hand_id}/end",
    response=HandChangeOut,
    operation_id="end_hand_change",
    summary="Say what became of it",
)
def end_hand_change(request: HttpRequest, incident_id: Cursor, hand_id: Cursor, data: HandEndIn) -> HandChangeOut:
    """Say that it is in the automation now, was taken back by hand, or was undone by automation."""
    by, incident = responder(request), queries.incident(incident_id)
    hand.end(hand.hand_change(incident, hand_id), data.state, data.words, by=by)
    return _one(incident, hand_id)


def _one(incident: Incident, hand_id: int) -> HandChangeOut:
    """Return one of a room; what was told to a room that was merged is in the other one."""
    return _out(hand.seen(hand.hand_changes(incident).filter(pk=hand_id))[0])


def _out(seen: hand.Seen) -> HandChangeOut:
    one = seen.hand
    return HandChangeOut(
        id=one.pk,
        incident_id=one.incident_id,
        scope=one.scope,
        place=one.place,
        thing=one.thing,
        words=one.words,
        by=one.by.name,
        at=one.at,
        state=one.state,
        ended_at=one.ended_at,
        ended_words=one.ended_words,
        next_run=seen.next_run,
        is_known=seen.is_known,
        touches=[
            HandTouchOut(host=touch.host.name, is_rehearsal=touch.is_rehearsal, words=touch.words, at=touch.at)
            for touch in seen.touches[:200]
        ],
    )
