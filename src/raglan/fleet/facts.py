"""What a host says of its place: cluster, role, tags, the services it carries, and what its gate answered."""

import hashlib
from collections.abc import Sequence

import msgspec

from raglan.changes import hearing
from raglan.changes.gate import STOP
from raglan.changes.ports import PLACED
from raglan.core import bus
from raglan.core.db import bulk
from raglan.fleet import places, tags
from raglan.fleet.models import Host, HostService
from raglan.fleet.ports import HostTold
from raglan.fleet.reports import MOST_WORD, Received, clip, moment
from raglan.fleet.standing import Standing

MOST_HOLDS = 20
KEPT_AS = b"2"  # another one whenever more is kept of what hosts say: what an older node kept is then kept anew
WORDS = ("cluster", "role", "environment", "system")
_encode = msgspec.msgpack.Encoder().encode


def note_facts(told: Sequence[tuple[Standing, HostTold]]) -> None:
    """Keep what hosts say of themselves, where it is news."""
    news = [(host, clip(said), digest) for host, said in told if (digest := _digest(said)) != host.told_digest]
    if not news:
        return
    for host, said, digest in news:
        host.told_digest, host.cluster, host.role = digest, said.cluster, said.role
        host.environment = said.environment
    tags_by = _tags_by(news)
    counting = {pk: tags.counting(by) for pk, by in tags_by.items()}
    bulk.update_rows(
        Host,
        (*WORDS, "tags", "tags_by", "told_digest", "installed_at"),
        [
            (
                *(getattr(said, word) for word in WORDS),
                bulk.text_of(counting[host.id]),
                bulk.text_of(tags_by[host.id]),
                digest,
                bulk.stamp(moment(said.installed, host.clock_offset_s)),
                host.id,
            )
            for host, said, digest in news
        ],
    )
    HostService.objects.filter(host__in=[host.id for host, _, _ in news]).delete()
    rows = [(host.id, slug) for host, said, _ in news for slug in said.services]
    bulk.insert_rows(HostService, ("host_id", "slug"), rows)
    tags.keep(counting)
    places.fill_many([host.id for host, _, _ in news])
    bus.publish([PLACED], 0)


def _tags_by(news: Sequence[tuple[Standing, HostTold, str]]) -> dict[int, dict[str, list[str]]]:
    """Return the tags of hosts by who told them, with those that they say themselves now; the rows are locked."""
    rows = Host.objects.filter(pk__in=[host.id for host, _, _ in news]).select_for_update(no_key=True).order_by("pk")
    known = dict(rows.values_list("pk", "tags_by"))
    return {host.id: tags.by_whom(known[host.id], tags.ITSELF, said.tags) for host, said, _ in news}


def _digest(told: HostTold) -> str:
    return hashlib.blake2b(_encode(told), digest_size=16, person=KEPT_AS).hexdigest()


def note_gates(told: Sequence[tuple[Standing, Received]]) -> None:
    """Keep what gates answered, where they were asked anew, and tell the holds who has heard of them."""
    rows, heard = [], []
    for host, received in told:
        gate = received.report.gate
        asked_at = moment(gate.asked_at, host.clock_offset_s) if gate else None
        if gate is None or asked_at is None or asked_at == host.gate_asked_at:
            continue
        holds = tuple(name[:MOST_WORD] for name in gate.holds[:MOST_HOLDS])
        rows.append((gate.answer[:20], gate.source[:20], bulk.stamp(asked_at), bulk.text_of(holds), host.id))
        if holds:
            heard.append(hearing.Heard(host.name, holds, gate.answer == STOP, asked_at, "report"))
    bulk.update_rows(Host, ("gate_answer", "gate_source", "gate_asked_at", "gate_holds"), rows)
    if heard:
        hearing.heard_many(heard)
    if len(heard) < len(rows):
        hearing.went_on()
