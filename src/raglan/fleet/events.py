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
