"""REST of pages: by hand, answered, passed on, put off, with more people."""

from collections.abc import Callable
from datetime import datetime
from typing import Annotated, Literal

from django.http import HttpRequest
from ninja import Status
from pydantic import Field

from raglan.core import timeline
from raglan.core.errors import BadInput, NotFound
from raglan.core.rest import Router, Schema
from raglan.core.schema import Body, Cursor, Id, Limit, Line, Slug, Text, When
from raglan.paging import actions, coming, last_resort, queries, returning
from raglan.paging.events import MessageOfLastResort
from raglan.paging.models import ChatCall, Page, Policy, WebhookCall
from raglan.paging.plan import Urgency
from raglan.paging.rooms import page_for, room
from raglan.people.access import Scope, principal, require_scope
from raglan.people.models import Person
from raglan.people.queries import named_team
from raglan.people.rest.caller import responder

router = Router(tags=["paging"])


class NotificationOut(Schema):
    """One attempt. The three facts are kept apart."""

    channel: str
    state: str
    attempts: int
    may_repeat: bool
    error: str
    handed_over_at: datetime | None
    received_at: datetime | None
    confirmed_at: datetime | None


class ReachedOut(Schema):
    """Whom a page reached out to."""

    person_id: int
    person: str
    why: str
    at: datetime
    answer: str
    notifications: list[NotificationOut]


class PageOut(Schema):
    """A page, briefly."""

    id: int
    title: str
    severity: str
    urgency: str
    state: str
    created_at: datetime
    next_step_at: datetime | None
    acknowledged_at: datetime | None
    acknowledged_by: str | None
    snoozed_until: datetime | None
    held_since: datetime | None
    falls_back_at: Annotated[
        datetime | None,
        Field(
            description="When a page that has no policy asks the fallback policy, if nobody answers until then; "
            "null for one that stays in its private room."
        ),
    ] = None
    link: str


class CallOut(Schema):
    """A program or a room in chat that a step tells. Nobody counts as reached by it."""

    type: Literal["webhook", "chat"]
    url: str = ""
    chat_id: int | None = None
    room: str = ""
    round: int
    step: int
    state: str
    attempts: int
    may_repeat: bool
    error: str
    handed_over_at: datetime | None


class PageDetail(PageOut):
    """A page with its whole history."""

    text: str
    next_words: str
    falls_back_to: Annotated[
        list[str],
        Field(
            description="Whom the fallback policy would ask then; empty for a page that has a policy, "
            "and for one that stays in its private room."
        ),
    ] = []
    reached: list[ReachedOut]
    told: list[CallOut] = []
    without_database: list[MessageOfLastResort] = []


class PageIn(Body):
    """A page by hand: by a policy, to a person or to a team. Exactly one of the three.

    Without an urgency it is high; a policy decides by itself.
    """

    title: Line
    text: Text = ""
    policy: Slug | None = None
    person_id: Id | None = None
    team: Slug | None = None
    urgency: Urgency | None = None
    incident_id: Annotated[Id | None, Field(description="An open incident whose room follows the page.")] = None


class SnoozeIn(Body):
    """Until when."""

    until: When


class HandOnIn(Body):
    """To whom."""

    person_id: Id


class AddIn(Body):
    """Who is asked as well."""

    person_ids: Annotated[list[Id], Field(min_length=1, max_length=20)]


@router.get("/pages", response=list[PageOut], operation_id="list_pages", summary="Pages, newest first")
def list_pages(
    request: HttpRequest, state: Literal["", "open", "live", "old", "all"] = "", before: Cursor = 0, limit: Limit = 100
) -> list[PageOut]:
    """Return pages: `open` ones want somebody, `live` ones are not over, `old` ones somebody took long ago.

    `before` is the id to go on from.
    """
    kinds = {"open": queries.open_pages, "live": queries.live_pages, "old": queries.long_ago}
    found = kinds.get(state, queries.pages)()
    found = found.select_related("acknowledged_by").filter(is_test=False)
    return [_page_out(page) for page in (found.filter(pk__lt=before) if before else found)[:limit]]


@router.post("/pages", response={201: PageOut}, operation_id="page", summary="Page somebody by hand")
def page(request: HttpRequest, data: PageIn) -> Status[PageOut]:
    """Page by a policy, a person, or a whole team; the room of an incident, if one is named, follows the page."""
    require_scope(request, Scope.PAGE)
    by = principal(request).person
    words = actions.Words(data.title, data.text)
    if [data.policy, data.person_id, data.team].count(None) != 2:
        raise BadInput("policy", "name exactly one of policy, person_id or team", status=422)
    wanted = room(data.incident_id) if data.incident_id is not None else None
    return Status(201, _page_out(page_for(wanted, _by_hand(data, words, by), by=by)))


def _by_hand(data: PageIn, words: actions.Words, by: Person | None) -> Callable[[actions.Reason], Page]:
    """Return what pages whom a caller named, for a reason. Raises BadInput."""
    urgency = data.urgency or Urgency.HIGH
    if data.person_id is not None:
        person = Person.objects.filter(pk=data.person_id, is_active=True).first()
        if person is None:
            raise BadInput("person_id", "there is no such person", status=422)
        return lambda reason: actions.page_people(
            [person], words, reason=reason, by=by, urgency=urgency, falls_back=True
        )
    if (team := named_team(data.team)) is not None:
        actions.check_team(team, "team")
        return lambda reason: actions.page_team(team, words, reason=reason, by=by, urgency=urgency)
    policy = Policy.objects.filter(slug=data.policy).first()
    if policy is None:
        raise BadInput("policy", "there is no such policy", status=422)
    actor = by or timeline.SYSTEM
    return lambda reason: actions.start(policy, words, reason=reason, actor=actor, urgency=data.urgency)


