"""REST of mirrors: read them, ask for the way back, tell what roles are pinned to."""

from datetime import datetime
from typing import Annotated, Literal

from django.http import HttpRequest
from ninja import Status
from pydantic import Field

from raglan.core.rest import Router, Schema
from raglan.core.schema import Body, Line, ShortText, Slug
from raglan.fleet import mirrors, pins
from raglan.fleet.mirror_models import Mirror
from raglan.fleet.way_back import WayBack, way_back
from raglan.people.access import Scope, principal, require_scope

router = Router(tags=["mirrors"])
Version = Annotated[Line, Field(max_length=255)]


class MirrorIn(Body):
    """A mirror to be read. `address` of a command is its name in `mirror_commands` of the configuration."""

    name: Annotated[Line, Field(max_length=120)]
    kind: Literal["apt", "yum", "listing", "command"]
    address: Annotated[str, Field(min_length=1, max_length=1_000)]
    scheme: Literal["", "deb", "rpm"] = ""
    every_min: Annotated[int, Field(ge=mirrors.LEAST_EVERY, le=mirrors.MOST_EVERY)] = 15


class MirrorOut(Schema):
    """A mirror, how reading it goes, and how many packages it has."""

    slug: str
    name: str
    kind: str
    scheme: str
    address: str
    every_min: int
    tried_at: datetime | None
    read_at: datetime | None
    failing_since: datetime | None
    problem: str
    count: int


class MirrorPlaceOut(Schema):
    """A version on a mirror; `last_seen_at` is null as long as it is there."""

    mirror: str
    version: str
    arch: str
    first_seen_at: datetime
    last_seen_at: datetime | None
    read_at: datetime


class WayBackDetail(Schema):
    """Whether a version can still be fetched, in a word and in a sentence, and how old the evidence is."""

    package: str
    version: str
    door: Literal["two_way", "one_way", "unknown"]
    words: str
    newest: str
    last_seen_at: datetime | None
    age_s: int | None
    places: list[MirrorPlaceOut]


class PinsIn(Body):
    """All pins of a role: versions by package. Without a role, they are of all hosts."""

    role: Annotated[ShortText, Field(max_length=120)] = ""
    pins: Annotated[dict[Version, Version], Field(max_length=pins.MOST)]


class PinOut(Schema):
    """A pinned version, and whether a fresh host would fail its first run."""

    role: str
    package: str
    version: str
    set_at: datetime
    is_lost: bool
    lost_since: datetime | None
    lost_told_at: datetime | None
    door: str
    words: str
    newest: str


@router.get("/mirrors", response=list[MirrorOut], operation_id="list_mirrors", summary="Mirrors")
def list_mirrors(request: HttpRequest) -> list[Mirror]:
    """Return the mirrors that are read, by name."""
    return list(mirrors.mirrors())


@router.post("/mirrors", response={201: MirrorOut}, operation_id="add_mirror", summary="Read a mirror")
def add_mirror(request: HttpRequest, data: MirrorIn) -> Status[Mirror]:
    """Read a mirror at once, and from now on."""
    require_scope(request, Scope.CONFIGURE)
    draft = mirrors.Draft(data.name, data.kind, data.address, data.scheme, data.every_min)
    return Status(201, mirrors.add(draft, actor=principal(request).actor))


@router.get("/mirrors/{slug}", response=MirrorOut, operation_id="get_mirror", summary="One mirror")
def get_mirror(request: HttpRequest, slug: Slug) -> Mirror:
    """Return a mirror and how reading it goes."""
    return mirrors.mirror(slug)


@router.put("/mirrors/{slug}", response=MirrorOut, operation_id="change_mirror", summary="Change a mirror")
def change_mirror(request: HttpRequest, slug: Slug, data: MirrorIn) -> Mirror:
    """Read a mirror elsewhere, otherwise or under another name; what it had stays known. Its kind stays."""
    require_scope(request, Scope.CONFIGURE)
    draft = mirrors.Draft(data.name, data.kind, data.address, data.scheme, data.every_min)
    return mirrors.change(mirrors.mirror(slug), draft, actor=principal(request).actor)


@router.post("/mirrors/{slug}/read", response={202: MirrorOut}, operation_id="read_mirror", summary="Read it now")
def read_mirror(request: HttpRequest, slug: Slug) -> Status[Mirror]:
    """Read a mirror as soon as a worker is free, such as after it was changed."""
    require_scope(request, Scope.CONFIGURE)
    found = mirrors.mirror(slug)
    mirrors.read_soon(found)
    return Status(202, found)


@router.delete("/mirrors/{slug}", response={204: None}, operation_id="end_mirror", summary="Read it no more")
def end_mirror(request: HttpRequest, slug: Slug) -> Status[None]:
    """Read a mirror no more, and forget what it had."""
    require_scope(request, Scope.CONFIGURE)
    mirrors.end(mirrors.mirror(slug), actor=principal(request).actor)
    return Status(204, None)


@router.get("/way-back", response=WayBackDetail, operation_id="get_way_back", summary="Is there a way back?")
def get_way_back(request: HttpRequest, package: Version, version: Version) -> WayBackDetail:
    """Say whether a version of a package can still be fetched. It may end with `*`."""
    return _way(way_back(package, version))


@router.get("/pins", response=list[PinOut], operation_id="list_pins", summary="Pins, the lost ones first")
def list_pins(request: HttpRequest, role: ShortText | None = None) -> list[PinOut]:
    """Return pinned versions, of one role or of all, and whether a fresh host could fetch them."""
    return [_pin(one) for one in pins.held(role)]


@router.put("/pins", response=list[PinOut], operation_id="set_pins", summary="Tell the pins of a role")
def set_pins(request: HttpRequest, data: PinsIn) -> list[PinOut]:
    """Let these be all pins of a role; none ends them."""
    require_scope(request, Scope.RESPOND)
    return [_pin(one) for one in pins.set_pins(data.role, dict(data.pins), actor=principal(request).actor)]


def _way(found: WayBack) -> WayBackDetail:
    return WayBackDetail(
        package=found.package,
        version=found.version,
        door=found.door.value,
        words=found.words,
        newest=found.newest,
        last_seen_at=found.last_seen_at,
        age_s=round(found.age.total_seconds()) if found.age is not None else None,
        places=[
            MirrorPlaceOut(
                mirror=place.mirror.slug,
                version=place.version,
                arch=place.arch,
                first_seen_at=place.first_seen_at,
                last_seen_at=place.last_seen_at,
                read_at=place.read_at,
            )
            for place in found.places
        ],
    )


def _pin(one: pins.Held) -> PinOut:
    return PinOut(
        role=one.pin.role,
        package=one.pin.name,
        version=one.pin.version,
        set_at=one.pin.set_at,
        is_lost=one.is_lost,
        lost_since=one.pin.lost_since,
        lost_told_at=one.told_at,
        door=one.way.door.value,
        words=one.way.words,
        newest=one.way.newest,
    )
