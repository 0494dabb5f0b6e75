"""REST of the status page: what it shows, where it is brought, and its files."""

from datetime import datetime
from typing import Annotated, Literal

from django.http import HttpRequest
from ninja import Status
from pydantic import Field

from raglan.alerts import noise_queries
from raglan.alerts.models import Source
from raglan.catalog.queries import all_named
from raglan.core.errors import BadInput
from raglan.core.rest import Router, Schema
from raglan.core.schema import Body, Cursor, Id, ShortText, Slug, Text
from raglan.core.signing import STATUS, signing_key
from raglan.outside import components, publishing, queries, render, snapshot, subscribing, wordings
from raglan.outside.models import Component, StatusPage, Subscriber, Target, Wording
from raglan.people.access import Scope, principal, require_scope

router = Router(tags=["outside"])


class StatusPageOut(Schema):
    """How the status page is set up."""

    is_on: bool
    title: str
    intro: str
    home_url: str
    address: str
    language: str
    zone: str
    word_hours: int
    uses_script: bool
    takes_subscribers: bool
    version: int


class StatusPageIn(Body):
    """The status page as it is to be, and the version that it was changed from."""

    is_on: bool
    title: ShortText
    intro: Text = ""
    home_url: Annotated[str, Field(max_length=500)] = ""
    address: Annotated[str, Field(max_length=500)] = ""
    language: Annotated[str, Field(max_length=20)] = "en"
    zone: Annotated[str, Field(max_length=64)] = "UTC"
    word_hours: Annotated[int, Field(ge=1, le=720)] = 24
    uses_script: bool = False
    takes_subscribers: bool = False
    version: Cursor


class ComponentIn(Body):
    """A component: its public words, and what watches it."""

    name: ShortText
    group: ShortText = ""
    text: ShortText = ""
    position: Annotated[int, Field(ge=0, le=10_000)] = 0
    source: Slug | None = None
    quiet_min: Annotated[int, Field(ge=1, le=10_080)] = 15
    services: Annotated[list[Slug], Field(max_length=100)] = []


class ComponentOut(Schema):
    """A component, and how it is as far as anybody knows."""

    id: int
    name: str
    group: str
    text: str
    position: int
    source: str | None
    quiet_min: int
    services: list[str]
    state: str
    since: datetime | None
    why: str


class StateIn(Body):
    """How a component is."""

    state: Literal["down", "slow", "fine", "unknown"]


class StatusWindowIn(Body):
    """Public words for a maintenance window, and the components that it is about."""

    title: ShortText
    text: Text = ""
    components: Annotated[list[Id], Field(max_length=200)] = []


class StatusWindowOut(Schema):
    """A maintenance window that is shown in public."""

    maintenance_id: int
    title: str
    text: str
    components: list[int]


class StatusTargetIn(Body):
    """A place that the page is brought to; `settings` are those of its kind."""

    kind: Literal["folder", "s3", "git", "command"]
    name: ShortText
    settings: Annotated[dict[ShortText, Annotated[str, Field(max_length=500)]], Field(max_length=20)] = {}
    secret: Annotated[str, Field(max_length=500)] = ""
    every_min: Annotated[int, Field(ge=1, le=1440)] = 10


class StatusTargetOut(Schema):
    """A place that the page is brought to, and how that goes. Its secret is never shown."""

    id: int
    kind: str
    name: str
    settings: dict[str, str]
    has_secret: bool
    every_min: int
    published_at: datetime | None
    old_at: datetime | None
    tried_at: datetime | None
    failing_since: datetime | None
    problem: str
    output: str


class WebhookIn(Body):
    """A program that is to be told of public updates."""

    url: Annotated[str, Field(min_length=1, max_length=500)]


class WebhookOut(Schema):
    """A program that is told of public updates. The key that signs is shown to whoever may configure."""

    id: int
    url: str
    created_at: datetime
    problem: str
    signing_key: str


