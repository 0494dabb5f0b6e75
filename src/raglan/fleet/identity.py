"""Which host speaks: by machine id and name, so that renamed ones are followed and copies are kept apart.

A boot id is of one boot of one machine. A machine id that comes with another name in the same boot is a host that was
renamed. In another boot it may be a host that was renamed and started anew, or a copy of it: it gets a row of its own,
and what the old name does tells which. When it speaks again, two machines share an id, and both rows say so; when it
falls silent, it has become the new one.
"""

from collections.abc import Collection, Sequence
from datetime import datetime

from django.db.models import Q

from raglan.core import timeline
from raglan.core.clock import now
from raglan.core.db import bulk
from raglan.fleet import events
from raglan.fleet.models import Host
from raglan.fleet.ports import HostTold
from raglan.fleet.reports import Received, clip
from raglan.fleet.standing import COLUMNS, Standing, key_of, silence_begins

NAMED = 100
# Nothing is said of one that is retired. Its services are looked at anew should it come back.
AT_REST = {"silent_since": None, "shared_since": None, "doubted_since": None, "failed_units": 0, "units_digest": ""}


class Near:
    """Hosts that may be meant by reports whose keys are not known: of the same machine, or of the name alone."""

    def __init__(self, told: Collection[HostTold]) -> None:
        names, machines = {f"/{one.name}" for one in told if one.machine}, {one.machine for one in told if one.machine}
        rows = Host.objects.filter(Q(key__in=names) | Q(machine__in=machines)) if machines else Host.objects.none()
        self.of_machine: dict[str, list[Standing]] = {}
        self.nameless: dict[str, Standing] = {}
        for row in rows.order_by("-last_heard_at", "pk").values_list(*COLUMNS):
            host = Standing(*row)
            if host.machine:
                self.of_machine.setdefault(host.machine, []).append(host)
            else:
                self.nameless[host.name] = host


def settle(received: Received, told: HostTold, at: datetime, near: Near) -> Standing:
    """Return the row of a host whose key is not known yet: one known otherwise, or a new one, not yet stored.

    A row without `id` is a new one.
    """
    same_machine = near.of_machine.get(told.machine, [])
    for one in same_machine:
        if one.shared_since is None and received.report.boot and one.boot == received.report.boot:
            return _renamed(one, told)
    if told.machine and (nameless := near.nameless.get(told.name)) is not None:
        nameless.machine, nameless.key = told.machine, key_of(told)
        return nameless
    return _another(same_machine, told, at)


def _renamed(host: Standing, told: HostTold) -> Standing:
    was, host.name, host.key = host.name, told.name, key_of(told)
    said = events.HostRenamed(host=host.id, was=was, name=told.name, now_host=host.id)
    timeline.append(said, about=[f"host:{host.id}", "hosts"])
    return host


def _another(same_machine: Sequence[Standing | Host], told: HostTold, at: datetime) -> Standing:
    """Return a new row; when its machine id is in use, the others are in doubt or known to be shared already."""
    shared = any(one.shared_since is not None for one in same_machine)
    others = [one.id for one in same_machine]
    if shared:
        Host.objects.filter(pk__in=others, shared_since__isnull=True).update(shared_since=at)
    elif others:
        Host.objects.filter(pk__in=others).update(doubted_since=at)
    return fresh(told, at, shared_since=at if shared else None)


def fresh(told: HostTold, at: datetime, *, shared_since: datetime | None = None) -> Standing:
    """Return a row that is not stored yet."""
    told = clip(told)
    return Standing(
        0,
        key_of(told),
        told.name,
        told.machine,
        first_heard_at=at,
        last_heard_at=at,
        cluster=told.cluster,
        role=told.role,
        environment=told.environment,
        shared_since=shared_since,
    )


