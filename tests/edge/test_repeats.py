"""Repeats of open alerts are answered from memory, and nothing is lost by that."""

import json
import random
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from http.client import HTTPConnection

import pytest
from django.db import OperationalError

from raglan.alerts import actions
from raglan.alerts.models import Alert, Source
from raglan.alerts.ports import MAX_LABELS, MAX_NAME, MAX_VALUE, Batch, Beat, Decoded, Outcome
from raglan.core.clock import CLOCK, now
from raglan.edge.intake import Intake
from raglan.edge.journal import Journal
from raglan.edge.repeats import Repeats
from raglan.integrations.prometheus.doors import ApiV2
from raglan.integrations.prometheus.quick import split
from raglan.paging.models import Page
from raglan.testing import world
from tests.edge.loopback import listening

Item = dict[str, object]


def firing(name: str, *, minutes: float = 4, summary: str = "down") -> Item:
    ends_at = (now() + timedelta(minutes=minutes)).isoformat()
    return {"labels": {"alertname": name, "job": "web"}, "annotations": {"summary": summary}, "endsAt": ends_at}


def over(name: str) -> Item:
    return firing(name, minutes=-1)


@dataclass
class Running:
    """An intake with a real journal, and how often that was needed."""

    port: int
    token: str
    repeats: Repeats
    given: list[int] = field(default_factory=list)

    def post(self, *items: Item) -> int:
        """Send alerts; return how many of them the journal got."""
        self.given.clear()
        client = HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            client.request("POST", f"/integrations/{self.token}/api/v2/alerts", json.dumps(items))
            assert client.getresponse().status == 200
        finally:
            client.close()
        return sum(self.given)


@contextmanager
def running() -> Iterator[Running]:
    _, token = actions.create_source(name="P", slug="p", kind="alertmanager", actor="raglan")
    given: list[int] = []

    def ingest(batches: Sequence[Batch]) -> list[Outcome]:
        given.extend(len(batch.decoded.signals) for batch in batches)
        return actions.ingest(batches)

    journal, repeats = Journal(ingest, most=1_000), Repeats(actions.seen_again)
    journal.start()
    intake = Intake(journal, repeats=repeats)
    try:
        with listening(intake) as loopback:
            yield Running(loopback.port, token, repeats, given)
    finally:
        assert journal.stop(10)
        assert intake.close(10)


@pytest.fixture
def door(transactional_db: None) -> Iterator[Running]:
    world.administrator()
    with running() as found:
        yield found


def test_a_repeat_needs_no_commit_and_is_counted_soon_after(door: Running) -> None:
    assert door.post(firing("A"), firing("B")) == 2
    CLOCK.move(timedelta(seconds=60))

    assert door.post(firing("A"), firing("B")) == 0
    assert door.post(firing("A")) == 0
    assert Alert.objects.get(title="down", labels__alertname="A").signal_count == 1
    door.repeats.write()

    alert = Alert.objects.get(labels__alertname="A")
    assert alert.signal_count == 3
    assert alert.expires_at is not None
    assert alert.expires_at - now() > timedelta(minutes=3, seconds=50)
    assert now() - alert.last_seen_at < timedelta(seconds=30)
    heard = Source.objects.get(slug="p").last_heard_at
    assert heard is not None
    assert now() - heard < timedelta(seconds=30)


def test_what_is_new_among_repeats_is_stored_before_the_answer(door: Running) -> None:
    door.post(firing("A"))

    assert door.post(firing("A"), firing("B")) == 1
    assert set(Alert.objects.values_list("labels__alertname", flat=True)) == {"A", "B"}


def test_an_alert_that_was_resolved_fires_anew(door: Running) -> None:
    door.post(firing("A"))
    door.post(firing("A"))
    door.post(over("A"))

    assert door.post(firing("A")) == 1
    assert list(Alert.objects.order_by("pk").values_list("state", flat=True)) == ["resolved", "firing"]
    assert Page.objects.count() == 2


