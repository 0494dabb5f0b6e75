"""REST of runbooks: the library, versions, files that are imported, and following in a room."""

from datetime import datetime
from typing import Annotated, Literal

from django.http import HttpRequest
from ninja import Status
from pydantic import AfterValidator, Field, StringConstraints

from raglan.alerts.pipeline.route import Matcher
from raglan.alerts.rest import MatcherIn
from raglan.catalog.queries import all_named
from raglan.config import config
from raglan.core.decode import clean_text
from raglan.core.errors import NotFound
from raglan.core.rest import Router, Schema
from raglan.core.schema import Body, Cursor, Id, Limit, ShortText, Slug, Text
from raglan.incidents.queries import incident as room_of
from raglan.people.access import Scope, principal, require_scope
from raglan.people.models import Person
from raglan.people.queries import named_team
from raglan.people.rest.caller import responder
from raglan.runbooks import actions, document, folders, following, importing, queries, suggest
from raglan.runbooks.git import Where
from raglan.runbooks.models import Following, Runbook, RunbookSource, RunbookVersion

router = Router(tags=["runbooks"])
Title = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200), AfterValidator(clean_text)
]
Whole = Annotated[str, StringConstraints(max_length=actions.MAX_TEXT + 10_000), AfterValidator(clean_text)]
Slugs = Annotated[list[Slug], Field(max_length=100)]
Number = Annotated[int, Field(ge=1, le=1_000_000)]


class RunbookIn(Body):
    """A runbook as somebody wrote it; services and needs are all of them."""

    title: Title
    text: Whole
    services: Slugs = []
    needs: Slugs = []
    needs_words: Annotated[Text, Field(max_length=actions.MAX_NEEDS)] = ""
    team: Slug | None = None
    alerts: Annotated[list[MatcherIn], Field(max_length=20)] = []


class NewRunbookIn(RunbookIn):
    """A new runbook. Without a short name it gets one made of its title."""

    slug: Slug | None = None


class RunbookChange(RunbookIn):
    """A runbook as it is to be, and the version that it was changed from."""

    version: Number


class TextIn(Body):
    """A text to look at."""

    text: Whole


class StepOut(Schema):
    """One step, as Markdown."""

    number: int
    title: str
    text: str


class RunbookOut(Schema):
    """A runbook, briefly."""

    slug: str
    title: str
    services: list[str]
    team: str | None
    version: int
    updated_at: datetime
    is_removed: bool
    source: str | None
    home: str
    followed_at: datetime | None
    followed_by: str | None
    url: str


class RunbookDetail(RunbookOut):
    """A runbook with its text and steps."""

    text: str
    steps: list[StepOut]
    needs: list[str]
    needs_words: str
    alerts: list[dict[str, str]]


class RunbookVersionOut(Schema):
    """A runbook as it was."""

    version: int
    title: str
    text: str
    at: datetime
    by: str
    came_from: str


class FileIn(Body):
    """A file to import: its path within its folder, and its text with the fields at its head."""

    path: Annotated[str, StringConstraints(min_length=1, max_length=500), AfterValidator(clean_text)]
    text: Whole
    overwrite: bool = False


class TakenOut(Schema):
    """What became of a file: `new`, `changed`, `same` or `kept`, and what in it names nothing here."""

    path: str
    slug: str
    outcome: str
    why: str
    unknown: list[str]


class FolderIn(Body):
    """A git folder: an https or http address, a branch and a folder where not all is meant, a token where needed."""

    name: Annotated[str, StringConstraints(min_length=1, max_length=120), AfterValidator(clean_text)]
    address: Annotated[str, StringConstraints(min_length=1, max_length=1000)]
    branch: Annotated[str, StringConstraints(max_length=200)] = ""
    folder: Annotated[str, StringConstraints(max_length=300)] = ""
    token: Annotated[str, StringConstraints(max_length=500)] = ""
    web_url: Annotated[str, StringConstraints(max_length=1000)] = ""


class FolderOut(Schema):
    """A git folder, and how reading it goes. The token is never shown."""

    id: int
    name: str
    address: str
    branch: str
    folder: str
    web_url: str
    has_token: bool
    commit: str
    read_at: datetime | None
    tried_at: datetime | None
    failing_since: datetime | None
    problem: str
    runbooks: int


class FollowIn(Body):
    """Which runbook."""

    runbook: Slug


class FitOut(Schema):
    """A runbook that fits a room, and why."""

    slug: str
    title: str
    why: str


