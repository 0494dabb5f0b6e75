"""REST of automation cards."""

from datetime import date, datetime
from typing import Annotated, Literal

from django.http import HttpRequest
from ninja import Status
from pydantic import Field

from raglan.changes import automation
from raglan.changes.automation_models import AutomationCard
from raglan.config import config
from raglan.core.rest import Router, Schema
from raglan.core.schema import Body, Id, Line, Slug, Text
from raglan.people.access import Scope, principal, require_scope
from raglan.people.queries import named_team

router = Router(tags=["changes"])
Answer = Annotated[Text, Field(max_length=automation.MAX_ANSWER)]
Key = Literal["notice", "try", "stop", "by_hand"]


class AutomationIn(Body):
    """A card as somebody wrote it; answers by question: notice, try, stop, by_hand."""

    title: Line
    acts_on: Line
    answers: dict[Key, Answer] = {}
    team: Slug | None = None


class AutomationChange(AutomationIn):
    """A card as it is to be, and the version that it was changed from."""

    version: Id


class PractisedIn(Body):
    """What was done, whether it was as the answer says, and the day, when it was before today."""

    words: Line
    worked: bool = True
    on: date | None = None


class AutomationAnswerOut(Schema):
    """A question with its answer; `state` is empty, never, reworded, failed, stale or fresh."""

    question: str
    asks: str
    answer: str
    state: str
    practised_at: datetime | None
    practised_by: str | None
    worked: bool | None
    words: str | None


class AutomationOut(Schema):
    """A card with its four answers."""

    slug: str
    title: str
    acts_on: str
    team: str | None
    version: int
    updated_at: datetime
    is_removed: bool
    answers: list[AutomationAnswerOut]
    url: str


@router.get("/automation", response=list[AutomationOut], operation_id="list_automation", summary="Automation cards")
def list_automation(request: HttpRequest, removed: bool = False) -> list[AutomationOut]:
    """Return all cards by title."""
    found = list(automation.cards(removed=removed))
    answered = automation.answered(found)
    return [_card(one, answered[one.pk]) for one in found]


@router.post("/automation", response={201: AutomationOut}, operation_id="write_automation", summary="Make a card")
def write_automation(request: HttpRequest, data: AutomationIn) -> Status[AutomationOut]:
    """Make an automation card."""
    return Status(201, _whole(automation.write_new(_draft(data), writer=_writer(request)).slug))


@router.get("/automation/{slug}", response=AutomationOut, operation_id="get_automation", summary="One card")
def get_automation(request: HttpRequest, slug: Slug) -> AutomationOut:
    """Return a card."""
    return _whole(slug)


@router.put("/automation/{slug}", response=AutomationOut, operation_id="change_automation", summary="Change a card")
def change_automation(request: HttpRequest, slug: Slug, data: AutomationChange) -> AutomationOut:
    """Change a card; answers that are not named stay."""
    writer = _writer(request)
    automation.rewrite(automation.card(slug), _draft(data), seen_version=data.version, writer=writer)
    return _whole(slug)


@router.post(
    "/automation/{slug}/practised/{question}",
    response={201: AutomationOut},
    operation_id="practise_automation",
    summary="An answer was practised",
)
def practise_automation(request: HttpRequest, slug: Slug, question: Key, data: PractisedIn) -> Status[AutomationOut]:
    """Keep that somebody did what an answer says."""
    writer = _writer(request)
    automation.practise(automation.card(slug), question, data.words, worked=data.worked, writer=writer, on=data.on)
    return Status(201, _whole(slug))


@router.delete("/automation/{slug}", response=AutomationOut, operation_id="remove_automation", summary="Remove a card")
def remove_automation(request: HttpRequest, slug: Slug) -> AutomationOut:
    """Take a card out of use; it can be brought back."""
    automation.remove(automation.card(slug), writer=_writer(request))
    return _whole(slug)


@router.post(
    "/automation/{slug}/bring-back",
    response=AutomationOut,
    operation_id="bring_automation_back",
    summary="Bring a card back",
)
def bring_automation_back(request: HttpRequest, slug: Slug) -> AutomationOut:
    """Put a removed card into use again."""
    automation.bring_back(automation.card(slug), writer=_writer(request))
    return _whole(slug)


def _writer(request: HttpRequest) -> automation.Writer:
    require_scope(request, Scope.RESPOND)
    who = principal(request)
    return automation.Writer(who.actor, who.person)


def _draft(data: AutomationIn) -> automation.Draft:
    team = named_team(data.team)
    return automation.Draft(data.title, data.acts_on, {str(key): text for key, text in data.answers.items()}, team)


def _whole(slug: str) -> AutomationOut:
    found = automation.card(slug)
    return _card(found, automation.answered([found])[found.pk])


def _card(card: AutomationCard, answered: list[automation.Answered]) -> AutomationOut:
    return AutomationOut(
        slug=card.slug,
        title=card.title,
        acts_on=card.acts_on,
        team=card.team.slug if card.team else None,
        version=card.version,
        updated_at=card.updated_at,
        is_removed=card.removed_at is not None,
        answers=[_answer(one) for one in answered],
        url=f"{config().public_url}/changes/automation/{card.slug}/",
    )


def _answer(one: automation.Answered) -> AutomationAnswerOut:
    last = one.last
    return AutomationAnswerOut(
        question=str(one.question),
        asks=str(one.question.label),
        answer=one.answer.text if one.answer else "",
        state=one.state,
        practised_at=last.at if last else None,
        practised_by=last.by.name if last and last.by else None,
        worked=last.worked if last else None,
        words=last.words if last else None,
    )