class StatusToldOut(Schema):
    """How many are told of public updates, and what becomes of it. Addresses of people are shown to nobody."""

    by_mail: int
    unconfirmed: int
    webhooks: int
    waiting: int
    missed: int


class WordingIn(Body):
    """Words that an update can begin with; the headline is for public ones."""

    name: ShortText
    stage: Literal["looking", "found", "watching", "over"]
    text: Text
    headline: ShortText = ""


class WordingOut(Schema):
    """Words that an update can begin with."""

    id: int
    name: str
    stage: str
    headline: str
    text: str


class SoonOut(Schema):
    """To how many places the page is on its way."""

    places: int


@router.get(
    "/status-page", response=StatusPageOut, operation_id="get_status_page", summary="How the status page is set up"
)
def get_status_page(request: HttpRequest) -> StatusPage:
    """Return how the status page is set up."""
    return queries.page()


@router.put("/status-page", response=StatusPageOut, operation_id="set_status_page", summary="Set the status page up")
def set_status_page(request: HttpRequest, data: StatusPageIn) -> StatusPage:
    """Set the status page up, on or off."""
    draft = components.PageDraft(**data.model_dump(exclude={"version"}))
    return components.set_page(draft, seen_version=data.version, actor=_configurer(request))


@router.get(
    "/status-page/files", response=dict[str, str], operation_id="get_status_files", summary="The files of the page"
)
def get_status_files(request: HttpRequest, every_min: Annotated[int, Field(ge=1, le=1440)] = 10) -> dict[str, str]:
    """Return the files of the page as they would be made now, by name; `every_min` says how soon they grow old."""
    shot = snapshot.take(every_min=every_min)
    return {name: content.decode() for name, content in render.files(shot).items()}


@router.post(
    "/status-page/publish", response={202: SoonOut}, operation_id="publish_status_page", summary="Publish the page now"
)
def publish_status_page(request: HttpRequest) -> Status[SoonOut]:
    """Bring the page to all its places as soon as a worker is free; to none while it is off."""
    require_scope(request, Scope.RESPOND)
    return Status(202, SoonOut(places=publishing.publish_soon()))


@router.get(
    "/components", response=list[ComponentOut], operation_id="list_components", summary="Components of the page"
)
def list_components(request: HttpRequest) -> list[ComponentOut]:
    """Return the components of the status page, in their order."""
    known = _parts()
    return [_component(one, known[one.pk]) for one in queries.components() if one.pk in known]


@router.post("/components", response={201: ComponentOut}, operation_id="add_component", summary="Add a component")
def add_component(request: HttpRequest, data: ComponentIn) -> Status[ComponentOut]:
    """Put a component on the page."""
    actor = _configurer(request)
    return Status(201, _known(components.add_component(_draft(data), actor=actor)))


@router.put(
    "/components/{component_id}", response=ComponentOut, operation_id="change_component", summary="Change a component"
)
def change_component(request: HttpRequest, component_id: Cursor, data: ComponentIn) -> ComponentOut:
    """Name a component anew, or watch it in another way."""
    actor = _configurer(request)
    return _known(components.change_component(queries.component(component_id), _draft(data), actor=actor))


@router.delete(
    "/components/{component_id}", response={204: None}, operation_id="remove_component", summary="Remove a component"
)
def remove_component(request: HttpRequest, component_id: Cursor) -> Status[None]:
    """Take a component off the page."""
    actor = _configurer(request)
    components.remove_component(queries.component(component_id), actor=actor)
    return Status(204, None)


@router.post(
    "/components/{component_id}/state", response=ComponentOut, operation_id="say_state", summary="Say how one is"
)
def say_state(request: HttpRequest, component_id: Cursor, data: StateIn) -> ComponentOut:
    """Say how a component is, apart from any incident."""
    require_scope(request, Scope.RESPOND)
    who, one = principal(request), queries.component(component_id)
    components.say_state(one, data.state, by=who.person, actor=who.actor)
    return _known(one)