@router.get("/pages/{page_id}", response=PageDetail, operation_id="get_page", summary="One page with its history")
def get_page(request: HttpRequest, page_id: Cursor) -> PageDetail:
    """Return whom it reached, how, and what they said."""
    return _detail(_page(page_id))


@router.post("/pages/{page_id}/acknowledge", response=PageDetail, operation_id="acknowledge", summary="I have it")
def acknowledge(request: HttpRequest, page_id: Cursor) -> PageDetail:
    """Take a page. Safe to repeat; 409 when somebody else has it."""
    return _detail(actions.acknowledge(_page(page_id), by=responder(request), via=actions.Via.REST))


@router.post("/pages/{page_id}/join", response=PageDetail, operation_id="join_page", summary="They have it, I join")
def join(request: HttpRequest, page_id: Cursor) -> PageDetail:
    """Join whoever has it."""
    return _detail(actions.join(_page(page_id), by=responder(request), via=actions.Via.REST))


@router.post(
    "/pages/{page_id}/pass-on", response=PageDetail, operation_id="pass_page_on", summary="I can not, pass it on"
)
def pass_on(request: HttpRequest, page_id: Cursor) -> PageDetail:
    """Let the next person be tried at once."""
    return _detail(actions.pass_on(_page(page_id), by=responder(request), via=actions.Via.REST))


@router.post("/pages/{page_id}/snooze", response=PageDetail, operation_id="snooze_page", summary="I have it, later")
def snooze(request: HttpRequest, page_id: Cursor, data: SnoozeIn) -> PageDetail:
    """Take a page and let it come back at a time, to you first."""
    by = responder(request)
    return _detail(returning.snooze(_page(page_id), until=data.until, by=by, via=actions.Via.REST))


@router.post("/pages/{page_id}/give-back", response=PageDetail, operation_id="give_page_back", summary="Take it back")
def give_back(request: HttpRequest, page_id: Cursor) -> PageDetail:
    """Take an acknowledgement back: the page begins again at once."""
    return _detail(returning.give_back(_page(page_id), by=responder(request)))


@router.post("/pages/{page_id}/hand-on", response=PageDetail, operation_id="hand_page_on", summary="Hand it on")
def hand_on(request: HttpRequest, page_id: Cursor, data: HandOnIn) -> PageDetail:
    """Hand a page on to a named person; they are asked at once."""
    person = _person(data.person_id, "person_id")
    return _detail(returning.hand_on(_page(page_id), to=person, by=responder(request)))


@router.post("/pages/{page_id}/people", response=PageDetail, operation_id="add_people_to_page", summary="Ask more")
def add_people(request: HttpRequest, page_id: Cursor, data: AddIn) -> PageDetail:
    """Ask more people to a page, whoever has it already."""
    by = responder(request)
    people = [_person(pk, f"person_ids[{number}]") for number, pk in enumerate(data.person_ids)]
    found = _page(page_id)
    returning.add_people(found, people, by=by)
    return _detail(found)


def _person(pk: int, field: str) -> Person:
    found = Person.objects.filter(pk=pk, is_active=True).first()
    if found is None:
        raise BadInput(field, "there is no such person", status=422)
    return found


def _page(page_id: int) -> Page:
    found = queries.pages().filter(pk=page_id).first()
    if found is None:
        raise NotFound("There is no such page.")
    return found


def _page_out(page: Page) -> PageOut:
    return PageOut.model_validate(_fields(page))


def _fields(page: Page) -> dict[str, object]:
    return {
        "id": page.pk,
        "title": page.title,
        "severity": page.severity,
        "urgency": page.urgency,
        "state": page.state,
        "created_at": page.created_at,
        "next_step_at": page.next_step_at,
        "acknowledged_at": page.acknowledged_at,
        "acknowledged_by": page.acknowledged_by.name if page.acknowledged_by else None,
        "snoozed_until": page.snoozed_until,
        "held_since": page.held_since,
        "falls_back_at": coming.falls_back_at(page),
        "link": page.link,
    }


def _call_out(call: WebhookCall | ChatCall) -> CallOut:
    named = ("round", "step", "state", "attempts", "may_repeat", "error", "handed_over_at")
    same = {name: getattr(call, name) for name in named}
    if isinstance(call, ChatCall):
        return CallOut(type="chat", chat_id=call.chat, room=call.room, **same)
    return CallOut(type="webhook", url=call.url, **same)


def _detail(page: Page) -> PageDetail:
    page.refresh_from_db()
    reached = [
        ReachedOut(
            person_id=item.person_id,
            person=item.person.name,
            why=item.why,
            at=item.at,
            answer=item.answer,
            notifications=[
                NotificationOut.model_validate(one, from_attributes=True) for one in item.notifications.all()
            ],
        )
        for item in queries.history(page)
    ]
    without = [item.model_dump() for item in last_resort.messages(page)]
    calls: list[WebhookCall | ChatCall] = [*page.calls.order_by("pk"), *page.chat_calls.order_by("pk")]
    behind = coming.behind(page)
    more: dict[str, object] = {
        "text": page.text,
        "next_words": coming.next_words(page),
        "falls_back_to": [person.name for person in behind.people] if behind else [],
        "reached": reached,
        "told": [_call_out(call) for call in calls],
        "without_database": without,
    }
    return PageDetail.model_validate(_fields(page) | more)
