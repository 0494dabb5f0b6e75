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
KEPT_AS, BEFORE = b"2", b""  # an older node keeps tags, but not whose they are
WORDS = ("cluster", "role", "environment", "system")
_encode = msgspec.msgpack.Encoder().encode


def note_facts(told: Sequence[tuple[Standing, HostTold]]) -> None:
    """Keep what hosts say of themselves, where it is news.

    Of what an older node kept already only the tags are kept anew: words that a tool told meanwhile stay.
    """
    found = [(host, said, digest) for host, said in told if (digest := _digest(said, KEPT_AS)) != host.told_digest]
    if not found:
        return
    new = {host.id for host, said, _ in found if host.told_digest != _digest(said, BEFORE)}
    told_anew = [(host, clip(said), digest) for host, said, digest in found]
    news = [(host, said) for host, said, _ in told_anew if host.id in new]
    tags_by = _tags_by(told_anew)
    counting = {pk: tags.counting(by) for pk, by in tags_by.items()}
    rows = [
        (bulk.text_of(counting[host.id]), bulk.text_of(tags_by[host.id]), digest, host.id)
        for host, _, digest in told_anew
    ]
    bulk.update_rows(Host, ("tags", "tags_by", "told_digest"), rows)
    for host, _, digest in told_anew:
        host.told_digest = digest
    _keep_words(news)
    tags.keep(counting)
    places.fill_many([host.id for host, _, _ in told_anew])
    bus.publish([PLACED], 0)


def _keep_words(news: Sequence[tuple[Standing, HostTold]]) -> None:
    """Keep where hosts say that they belong, and what they carry."""
    for host, said in news:
        host.cluster, host.role, host.environment = said.cluster, said.role, said.environment
    words = [
        (*(getattr(said, word) for word in WORDS), bulk.stamp(moment(said.installed, host.clock_offset_s)), host.id)
        for host, said in news
    ]
    bulk.update_rows(Host, (*WORDS, "installed_at"), words)
    HostService.objects.filter(host__in=[host.id for host, _ in news]).delete()
    carried = [(host.id, slug) for host, said in news for slug in said.services]
    bulk.insert_rows(HostService, ("host_id", "slug"), carried)


def _tags_by(news: Sequence[tuple[Standing, HostTold, str]]) -> dict[int, dict[str, list[str]]]:
    """Return the tags of hosts by who told them, with those that they say themselves now; the rows are locked."""
    rows = Host.objects.filter(pk__in=[host.id for host, _, _ in news]).select_for_update(no_key=True).order_by("pk")
    known = dict(rows.values_list("pk", "tags_by"))
    return {host.id: tags.by_whom(known[host.id], tags.ITSELF, said.tags) for host, said, _ in news}


def _digest(told: HostTold, kept_as: bytes) -> str:
    return hashlib.blake2b(_encode(told), digest_size=16, person=kept_as).hexdigest()


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