@router.get(
    "/status-page/windows",
    response=list[StatusWindowOut],
    operation_id="list_public_windows",
    summary="Windows shown ahead",
)
def list_public_windows(request: HttpRequest) -> list[StatusWindowOut]:
    """Return the maintenance windows that the page shows ahead."""
    return [
        StatusWindowOut(
            maintenance_id=one.pk, title=one.title, text=one.text, components=[c.pk for c in one.components.all()]
        )
        for one in queries.windows()
    ]


@router.put(
    "/status-page/windows/{maintenance_id}",
    response=StatusWindowOut,
    operation_id="show_window",
    summary="Show a maintenance window",
)
def show_window(request: HttpRequest, maintenance_id: Cursor, data: StatusWindowIn) -> StatusWindowOut:
    """Show a maintenance window on the page, in public words."""
    actor, maintenance = _configurer(request), noise_queries.maintenance(maintenance_id)
    found = list(queries.components().filter(pk__in=data.components))
    if len(found) != len(set(data.components)):
        raise BadInput("components", "names a component that is not on the page", status=422)
    shown = components.show_window(maintenance, components.WindowDraft(data.title, data.text, found), actor=actor)
    numbers = [one.pk for one in found]
    return StatusWindowOut(maintenance_id=maintenance.pk, title=shown.title, text=shown.text, components=numbers)


@router.delete(
    "/status-page/windows/{maintenance_id}", response={204: None}, operation_id="hide_window", summary="Hide a window"
)
def hide_window(request: HttpRequest, maintenance_id: Cursor) -> Status[None]:
    """Show a maintenance window no more."""
    actor = _configurer(request)
    components.hide_window(noise_queries.maintenance(maintenance_id), actor=actor)
    return Status(204, None)


@router.get(
    "/status-page/places",
    response=list[StatusTargetOut],
    operation_id="list_places",
    summary="Where the page is brought",
)
def list_places(request: HttpRequest) -> list[StatusTargetOut]:
    """Return the places that the page is brought to, and how that goes."""
    return [_target(one) for one in queries.targets()]


@router.post(
    "/status-page/places", response={201: StatusTargetOut}, operation_id="add_place", summary="Bring it to a place"
)
def add_place(request: HttpRequest, data: StatusTargetIn) -> Status[StatusTargetOut]:
    """Bring the page to one more place from now on."""
    actor = _configurer(request)
    draft = publishing.Draft(data.kind, data.name, data.settings, data.secret, data.every_min)
    return Status(201, _target(publishing.add(draft, actor=actor)))


@router.delete(
    "/status-page/places/{place_id}", response={204: None}, operation_id="end_place", summary="Bring it there no more"
)
def end_place(request: HttpRequest, place_id: Cursor) -> Status[None]:
    """Bring the page to a place no more; what stands there grows old, and says so."""
    actor = _configurer(request)
    publishing.end(queries.target(place_id), actor=actor)
    return Status(204, None)


@router.get("/status-page/subscribers", response=StatusToldOut, operation_id="count_subscribers", summary="Who is told")
def count_subscribers(request: HttpRequest) -> StatusToldOut:
    """Return how many are told of public updates."""
    found = queries.told()
    return StatusToldOut(
        by_mail=found.by_mail,
        unconfirmed=found.unconfirmed,
        webhooks=len(found.webhooks),
        waiting=found.waiting,
        missed=found.missed,
    )


@router.get(
    "/status-page/webhooks", response=list[WebhookOut], operation_id="list_status_webhooks", summary="Programs told"
)
def list_status_webhooks(request: HttpRequest) -> list[WebhookOut]:
    """Return the programs that are told of public updates."""
    require_scope(request, Scope.CONFIGURE)
    return [_webhook(one) for one in queries.webhooks()]