class ToldIn(Body):
    """What came of a step. The same key tells once; a change of what was told names the key of what was seen."""

    result: Literal["done", "failed", "skipped"]
    words: Annotated[Text, Field(max_length=following.MAX_WORDS)] = ""
    key: Annotated[str, Field(max_length=64, pattern=r"^[A-Za-z0-9_.:-]*$")] = ""
    seen_key: Annotated[str, Field(max_length=64, pattern=r"^[A-Za-z0-9_.:-]*$")] = ""


class RunbookToldOut(Schema):
    """A step with the newest word on it."""

    number: int
    title: str
    result: str
    words: str
    person: str
    at: datetime | None
    key: str
    entry_id: int | None


class FollowingOut(Schema):
    """A runbook that people follow or followed in a room."""

    id: int
    incident_id: int
    runbook: str
    title: str
    version: int
    state: str
    follower: str
    started_by: str
    started_at: datetime
    ended_at: datetime | None
    steps: list[RunbookToldOut]
    url: str


class HandOverIn(Body):
    """Who goes on with it."""

    person_id: Id


class RemovalIn(Body):
    """Why it stops."""

    why: ShortText = ""


@router.get("/runbooks", response=list[RunbookOut], operation_id="list_runbooks", summary="Runbooks")
def list_runbooks(
    request: HttpRequest,
    q: ShortText = "",
    service: ShortText = "",
    removed: bool = False,
    after: Cursor = 0,
    limit: Limit = 100,
) -> list[RunbookOut]:
    """Return runbooks by title, found by words and by service; `after` is how many to pass over."""
    found = queries.search(q, service=service, removed=removed)
    return [RunbookOut.model_validate(_brief(one)) for one in found[after : after + limit]]


@router.post("/runbooks", response={201: RunbookDetail}, operation_id="write_runbook", summary="Write a runbook")
def write_runbook(request: HttpRequest, data: NewRunbookIn) -> Status[RunbookDetail]:
    """Put a new runbook into the library."""
    made = actions.write_new(_draft(data, data.slug or ""), writer=_writer(request))
    return Status(201, _detail(queries.runbook(made.slug)))


@router.post("/runbooks/preview", response=list[StepOut], operation_id="preview_runbook", summary="Look at the steps")
def preview_runbook(request: HttpRequest, data: TextIn) -> list[StepOut]:
    """Return the steps of a text; nothing is kept."""
    return _steps(data.text)


@router.post("/runbooks/import", response=TakenOut, operation_id="import_runbook", summary="Import a file")
def import_runbook(request: HttpRequest, data: FileIn) -> TakenOut:
    """Take a file into the library. What was written or removed here is kept unless told otherwise."""
    file = importing.File(data.path, data.text)
    taken = importing.take(file, writer=_writer(request), overwrite=data.overwrite)
    return TakenOut(path=taken.path, slug=taken.slug, outcome=taken.outcome, why=taken.why, unknown=list(taken.unknown))


@router.get("/runbooks/{slug}", response=RunbookDetail, operation_id="get_runbook", summary="One runbook")
def get_runbook(request: HttpRequest, slug: Slug) -> RunbookDetail:
    """Return a runbook with its steps."""
    return _detail(queries.runbook(slug))


@router.put("/runbooks/{slug}", response=RunbookDetail, operation_id="change_runbook", summary="Change a runbook")
def change_runbook(request: HttpRequest, slug: Slug, data: RunbookChange) -> RunbookDetail:
    """Give a runbook another text; the earlier one stays readable."""
    writer = _writer(request)
    actions.rewrite(queries.runbook(slug), _draft(data, slug), seen_version=data.version, writer=writer)
    return _detail(queries.runbook(slug))


@router.delete("/runbooks/{slug}", response=RunbookOut, operation_id="remove_runbook", summary="Remove a runbook")
def remove_runbook(request: HttpRequest, slug: Slug) -> RunbookOut:
    """Take a runbook out of the library; it can be brought back."""
    actions.remove(queries.runbook(slug), writer=_writer(request))
    return RunbookOut.model_validate(_brief(queries.runbook(slug)))


@router.post(
    "/runbooks/{slug}/bring-back", response=RunbookOut, operation_id="bring_runbook_back", summary="Bring it back"
)
def bring_runbook_back(request: HttpRequest, slug: Slug) -> RunbookOut:
    """Put a removed runbook into the library again."""
    actions.bring_back(queries.runbook(slug), writer=_writer(request))
    return RunbookOut.model_validate(_brief(queries.runbook(slug)))