def test_an_alert_that_expired_fires_anew(door: Running) -> None:
    door.post(firing("A"))
    CLOCK.move(timedelta(minutes=5))
    assert actions.expire() == 1

    assert door.post(firing("A")) == 1
    assert Alert.objects.filter(state="firing").count() == 1


def test_an_alert_that_is_repeated_does_not_expire(door: Running) -> None:
    door.post(firing("A"))
    for _ in range(20):
        CLOCK.move(timedelta(minutes=1))
        door.post(firing("A"))
        actions.expire()  # nothing was written behind: each time that half is over the journal is asked

    assert list(Alert.objects.values_list("state", flat=True)) == ["firing"]


def test_other_words_go_to_disk_and_are_known_from_then_on(door: Running) -> None:
    door.post(firing("A", summary="5% of requests fail"))

    assert door.post(firing("A", summary="9% of requests fail")) == 1
    assert Alert.objects.get().annotations == {"summary": "9% of requests fail"}
    assert door.post(firing("A", summary="9% of requests fail")) == 0


def test_an_end_and_a_new_beginning_in_one_request_keep_their_order(door: Running) -> None:
    door.post(firing("A"))

    assert door.post(over("A"), firing("A")) == 2
    assert Alert.objects.filter(state="firing").count() == 1
    assert Alert.objects.count() == 2


def test_a_new_process_asks_the_journal_once(door: Running) -> None:
    door.post(firing("A"))
    again = Repeats(actions.seen_again)
    seen = split(json.dumps([firing("A")]).encode(), resolve_timeout=timedelta(minutes=5))
    assert seen is not None

    assert again.sort(Source.objects.get(slug="p").pk, seen, now()) == ([0], [])
    again.stop()


def test_a_repeat_of_another_source_is_no_repeat(door: Running) -> None:
    door.post(firing("A"))
    _, door.token = actions.create_source(name="Q", slug="q", kind="alertmanager", actor="raglan")

    assert door.post(firing("A")) == 1
    assert Alert.objects.filter(state="firing").count() == 2


