"""REST of proposed changes: say what is to change and what to expect, look at it, turn it; PSA notes."""

from datetime import datetime
from typing import Annotated, Literal

from django.http import HttpRequest
from ninja import Status
from pydantic import AfterValidator, Field, StringConstraints

from raglan.changes import grouping, proposing, queries
from raglan.changes.models import Change, PsaNote
from raglan.changes.rest import Address
from raglan.core.decode import clean_text
from raglan.core.rest import Router, Schema
from raglan.core.schema import Body, Cursor, Id, Limit, Line, ShortText, Text
from raglan.people.access import Scope, principal, require_scope
from raglan.people.rest.caller import responder

router = Router(tags=["changes"])
Name = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200), AfterValidator(clean_text)
]
Names = Annotated[list[Name], Field(max_length=proposing.MOST_NAMES)]
Words = Annotated[str, StringConstraints(max_length=1_000), AfterValidator(clean_text)]
Key = Annotated[str, StringConstraints(max_length=200), AfterValidator(clean_text)]
Kind = Literal["nothing", "version", "restart", "words"]
Turn = Literal["under_way", "done", "stopped", "taken_back"]


class PackageIn(Body):
    """A package by its name, and the version that is to come; without one, any."""

    name: Name
    version: Annotated[str, StringConstraints(max_length=200), AfterValidator(clean_text)] = ""


class ExpectedIn(Body):
    """What is to happen on new and on existing hosts, and on which; without any name, on all."""

    on_new: Kind = "version"
    on_existing: Kind = "version"
    new_words: Words = ""
    existing_words: Words = ""
    units: Names = []
    clusters: Names = []
    roles: Names = []
    environments: Names = []
    tags: Names = []


class RolloutGroupIn(Body):
    """Hosts that take the change together, in their order, or are kept aside. A host is in the first that it fits."""

    name: Annotated[Name, Field(max_length=80)]
    hosts: Annotated[str, StringConstraints(max_length=120), AfterValidator(clean_text)] = ""
    cluster: Annotated[str, StringConstraints(max_length=120), AfterValidator(clean_text)] = ""
    role: Annotated[str, StringConstraints(max_length=120), AfterValidator(clean_text)] = ""
    tag: Annotated[str, StringConstraints(max_length=120), AfterValidator(clean_text)] = ""
    share: Annotated[int, Field(ge=1, le=100)] = 100
    soak_min: Annotated[int, Field(ge=0, le=grouping.MOST_SOAK_MIN)] = 0
    is_aside: bool = False


class ProposalIn(Body):
    """A change that is about to happen. With `key`, proposing it again changes nothing.

    `author` is the mail address or id of whom to talk to; without it, whoever sends it, if that is a person.
    """

    title: Line
    packages: Annotated[list[PackageIn], Field(max_length=proposing.MOST_PACKAGES)] = []
    expected: ExpectedIn
    link: Address | None = None
    origin: ShortText = ""
    note: Text = ""
    key: Key = ""
    groups: Annotated[list[RolloutGroupIn], Field(max_length=grouping.MOST_GROUPS)] = []
    author: Annotated[str, StringConstraints(max_length=254), AfterValidator(clean_text)] = ""


class TurnIn(Body):
    """What a change turns to, and why."""

    state: Turn
    words: ShortText = ""


class PackageOut(Schema):
    """A package and the version that a change is to bring."""

    name: str
    version: str


class ExpectedOut(Schema):
    """What its author expects."""

    on_new: str
    on_existing: str
    new_words: str
    existing_words: str
    units: list[str]
    clusters: list[str]
    roles: list[str]
    environments: list[str]
    tags: list[str]


class WatchedChangeOut(Schema):
    """A change with its state and what is expected of it; one that was only told has no expectation."""

    id: int
    title: str
    origin: str
    told_by: str
    author: str | None
    state: str
    state_words: str
    is_found: bool
    note: str
    at: datetime
    started_at: datetime | None
    ended_at: datetime | None
    links: list[dict[str, str]]
    packages: list[PackageOut]
    expected: ExpectedOut | None
    groups: list[str]
    url: str

    @staticmethod
    def resolve_author(obj: Change) -> str | None:
        """Give the name of whom to talk to."""
        return obj.author.name if obj.author else None

    @staticmethod
    def resolve_packages(obj: Change) -> list[PackageOut]:
        """Give the packages by name."""
        rows = sorted(obj.packages.all(), key=lambda row: row.name)
        return [PackageOut(name=row.name, version=row.version) for row in rows]

    @staticmethod
    def resolve_expected(obj: Change) -> ExpectedOut | None:
        """Give the expectation where there is one."""
        return ExpectedOut.from_orm(obj.expectation) if hasattr(obj, "expectation") else None

    @staticmethod
    def resolve_groups(obj: Change) -> list[str]:
        """Give its groups as they are written."""
        return [grouping.written(group) for group in queries.groups_of(obj)]

    @staticmethod
    def resolve_url(obj: Change) -> str:
        """Give the address of its screen."""
        return f"/changes/{obj.pk}/"