@router.get(
    "/runbooks/{slug}/versions",
    response=list[RunbookVersionOut],
    operation_id="list_runbook_versions",
    summary="All versions of a runbook",
)
def list_runbook_versions(
    request: HttpRequest, slug: Slug, before: Cursor = 0, limit: Limit = 20
) -> list[RunbookVersionOut]:
    """Return versions, newest first; `before` is the version to go on from."""
    found = queries.versions(queries.runbook(slug))
    return [_version(one) for one in (found.filter(version__lt=before) if before else found)[:limit]]


@router.get(
    "/incidents/{incident_id}/runbooks",
    response=list[FollowingOut],
    operation_id="list_followings",
    summary="Runbooks followed in a room",
)
def list_followings(request: HttpRequest, incident_id: Cursor) -> list[FollowingOut]:
    """Return what is and was followed, what is under way first."""
    return [_following(one) for one in queries.followings(room_of(incident_id))[:100]]


@router.get(
    "/incidents/{incident_id}/runbooks/suggested",
    response=list[FitOut],
    operation_id="suggest_runbooks",
    summary="Runbooks that fit a room",
)
def suggest_runbooks(request: HttpRequest, incident_id: Cursor) -> list[FitOut]:
    """Return runbooks of its services and of its alerts."""
    found = suggest.for_incident(room_of(incident_id))
    return [FitOut(slug=fit.runbook.slug, title=fit.runbook.title, why=fit.why) for fit in found]


@router.post(
    "/incidents/{incident_id}/runbooks",
    response={201: FollowingOut},
    operation_id="follow_runbook",
    summary="Follow a runbook in a room",
)
def follow_runbook(request: HttpRequest, incident_id: Cursor, data: FollowIn) -> Status[FollowingOut]:
    """Begin, or go on with what is under way."""
    by = responder(request)
    made = following.follow(room_of(incident_id), queries.runbook(data.runbook), by=by)
    return Status(201, _following(queries.following(incident_id, made.pk)))


@router.post(
    "/incidents/{incident_id}/runbooks/{following_id}/steps/{number}",
    response=FollowingOut,
    operation_id="tell_step",
    summary="Tell what came of a step",
)
def tell_step(
    request: HttpRequest, incident_id: Cursor, following_id: Cursor, number: Cursor, data: ToldIn
) -> FollowingOut:
    """Tell the room; after the last step the runbook was followed to its end."""
    by = responder(request)
    told = following.Told(number, data.result, data.words, data.key, data.seen_key)
    following.tell_step(queries.following(incident_id, following_id), told, by=by)
    return _following(queries.following(incident_id, following_id))


@router.post(
    "/incidents/{incident_id}/runbooks/{following_id}/hand-over",
    response=FollowingOut,
    operation_id="hand_runbook_over",
    summary="Let somebody else go on",
)
def hand_runbook_over(
    request: HttpRequest, incident_id: Cursor, following_id: Cursor, data: HandOverIn
) -> FollowingOut:
    """Let another person go on with a runbook."""
    by, to = responder(request), Person.objects.filter(pk=data.person_id).first()
    if to is None:
        raise NotFound("There is no such person.")
    following.hand_over(queries.following(incident_id, following_id), to, by=by)
    return _following(queries.following(incident_id, following_id))


@router.post(
    "/incidents/{incident_id}/runbooks/{following_id}/stop",
    response=FollowingOut,
    operation_id="stop_following",
    summary="Stop before the end",
)
def stop_following(request: HttpRequest, incident_id: Cursor, following_id: Cursor, data: RemovalIn) -> FollowingOut:
    """Stop to follow a runbook."""
    by = responder(request)
    following.stop(queries.following(incident_id, following_id), by=by, why=data.why)
    return _following(queries.following(incident_id, following_id))


@router.get(
    "/runbook-folders", response=list[FolderOut], operation_id="list_runbook_folders", summary="Git folders copied here"
)
def list_runbook_folders(request: HttpRequest) -> list[FolderOut]:
    """Return the git folders that are read, and how that goes."""
    return [_folder(one) for one in queries.sources_with_counts()]


@router.post(
    "/runbook-folders", response={201: FolderOut}, operation_id="add_runbook_folder", summary="Copy a git folder"
)
def add_runbook_folder(request: HttpRequest, data: FolderIn) -> Status[FolderOut]:
    """Copy a git folder from now on, every ten minutes."""
    require_scope(request, Scope.CONFIGURE)
    where = Where(data.address, data.branch, data.folder, data.token)
    made = folders.add(folders.Draft(data.name, where, data.web_url), actor=principal(request).actor)
    return Status(201, _folder(queries.sources_with_counts().get(pk=made.pk)))