def test_what_can_not_be_written_is_written_later(door: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    door.post(firing("A"))
    door.post(firing("A"))
    write = door.repeats._write

    def refuse(beats: Sequence[Beat], sources: Sequence[int]) -> None:
        raise OperationalError("the disk is away")

    monkeypatch.setattr(door.repeats, "_write", refuse)
    door.repeats.write()
    door.post(firing("A"))
    monkeypatch.setattr(door.repeats, "_write", write)
    door.repeats.write()

    assert Alert.objects.get().signal_count == 3


@pytest.mark.parametrize("seed", range(6))
def test_any_history_ends_as_without_memory(door: Running, seed: int) -> None:
    dice, is_open, opened, sent = random.Random(seed), set[str](), 0, 0
    for _ in range(40):
        names = dice.choices("ABCD", k=dice.randint(1, 4))
        items = [(name, dice.random() < 0.8) for name in names]
        for name, fires in items:
            opened += fires and name not in is_open
            sent += fires or name in is_open
            (is_open.add if fires else is_open.discard)(name)
        door.post(*[firing(name) if fires else over(name) for name, fires in items])
        if dice.random() < 0.3:
            door.repeats.write()
    door.repeats.write()

    assert set(Alert.objects.filter(state="firing").values_list("labels__alertname", flat=True)) == is_open
    assert (Alert.objects.count(), sum(Alert.objects.values_list("signal_count", flat=True))) == (opened, sent)


ODD: dict[str, Callable[[Item], object]] = {
    "not an object": lambda item: 7,
    "no labels": lambda item: {**item, "labels": {}},
    "a number as a label": lambda item: {**item, "labels": {"alertname": "A", "port": 80}},
    "an empty label": lambda item: {**item, "labels": {"alertname": "A", "pod": ""}},
    "a label without a name": lambda item: {**item, "labels": {"alertname": "A", "": "x"}},
    "a long label": lambda item: {**item, "labels": {"alertname": "A" * 5_000}},
    "a long name": lambda item: {**item, "labels": {"a" * 200: "A"}},
    "many labels": lambda item: {**item, "labels": {f"l{number}": "x" for number in range(80)}},
    "NUL": lambda item: {**item, "annotations": {"summary": "a\x00b"}},
    "a lone surrogate": lambda item: {**item, "annotations": {"summary": "a\ud800b"}},
    "another field": lambda item: {**item, "status": "firing"},
    "over": lambda item: {**item, "endsAt": "2020-01-01T00:00:00Z"},
    "an ancient start": lambda item: {**item, "startsAt": "1066-01-01T00:00:00Z"},
    "a far end": lambda item: {**item, "endsAt": "9999-01-01T00:00:00Z"},
    "no zone": lambda item: {**item, "endsAt": "2100-01-01T00:00:00"},
}


@pytest.mark.parametrize("name", ODD)
def test_what_is_not_plain_is_left_to_the_thorough_way(name: str) -> None:
    body = json.dumps([firing("B"), ODD[name](firing("A"))]).encode()

    seen = split(body, resolve_timeout=timedelta(minutes=5))

    assert seen is None or seen.decode([0, 1]) is None


AT_A_LIMIT: dict[str, dict[str, str]] = {
    "a name": {"alertname": "A", "n" * MAX_NAME: "x"},
    "a value": {"alertname": "A", "v": "x" * MAX_VALUE},
    "a value in several bytes": {"alertname": "A", "v": "é" * MAX_VALUE},
    "labels": {f"l{number}": "x" for number in range(MAX_LABELS)},
}


@pytest.mark.parametrize("name", AT_A_LIMIT)
def test_what_is_at_a_limit_is_read_quickly_and_what_is_beyond_it_thoroughly(name: str) -> None:
    labels = AT_A_LIMIT[name]
    last = list(labels)[-1]
    beyond = {**labels, "one more": "x"} if name == "labels" else dict(labels)
    if name == "a name":
        beyond[last + "n"] = beyond.pop(last)
    elif name != "labels":
        beyond[last] += "x"

    def read(labels: dict[str, str]) -> Decoded | None:
        body = json.dumps([{**firing("A"), "labels": labels}], ensure_ascii=False).encode()
        seen = split(body, resolve_timeout=timedelta(minutes=5))
        assert seen is not None
        return seen.decode([0])

    quick = read(labels)
    assert quick is not None
    assert quick.signals[0].labels == labels
    assert read(beyond) is None


def test_each_message_has_its_own_end() -> None:
    minutes = (4, 4, 9, 4, 2, 2)
    items = [firing(str(number), minutes=end) for number, end in enumerate(minutes)]

    seen = split(json.dumps(items).encode(), resolve_timeout=timedelta(minutes=5))

    assert seen is not None
    assert [round((end - now()).total_seconds() / 60) for end in seen.expiries] == list(minutes)
    assert split(json.dumps([*items, over("x")]).encode(), resolve_timeout=timedelta(minutes=5)) is None


def test_both_ways_read_the_same() -> None:
    items = [{**firing("A"), "startsAt": "2026-11-26T10:00:00.123456000+02:00", "generatorURL": "http://p/g?x=<1>"}]
    items += [{"labels": {"alertname": "Größe", "severity": "page"}, "endsAt": "0001-01-01T00:00:00Z"}]
    for body in (json.dumps(items).encode(), json.dumps(items, ensure_ascii=False).encode()):
        seen = split(body, resolve_timeout=timedelta(minutes=5))
        assert seen is not None
        quick = seen.decode([0, 1])
        thorough = ApiV2().decode(None, _request(body))  # type: ignore[arg-type]  # the source is not looked at
        assert quick is not None
        for one, other in zip(quick.signals, thorough.signals, strict=True):
            for attribute in ("status", "labels", "annotations", "title", "severity", "link", "starts_at"):
                assert getattr(one, attribute) == getattr(other, attribute)
            assert one.expires_at is not None
            assert other.expires_at is not None
            assert abs(one.expires_at - other.expires_at) < timedelta(seconds=5)


def _request(body: bytes) -> object:
    from raglan.alerts.ports import IntakeRequest

    return IntakeRequest("POST", "/api/v2/alerts", "", {}, body, "127.0.0.1")
