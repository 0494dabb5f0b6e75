"""REST of interviews about a process."""

from datetime import datetime
from typing import Annotated

from django.http import HttpRequest
from ninja import Status
from pydantic import Field

from raglan.core.errors import NotFound
from raglan.core.rest import Router, Schema
from raglan.core.schema import Body, Cursor, Id, Limit, Line, Slug, Text
from raglan.people.access import principal
from raglan.people.models import Person
from raglan.people.rest.caller import responder, speaker
from raglan.processes import interviews, kit, queries
from raglan.processes.interview_models import InterviewRound

router = Router(tags=["processes"])


class InterviewsIn(Body):
    """What somebody wants to understand, and with how many people they talk."""

    question: Line
    planned: Annotated[int, Field(ge=interviews.FEWEST, le=interviews.MOST)] = 6


class ThemeIn(Body):
    """What came up in several talks."""

    title: Annotated[Line, Field(max_length=interviews.MAX_TITLE)]
    words: Annotated[Text, Field(max_length=interviews.MAX_WORDS)] = ""


class QuoteIn(Body):
    """What somebody said; without a speaker they read it and said yes."""

    words: Annotated[Text, Field(min_length=1, max_length=interviews.MAX_QUOTE)]
    described_as: Annotated[Line, Field(max_length=interviews.MAX_AS)]
    speaker_id: Id | None = None


class QuoteOut(Schema):
    """A quote that one may see. Who said it is never told; `is_mine` says that these are one's own words."""

    id: int
    words: str
    described_as: str
    state: str
    is_mine: bool


class ThemeOut(Schema):
    """A theme with its quotes."""

    id: int
    title: str
    words: str
    quotes: list[QuoteOut]


class InterviewsOut(Schema):
    """A round of talks."""

    id: int
    question: str
    planned: int
    held: int
    begun_by: str
    begun_at: datetime
    themes: list[ThemeOut]


class GuidePartOut(Schema):
    """A part of the guide: its minutes, its title, and what to ask."""

    minutes: int
    title: str
    questions: list[str]


class KitOut(Schema):
    """Whom to ask, what to say before, and what to ask."""

    whom: str
    consent: list[str]
    guide: list[GuidePartOut]
    log_columns: list[str]


@router.get("/interview-kit", response=KitOut, operation_id="get_interview_kit", summary="The interview kit")
def get_interview_kit(request: HttpRequest) -> KitOut:
    """Return whom to ask, the words before, the guide of thirty minutes and the columns of a friction log."""
    guide = [GuidePartOut(minutes=minutes, title=title, questions=list(asks)) for minutes, title, asks in kit.GUIDE]
    return KitOut(whom=kit.WHOM, consent=list(kit.CONSENT), guide=guide, log_columns=list(kit.LOG_COLUMNS))


@router.get(
    "/processes/{slug}/interviews",
    response=list[InterviewsOut],
    operation_id="list_interviews",
    summary="Interviews about a process",
)
def list_interviews(request: HttpRequest, slug: Slug, skip: Cursor = 0, limit: Limit = 50) -> list[InterviewsOut]:
    """Return rounds of talks, the newest first, with themes and the quotes that one may see; after `skip`."""
    person = principal(request).person
    return [_round(one, person) for one in interviews.rounds(queries.process(slug))[skip : skip + limit]]


@router.post(
    "/processes/{slug}/interviews",
    response={201: InterviewsOut},
    operation_id="begin_interviews",
    summary="Begin interviews",
)
def begin_interviews(request: HttpRequest, slug: Slug, data: InterviewsIn) -> Status[InterviewsOut]:
    """Begin a round of talks."""
    by = responder(request)
    return Status(201, _round(interviews.begin(queries.process(slug), data.question, data.planned, by=by), by))


@router.post(
    "/processes/{slug}/interviews/{round_id}/held",
    response=InterviewsOut,
    operation_id="hold_interview",
    summary="A talk was held",
)
def hold_interview(request: HttpRequest, slug: Slug, round_id: Cursor) -> InterviewsOut:
    """Count one more talk; with whom is not kept."""
    by = responder(request)
    return _round(interviews.hold(_found(slug, round_id), by=by), by)


@router.post(
    "/processes/{slug}/interviews/{round_id}/themes",
    response={201: InterviewsOut},
    operation_id="write_theme",
    summary="Write a theme",
)
def write_theme(request: HttpRequest, slug: Slug, round_id: Cursor, data: ThemeIn) -> Status[InterviewsOut]:
    """Write down what came up in several talks."""
    by, found = responder(request), _found(slug, round_id)
    interviews.write_theme(found, data.title, data.words, by=by)
    return Status(201, _round(found, by))


@router.post(
    "/processes/{slug}/interviews/{round_id}/themes/{theme_id}/quotes",
    response={201: InterviewsOut},
    operation_id="write_quote",
    summary="Keep a quote",
)
def write_quote(
    request: HttpRequest, slug: Slug, round_id: Cursor, theme_id: Cursor, data: QuoteIn
) -> Status[InterviewsOut]:
    """Keep what somebody said; it shows once they approved it."""
    by, found = responder(request), _found(slug, round_id)
    who = Person.objects.filter(pk=data.speaker_id, is_active=True).first() if data.speaker_id else None
    if data.speaker_id and who is None:
        raise NotFound("There is no such person.")
    interviews.quote(interviews.theme(found, theme_id), interviews.Quoted(data.words, data.described_as, who), by=by)
    return Status(201, _round(found, by))


@router.post(
    "/processes/{slug}/interviews/{round_id}/quotes/{quote_id}/approve",
    response=InterviewsOut,
    operation_id="approve_quote",
    summary="Let one's words be shown",
)
def approve_quote(request: HttpRequest, slug: Slug, round_id: Cursor, quote_id: Cursor) -> InterviewsOut:
    """Approve one's own words."""
    by, found = speaker(request), _found(slug, round_id)
    interviews.approve(interviews.one_quote(found, quote_id), by=by)
    return _round(found, by)


@router.post(
    "/processes/{slug}/interviews/{round_id}/quotes/{quote_id}/take-back",
    response=InterviewsOut,
    operation_id="take_quote_back",
    summary="Take words back",
)
def take_quote_back(request: HttpRequest, slug: Slug, round_id: Cursor, quote_id: Cursor) -> InterviewsOut:
    """Take back what one said or wrote down: the words are gone."""
    by, found = speaker(request), _found(slug, round_id)
    interviews.take_back(interviews.one_quote(found, quote_id), by=by)
    return _round(found, by)


def _found(slug: str, round_id: int) -> InterviewRound:
    return interviews.one_round(queries.process(slug), round_id)


def _round(one: InterviewRound, person: Person | None) -> InterviewsOut:
    return InterviewsOut(
        id=one.pk,
        question=one.question,
        planned=one.planned,
        held=one.held,
        begun_by=one.begun_by.name,
        begun_at=one.begun_at,
        themes=[
            ThemeOut(
                id=theme.pk,
                title=theme.title,
                words=theme.words,
                quotes=[
                    QuoteOut(
                        id=quote.pk,
                        words=quote.words,
                        described_as=quote.described_as,
                        state=quote.state,
                        is_mine=person is not None and quote.speaker_id == person.pk,
                    )
                    for quote in theme.quotes.all()
                ],
            )
            for theme in interviews.themes(one, person)
        ],
    )