class PsaNoteIn(Body):
    """What somebody ran into. `audience` is told by mail at once: `everybody`, or the short name of a team.

    To everybody only a person writes, once an hour at most. The same `key` gives the note that is there.
    """

    key: Key = ""
    title: Name
    did: Annotated[Text, StringConstraints(min_length=1)]
    happened: Annotated[Text, StringConstraints(min_length=1)]
    expected: Text = ""
    spot: Text = ""
    packages: Names = []
    change_id: Id | None = None
    audience: Annotated[str, StringConstraints(max_length=60)] = ""


class PsaNoteOut(Schema):
    """A PSA note."""

    id: int
    title: str
    did: str
    happened: str
    expected: str
    spot: str
    packages: list[str]
    audience: str
    change_id: int | None
    author: str | None
    at: datetime

    @staticmethod
    def resolve_author(obj: PsaNote) -> str | None:
        """Give who wrote it."""
        return obj.author.name if obj.author else None


def _teller(request: HttpRequest) -> proposing.Teller:
    require_scope(request, Scope.RESPOND)
    who = principal(request)
    return proposing.Teller(who.person.name if who.person else "a program", who.actor, who.person)


def proposal_of(data: ProposalIn) -> proposing.Proposal:
    """Return what was sent as a proposal."""
    return proposing.Proposal(
        title=data.title,
        packages=[(item.name, item.version) for item in data.packages],
        expected=_expected(data.expected),
        link=data.link or "",
        origin=data.origin,
        note=data.note,
        key=data.key,
        groups=[grouping.Group(**group.model_dump()) for group in data.groups],
        author=data.author,
    )


def _expected(data: ExpectedIn) -> proposing.Expected:
    return proposing.Expected(
        on_new=data.on_new,
        on_existing=data.on_existing,
        new_words=data.new_words,
        existing_words=data.existing_words,
        units=tuple(data.units),
        clusters=tuple(data.clusters),
        roles=tuple(data.roles),
        environments=tuple(data.environments),
        tags=tuple(data.tags),
    )


@router.post(
    "/changes/proposed", response={201: WatchedChangeOut}, operation_id="propose_change", summary="Propose a change"
)
def propose_change(request: HttpRequest, data: ProposalIn) -> Status[Change]:
    """Say what is about to change and what you expect on new and on existing hosts."""
    made = proposing.propose(proposal_of(data), by=_teller(request))
    return Status(201, queries.change(made.pk))


@router.get("/changes/{int:pk}", response=WatchedChangeOut, operation_id="get_change", summary="A change")
def get_change(request: HttpRequest, pk: int) -> Change:
    """Return a change with its state and what is expected of it."""
    return queries.change(pk)


@router.post("/changes/{int:pk}/state", response=WatchedChangeOut, operation_id="turn_change", summary="Turn a change")
def turn_change(request: HttpRequest, pk: int, data: TurnIn) -> Change:
    """Say that a change began, is done, is stopped or is taken back. This stops no host: a hold does."""
    teller = _teller(request)
    proposing.turn(queries.change(pk), data.state, actor=teller.actor, words=data.words)
    return queries.change(pk)


@router.post("/changes/{int:pk}/author", response=WatchedChangeOut, operation_id="take_change_on", summary="It is mine")
def take_change_on(request: HttpRequest, pk: int) -> Change:
    """Say that a change which nobody had announced is yours."""
    proposing.take_on(queries.change(pk), by=responder(request))
    return queries.change(pk)


@router.get("/psa-notes", response=list[PsaNoteOut], operation_id="list_psa_notes", summary="PSA notes, newest first")
def list_psa_notes(request: HttpRequest, package: str = "", before: Cursor = 0, limit: Limit = 100) -> list[PsaNote]:
    """Return what people ran into; with `package`, the few that are about it. `before` is the id to go on from."""
    if package:
        return queries.notes_about([package])[:limit]
    found = queries.notes().order_by("-pk")
    return list((found.filter(pk__lt=before) if before else found)[:limit])


@router.post("/psa-notes", response={201: PsaNoteOut}, operation_id="write_psa_note", summary="Write a PSA note")
def write_psa_note(request: HttpRequest, data: PsaNoteIn) -> Status[PsaNote]:
    """Write down what you ran into, for the next one."""
    trap = proposing.Trap(
        title=data.title,
        did=data.did,
        happened=data.happened,
        expected=data.expected,
        spot=data.spot,
        packages=data.packages,
        audience=data.audience,
        key=data.key,
        change=queries.change(data.change_id) if data.change_id else None,
    )
    return Status(201, proposing.write_psa(trap, by=_teller(request)))