def store_new(hosts: list[Standing]) -> None:
    """Store new rows and give them their ids."""
    if not hosts:
        return
    for host, pk in zip(hosts, bulk.take_keys(Host, len(hosts)), strict=True):
        host.id = pk
    bulk.insert([bulk.fresh(Host, **{name: getattr(host, name) for name in COLUMNS}) for host in hosts])
    named = hosts[:NAMED]
    said = events.HostsAppeared(
        count=len(hosts), hosts=[host.name for host in named], names=[f"host:{host.id}" for host in named]
    )
    timeline.append(said, about=["hosts"])


def is_another_machine(host: Standing, received: Received, at: datetime) -> bool:
    """Tell whether a report under this name and machine id is of a second machine, which is not to be mixed in.

    A boot that speaks again after a later one was heard proves that there are two.
    """
    boot = received.report.boot
    if not boot or boot != host.previous_boot or host.reported_at is None or at <= host.reported_at:
        return False
    if host.shared_since is None:
        host.shared_since = received.received_at
        _tell_shared(host.machine, [(host.id, host.name)])
    return True


def speaks_again(host: Standing | Host, at: datetime) -> None:
    """A host in doubt is heard: its machine id came with another name meanwhile, so two machines have it."""
    if host.doubted_since is None or at < host.doubted_since:
        return
    rows = Host.objects.filter(machine=host.machine, retired_at__isnull=True).order_by("pk")
    rows.update(shared_since=host.doubted_since, doubted_since=None)
    host.shared_since, host.doubted_since = host.doubted_since, None
    _tell_shared(host.machine, list(rows.values_list("pk", "name")))


def _tell_shared(machine: str, hosts: list[tuple[int, str]]) -> None:
    said = events.MachineShared(machine=machine, hosts=[pk for pk, _ in hosts], names=[name for _, name in hosts])
    timeline.append(said, about=[*(f"host:{pk}" for pk, _ in hosts), "hosts"])


def by_run(told: HostTold) -> Host | None:
    """Return the host that a run was on. Tools name hosts in their own ways, so that none is renamed by a run."""
    exact = Host.objects.filter(key=key_of(told)).first()
    if exact is not None:
        return exact
    if told.machine and (same := of_machine(told, _of_one_machine(told))) is not None:
        return same
    named = Host.objects.filter(name=told.name).order_by("-last_heard_at", "pk")
    return named.filter(retired_at__isnull=True).first() or named.filter(retired_at__isnull=False).first()


def _of_one_machine(told: HostTold) -> list[Host]:
    rows = Host.objects.filter(machine=told.machine, retired_at__isnull=True)
    return list(rows.order_by("-last_heard_at", "pk")[:NAMED])


def of_machine(told: HostTold, same: Sequence[Host]) -> Host | None:
    """Return which of the rows with its machine id a run means: one named alike, or the only one if it has reported.

    A host that reports says its name itself, whatever tools call it. Of hosts that only runs tell of, two names are
    two machines until one falls silent.
    """
    alike = [one for one in same if _is_short_for(one.name, told.name) or _is_short_for(told.name, one.name)]
    if len(alike) == 1:
        return alike[0]
    return same[0] if len(same) == 1 and same[0].reported_at is not None else None


def _is_short_for(short: str, name: str) -> bool:
    return short in (name, name.partition(".")[0])


def make_by_run(told: HostTold, received_at: datetime) -> Host:
    """Make a host that was never heard of before. One whose machine id is in use puts the others in doubt."""
    told = clip(told)
    host = _another(_of_one_machine(told) if told.machine else [], told, received_at)
    host.silent_at = silence_begins(host, received_at)
    store_new([host])
    return Host.objects.get(pk=host.id)


def become_another(host: Host) -> Host | None:
    """Return the host that a silent one in doubt has become, after retiring it as that one's old name."""
    if host.doubted_since is None:
        return None
    heir = Host.objects.filter(machine=host.machine, first_heard_at__gte=host.doubted_since).exclude(pk=host.pk).first()
    if heir is None:
        return None
    Host.objects.filter(pk=host.pk).update(retired_at=now(), **AT_REST)
    said = events.HostRenamed(host=host.pk, was=host.name, name=heir.name, now_host=heir.pk)
    timeline.append(said, about=[host, heir, "hosts"])
    return heir