@router.post(
    "/runbook-folders/{folder_id}/read",
    response={202: FolderOut},
    operation_id="read_runbook_folder",
    summary="Read a git folder now",
)
def read_runbook_folder(request: HttpRequest, folder_id: Cursor) -> Status[FolderOut]:
    """Read a git folder as soon as a worker is free."""
    require_scope(request, Scope.CONFIGURE)
    folders.read_soon(queries.source(folder_id))
    return Status(202, _folder(queries.sources_with_counts().get(pk=folder_id)))


@router.delete(
    "/runbook-folders/{folder_id}",
    response={204: None},
    operation_id="end_runbook_folder",
    summary="Copy a git folder no more",
)
def end_runbook_folder(request: HttpRequest, folder_id: Cursor) -> Status[None]:
    """Read a git folder no more; what was copied stays and can be changed here."""
    require_scope(request, Scope.CONFIGURE)
    folders.end(queries.source(folder_id), actor=principal(request).actor)
    return Status(204, None)


def _folder(one: RunbookSource) -> FolderOut:
    return FolderOut(
        id=one.pk,
        name=one.name,
        address=one.address,
        branch=one.branch,
        folder=one.folder,
        web_url=one.web_url,
        has_token=bool(one.token_sealed),
        commit=one.commit,
        read_at=one.read_at,
        tried_at=one.tried_at,
        failing_since=one.failing_since,
        problem=one.problem,
        runbooks=getattr(one, "count", 0),
    )


def _writer(request: HttpRequest) -> actions.Writer:
    require_scope(request, Scope.RESPOND)
    who = principal(request)
    return actions.Writer(who.actor, who.person)


def _draft(data: RunbookIn, slug: str) -> actions.Draft:
    team = named_team(data.team)
    return actions.Draft(
        title=data.title,
        text=data.text.replace("\r\n", "\n"),
        slug=slug,
        team=team,
        services=all_named(data.services, "services"),
        needs=all_named(data.needs, "needs"),
        needs_words=data.needs_words,
        alerts=[Matcher(one.name, one.op, one.value) for one in data.alerts],
    )


def _steps(text: str) -> list[StepOut]:
    return [StepOut(number=step.number, title=step.title, text=step.text) for step in document.understand(text).steps]


def _brief(one: Runbook) -> dict[str, object]:
    return {
        "slug": one.slug,
        "title": one.title,
        "services": sorted(service.slug for service in one.services.all()),
        "team": one.team.slug if one.team else None,
        "version": one.version,
        "updated_at": one.updated_at,
        "is_removed": one.removed_at is not None,
        "source": one.source.name if one.source else None,
        "home": queries.home_of(one),
        "followed_at": one.followed_at,
        "followed_by": one.followed_by.name if one.followed_by else None,
        "url": f"{config().public_url}/library/runbooks/{one.slug}/",
    }


def _detail(one: Runbook) -> RunbookDetail:
    more = {
        "text": one.text,
        "steps": _steps(one.text),
        "needs": sorted(service.slug for service in one.needs.all()),
        "needs_words": one.needs_words,
        "alerts": one.alerts,
    }
    return RunbookDetail.model_validate({**_brief(one), **more})


def _version(one: RunbookVersion) -> RunbookVersionOut:
    return RunbookVersionOut(
        version=one.version,
        title=one.title,
        text=one.text,
        at=one.at,
        by=one.by.name if one.by else "",
        came_from=one.came_from,
    )


def _following(one: Following) -> FollowingOut:
    return FollowingOut(
        id=one.pk,
        incident_id=one.incident_id,
        runbook=one.runbook.slug,
        title=one.title,
        version=one.version,
        state=one.state,
        follower=one.follower.name,
        started_by=one.started_by.name,
        started_at=one.started_at,
        ended_at=one.ended_at,
        steps=[_told(seen) for seen in queries.steps_of(one)],
        url=f"{config().public_url}/incidents/{one.incident_id}/runbooks/{one.pk}/",
    )


def _told(seen: queries.StepSeen) -> RunbookToldOut:
    result = seen.result
    return RunbookToldOut(
        number=seen.step.number,
        title=seen.step.title,
        result=result.result if result else "",
        words=result.words if result else "",
        person=result.person.name if result else "",
        at=result.at if result else None,
        key=result.key if result else "",
        entry_id=result.entry_id if result else None,
    )