@router.post(
    "/status-page/webhooks", response={201: WebhookOut}, operation_id="add_status_webhook", summary="Tell a program"
)
def add_status_webhook(request: HttpRequest, data: WebhookIn) -> Status[WebhookOut]:
    """Tell a program of public updates from now on."""
    actor = _configurer(request)
    return Status(201, _webhook(subscribing.add_webhook(data.url, actor=actor)))


@router.delete(
    "/status-page/webhooks/{webhook_id}", response={204: None}, operation_id="end_status_webhook", summary="End it"
)
def end_status_webhook(request: HttpRequest, webhook_id: Cursor) -> Status[None]:
    """Tell a program no more."""
    actor = _configurer(request)
    subscribing.forget(queries.webhook(webhook_id), why="ended here", actor=actor)
    return Status(204, None)


@router.get("/wordings", response=list[WordingOut], operation_id="list_wordings", summary="Words for updates")
def list_wordings(request: HttpRequest) -> list[Wording]:
    """Return the words that updates can begin with."""
    return list(queries.wordings())


@router.post("/wordings", response={201: WordingOut}, operation_id="add_wording", summary="Offer words for updates")
def add_wording(request: HttpRequest, data: WordingIn) -> Status[Wording]:
    """Offer words for updates."""
    actor = _configurer(request)
    return Status(201, wordings.add(wordings.Draft(**data.model_dump()), actor=actor))


@router.put("/wordings/{wording_id}", response=WordingOut, operation_id="change_wording", summary="Change words")
def change_wording(request: HttpRequest, wording_id: Cursor, data: WordingIn) -> Wording:
    """Change words for updates; what was said with them stays as it was."""
    actor = _configurer(request)
    return wordings.change(queries.wording(wording_id), wordings.Draft(**data.model_dump()), actor=actor)


@router.delete("/wordings/{wording_id}", response={204: None}, operation_id="remove_wording", summary="Remove words")
def remove_wording(request: HttpRequest, wording_id: Cursor) -> Status[None]:
    """Offer words no more."""
    actor = _configurer(request)
    wordings.remove(queries.wording(wording_id), actor=actor)
    return Status(204, None)


def _webhook(one: Subscriber) -> WebhookOut:
    key = signing_key(one.address, STATUS).decode()
    return WebhookOut(id=one.pk, url=one.address, created_at=one.created_at, problem=one.problem, signing_key=key)


def _configurer(request: HttpRequest) -> str:
    require_scope(request, Scope.CONFIGURE)
    return principal(request).actor


def _draft(data: ComponentIn) -> components.ComponentDraft:
    source = Source.objects.filter(slug=data.source).first() if data.source else None
    if data.source and source is None:
        raise BadInput("source", "there is no such source", status=422)
    services = all_named(data.services, "services")
    return components.ComponentDraft(data.name, data.group, data.text, data.position, source, data.quiet_min, services)


def _parts() -> dict[int, snapshot.Part]:
    return {part.id: part for group in snapshot.groups_now(queries.page()) for part in group.parts}


def _known(one: Component) -> ComponentOut:
    return _component(queries.component(one.pk), _parts()[one.pk])


def _component(one: Component, part: snapshot.Part) -> ComponentOut:
    return ComponentOut(
        id=one.pk,
        name=one.name,
        group=one.group,
        text=one.text,
        position=one.position,
        source=one.source.slug if one.source else None,
        quiet_min=one.quiet_min,
        services=sorted(service.slug for service in one.services.all()),
        state=part.state,
        since=datetime.fromisoformat(part.since.iso) if part.since else None,
        why=part.why,
    )


def _target(one: Target) -> StatusTargetOut:
    return StatusTargetOut(
        id=one.pk,
        kind=one.kind,
        name=one.name,
        settings=one.settings,
        has_secret=bool(one.secret_sealed),
        every_min=one.every_min,
        published_at=one.published_at,
        old_at=one.old_at,
        tried_at=one.tried_at,
        failing_since=one.failing_since,
        problem=one.problem,
        output=one.output,
    )
