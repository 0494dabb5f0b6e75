"""REST of the desk: hold the outside, promise, say, ask, answer."""

from datetime import datetime, timedelta
from typing import Annotated, Literal

from django.http import HttpRequest
from ninja import Status
from pydantic import Field

from raglan.core.clock import now
from raglan.core.errors import NotFound
from raglan.core.keys import key_of
from raglan.core.rest import Router, Schema
from raglan.core.schema import Body, Cursor, Id, Limit, Text
from raglan.incidents.queries import incident as room_of
from raglan.outside import asking, desk, queries
from raglan.outside.models import Question, StatusUpdate
from raglan.people.access import Scope, require_scope
from raglan.people.models import Person
from raglan.people.rest.caller import responder, speaker

router = Router(tags=["outside"])
Minutes = Annotated[int, Field(ge=1, le=10_080)]
Key = Annotated[str, Field(max_length=64, pattern=r"^[A-Za-z0-9_.:-]*$")]
StageName = Literal["looking", "found", "watching", "over"]
QuestionState = Literal["waiting", "next", "answered"]
StateName = Literal["down", "slow", "fine", "unknown"]


class DeskOut(Schema):
    """Who holds the outside of an incident, and when the next word comes."""

    incident_id: int
    holder: str | None
    holder_id: int | None
    held_since: datetime | None
    note: str
    next_word_at: datetime | None
    is_late: bool
    owes_last_word: bool
    updates: int
    waiting_questions: int


class HoldIn(Body):
    """Who holds it: a person, or whoever sends this when none is named; with a note."""

    person_id: Id | None = None
    note: Annotated[Text, Field(max_length=desk.MAX_NOTE)] = ""


class PromiseIn(Body):
    """In how many minutes the next word comes; without them the promise is taken back."""

    minutes: Minutes | None = None


class UpdateIn(Body):
    """Words for those who wait. The same key says them once; `seen` is the number of the last update you know.

    A public one stands on the status page, too; `states` then says by their numbers how components are.
    """

    stage: StageName
    text: Annotated[Text, Field(min_length=1, max_length=desk.MAX_TEXT)]
    next_word_minutes: Minutes | None = None
    key: Key = ""
    seen: Cursor | None = None
    is_public: bool = False
    headline: Annotated[Text, Field(max_length=desk.MAX_HEADLINE)] = ""
    states: Annotated[dict[Id, StateName], Field(max_length=200)] = {}


class UpdateOut(Schema):
    """What those who wait were told."""

    id: int
    number: int
    stage: str
    stage_words: str
    text: str
    by: str
    at: datetime
    next_word_at: datetime | None
    is_public: bool
    headline: str
    states: dict[str, str]
    withdrawn_at: datetime | None


class PreviewOut(Schema):
    """An update as it would be said."""

    stage_words: str
    text: str
    next_word_at: datetime | None
    is_public: bool
    headline: str


class QuestionIn(Body):
    """What you want to know. The same key asks once."""

    text: Annotated[Text, Field(min_length=1, max_length=asking.MAX_TEXT)]
    key: Key = ""


class QuestionAnswerIn(Body):
    """The answer; without one the question is answered in the next update."""

    answer: Annotated[Text, Field(max_length=asking.MAX_TEXT)] = ""


class DeskQuestionOut(Schema):
    """A question at the desk, and what became of it."""

    id: int
    incident_id: int
    text: str
    asker: str
    asked_at: datetime
    state: str
    answer: str
    answered_by: str | None
    answered_at: datetime | None
    answered_in: int | None


@router.get("/incidents/{incident_id}/outside", response=DeskOut, operation_id="get_desk", summary="The desk of a room")
def get_desk(request: HttpRequest, incident_id: Cursor) -> DeskOut:
    """Return who holds the outside, and when the next word comes."""
    return _desk(incident_id)


@router.post("/incidents/{incident_id}/outside/hold", response=DeskOut, operation_id="hold_desk", summary="Hold it")
def hold_desk(request: HttpRequest, incident_id: Cursor, data: HoldIn) -> DeskOut:
    """Let a person speak to those outside from now on."""
    by = responder(request)
    person = Person.objects.filter(pk=data.person_id).first() if data.person_id else by
    if person is None:
        raise NotFound("There is no such person.")
    desk.hold(room_of(incident_id), person, by=by, note=data.note)
    return _desk(incident_id)


@router.post("/incidents/{incident_id}/outside/let-go", response=DeskOut, operation_id="let_desk_go", summary="Let go")
def let_desk_go(request: HttpRequest, incident_id: Cursor) -> DeskOut:
    """Let the outside go; nobody holds it then."""
    desk.hold(room_of(incident_id), None, by=responder(request))
    return _desk(incident_id)


@router.put(
    "/incidents/{incident_id}/outside/promise",
    response=DeskOut,
    operation_id="promise_word",
    summary="Promise the next word",
)
def promise_word(request: HttpRequest, incident_id: Cursor, data: PromiseIn) -> DeskOut:
    """Promise the next word for a time, or take the promise back."""
    by = responder(request)
    desk.promise(room_of(incident_id), _wait(data.minutes), by=by)
    return _desk(incident_id)


