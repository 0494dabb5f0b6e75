"""Kinds of events that the fleet appends."""

from datetime import datetime
from typing import ClassVar

from raglan.core.timeline import EventPayload


class HostsAppeared(EventPayload):
    """Hosts were heard for the first time, some at once; `names` tell whoever watches them."""

    kind = "hosts.appeared"
    has_names: ClassVar[bool] = True
    count: int
    hosts: list[str]
    names: list[str]


class HostsFellSilent(EventPayload):
    """Hosts were not heard for longer than they use to keep quiet, some at once. The first ones are named."""

    kind = "hosts.fell_silent"
    has_names: ClassVar[bool] = True
    count: int
    hosts: list[str]
    names: list[str]


class OwnersTold(EventPayload):
    """Those who own silent hosts, or pins that mirrors lost, were told by mail; `what` is `hosts` or `mirrors`."""

    kind = "hosts.owners_told"
    what: str
    count: int
    people: list[int]
    at: datetime


class HostHeardAgain(EventPayload):
    """A host that was silent, or had been retired, reports again."""

    kind = "host.heard_again"
    host: int
    name: str
    silent_since: datetime | None
    retired_at: datetime | None


class HostRenamed(EventPayload):
    """A machine has another name than before. `now_host` is the host that it goes on as, where that is another row."""

    kind = "host.renamed"
    host: int
    was: str
    name: str
    now_host: int


class MachineShared(EventPayload):
    """Two machines that are both alive use one machine id, such as copies of one disk; they are kept apart by name."""

    kind = "host.machine_shared"
    machine: str
    hosts: list[int]
    names: list[str]


class HostRetired(EventPayload):
    """A host is no member of the fleet any more; what it told stays."""

    kind = "host.retired"
    host: int
    name: str
    retired_at: datetime


class FleetSourceChanged(EventPayload):
    """A source of the fleet was made or changed."""

    kind = "fleet_source.changed"
    source: int
    slug: str
    what: str
    name: str
    source_kind: str
    token_hint: str
    created_at: datetime
    disabled_at: datetime | None
    previous_ends_at: datetime | None


class MirrorSet(EventPayload):
    """A mirror of packages is read from now on, or read otherwise than before."""

    kind = "mirror.set"
    mirror: int
    name: str
    slug: str
    mirror_kind: str
    scheme: str
    address: str
    every_min: int
    created_at: datetime


class MirrorEnded(EventPayload):
    """A mirror is read no more."""

    kind = "mirror.ended"
    mirror: int
    ended_at: datetime


class MirrorRead(EventPayload):
    """A mirror was read, for the first time, again after it could not be, or with other packages than before."""

    kind = "mirror.read"
    mirror: int
    read_at: datetime
    count: int
    came: int
    went: int
    some_that_came: list[str]
    some_that_went: list[str]


class MirrorNotRead(EventPayload):
    """A mirror could not be read; what it had stays as it was last seen."""

    kind = "mirror.not_read"
    mirror: int
    tried_at: datetime
    failing_since: datetime
    problem: str


class PinsSet(EventPayload):
    """The versions that hosts of a role are pinned to were told anew, all of them."""

    kind = "pins.set"
    role: str
    pins: dict[str, str]
    set_at: datetime


class PinsLost(EventPayload):
    """Pinned versions are on no mirror any more: a fresh host would fail its first run."""

    kind = "pins.lost"
    pins: list[str]
    at: datetime


class PinsFound(EventPayload):
    """Pinned versions can be fetched again."""

    kind = "pins.found"
    pins: list[str]
    at: datetime


class HostsPlaced(EventPayload):
    """Somebody said by name where hosts belong; so many have other words at once, of many hosts the others follow."""

    kind = "hosts.placed"
    rules: list[str]
    changed: int