@router.get(
    "/incidents/{incident_id}/updates",
    response=list[UpdateOut],
    operation_id="list_updates",
    summary="What those who wait were told",
)
def list_updates(request: HttpRequest, incident_id: Cursor, before: Cursor = 0, limit: Limit = 20) -> list[UpdateOut]:
    """Return updates, newest first; `before` is the number to go on from."""
    found = queries.updates(room_of(incident_id))
    return [_update(one) for one in (found.filter(number__lt=before) if before else found)[:limit]]


@router.post(
    "/incidents/{incident_id}/updates", response={201: UpdateOut}, operation_id="say_update", summary="Say an update"
)
def say_update(request: HttpRequest, incident_id: Cursor, data: UpdateIn) -> Status[UpdateOut]:
    """Tell those who wait. Raises a conflict when somebody told them something that you have not seen."""
    by = responder(request)
    return Status(201, _update(desk.say(room_of(incident_id), _word(data), by=by)))


@router.post(
    "/incidents/{incident_id}/updates/preview",
    response=PreviewOut,
    operation_id="preview_update",
    summary="Look at an update first",
)
def preview_update(request: HttpRequest, incident_id: Cursor, data: UpdateIn) -> PreviewOut:
    """Return an update as it would be said; nothing is kept."""
    room_of(incident_id)
    word = _word(data)
    desk.check(word)
    comes = now() + word.next_word if word.next_word else None
    return PreviewOut(
        stage_words=StatusUpdate(stage=word.stage).get_stage_display(),
        text=word.text,
        next_word_at=comes,
        is_public=word.is_public,
        headline=word.headline,
    )


@router.post(
    "/updates/{update_id}/withdraw", response=UpdateOut, operation_id="withdraw_update", summary="Withdraw an update"
)
def withdraw_update(request: HttpRequest, update_id: Cursor) -> UpdateOut:
    """Take a public update off the status page; who got it by mail or by a feed has it still."""
    by = responder(request)
    return _update(desk.withdraw(queries.update(update_id), by=by))


@router.get(
    "/incidents/{incident_id}/questions",
    response=list[DeskQuestionOut],
    operation_id="list_questions",
    summary="Questions at the desk",
)
def list_questions(
    request: HttpRequest, incident_id: Cursor, state: QuestionState | None = None, limit: Limit = 100
) -> list[DeskQuestionOut]:
    """Return questions, those that wait first."""
    found = queries.questions(room_of(incident_id))
    return [_question(one) for one in (found.filter(state=state) if state else found)[:limit]]


@router.post(
    "/incidents/{incident_id}/questions",
    response={201: DeskQuestionOut},
    operation_id="ask_question",
    summary="Ask the desk",
)
def ask_question(request: HttpRequest, incident_id: Cursor, data: QuestionIn) -> Status[DeskQuestionOut]:
    """Put a question to the desk; it disturbs nobody who repairs."""
    require_scope(request, Scope.READ)
    by = speaker(request)
    made = asking.ask(room_of(incident_id), data.text, by=by, key=key_of(data.key))
    return Status(201, _question(made))


@router.post(
    "/questions/{question_id}/answer",
    response=DeskQuestionOut,
    operation_id="answer_question",
    summary="Answer a question",
)
def answer_question(request: HttpRequest, question_id: Cursor, data: QuestionAnswerIn) -> DeskQuestionOut:
    """Answer a question, or put it off until the next update."""
    by, question = responder(request), queries.question(question_id)
    made = asking.answer(question, data.answer, by=by) if data.answer.strip() else asking.put_off(question, by=by)
    return _question(made)


def _wait(minutes: int | None) -> timedelta | None:
    return timedelta(minutes=minutes) if minutes else None


def _word(data: UpdateIn) -> desk.Word:
    text, states = data.text.replace("\r\n", "\n"), {pk: str(state) for pk, state in data.states.items()}
    comes = _wait(data.next_word_minutes)
    return desk.Word(data.stage, text, comes, data.key, data.seen, data.is_public, data.headline, states)


def _desk(incident_id: int) -> DeskOut:
    incident = room_of(incident_id)
    found = queries.desk(incident)
    return DeskOut(
        incident_id=incident_id,
        holder=found.holder.name if found.holder else None,
        holder_id=found.holder_id,
        held_since=found.held_since,
        note=found.note,
        next_word_at=found.next_word_at,
        is_late=queries.is_late(found, now()),
        owes_last_word=queries.owes_last_word(incident),
        updates=queries.updates(incident).count(),
        waiting_questions=queries.questions(incident).filter(state=Question.State.WAITING).count(),
    )


def _update(one: StatusUpdate) -> UpdateOut:
    return UpdateOut(
        id=one.pk,
        number=one.number,
        stage=one.stage,
        stage_words=one.get_stage_display(),
        text=one.text,
        by=one.by.name,
        at=one.at,
        next_word_at=one.next_word_at,
        is_public=one.is_public,
        headline=one.headline,
        states={str(word.component_id): word.state for word in one.words.all()},
        withdrawn_at=one.withdrawn_at,
    )


def _question(one: Question) -> DeskQuestionOut:
    return DeskQuestionOut(
        id=one.pk,
        incident_id=one.incident_id,
        text=one.text,
        asker=one.asker.name,
        asked_at=one.asked_at,
        state=one.state,
        answer=one.answer,
        answered_by=one.answered_by.name if one.answered_by else None,
        answered_at=one.answered_at,
        answered_in=one.answered_in_id,
    )
