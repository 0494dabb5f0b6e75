"""Reports that are cut off, or hold anything anywhere: each is taken or refused in words, and harms no other."""

import copy
import json
from collections.abc import Iterator
from itertools import count

import pytest

from raglan.core.clock import now
from raglan.core.errors import BadInput
from raglan.fleet import reports
from raglan.fleet.cases import Result, Taken
from raglan.fleet.models import Host, PackageMove
from raglan.fleet.reports import Received
from raglan.fleet.taking import take_reports
from tests.fleet.reporting import NEWER, WEB, body, received

pytestmark = pytest.mark.django_db
UNITS = [["apache2.service", "active"], ["cron.service", "failed"]]
GATE = {"holds": ["httpd"], "asked_at": 1.0, "answer": "stop", "source": "http"}
MORE = {"tags": ["canary"], "services": ["shop"], "environment": "live", "system": "Debian 12"}
ODD = (
    *(None, True, -1, 0, 1e308, 2**63, 2**70, 1.5, "", "\0", "\ud800", "x" * 5_000, "<script>", "'; --", "../../x"),
    *([], {}, [[]], [{}], [None], [["a"]], [["a", "b", "c", "d"]], ["a"] * 3_000, {"a": {"b": []}}),
)


def result(data: bytes) -> Received | BadInput:
    try:
        return reports.read(data, source=0, received_at=now())
    except BadInput as refused:
        return refused


def taken(bodies: list[bytes]) -> list[Result]:
    """Return what becomes of reports that come together with a good one, which is taken whatever the others are."""
    found = [result(data) for data in bodies]
    read = [one for one in found if isinstance(one, Received)]
    *results, good = take_reports([*read, received("good")])
    assert good in (Taken.TAKEN, Taken.AGAIN)
    by_order = iter(results)
    return [next(by_order) if isinstance(one, Received) else one for one in found]


def whole() -> bytes:
    return body(units=UNITS, gate=GATE, host=MORE, because="apt")


def test_a_report_that_is_cut_off_anywhere_is_refused_in_words() -> None:
    data = whole()
    results = taken([data[:end] for end in range(len(data))])
    assert [str(one) for one in results if not isinstance(one, BadInput) or not str(one)] == []
    assert list(Host.objects.values_list("name", flat=True)) == ["good"]


@pytest.mark.parametrize(
    ("data", "field", "words"),
    [
        (b"null", "", "expected an object, got nothing (null)"),
        (b"[]", "", "expected an object, got a list"),
        (b'{"host": {"name": "a", "machine": "b"}, "at": "noon"}', "at", "expected a number, got a text"),
        (b'{"host": {"name": "a", "machine": "b"}}', "", "missing required field `at`"),
    ],
)
def test_what_is_wrong_is_said_in_plain_words(data: bytes, field: str, words: str) -> None:
    (wrong,) = taken([data])
    assert isinstance(wrong, BadInput)
    assert wrong.field == field
    assert words in wrong.sentence.lower()


def paths(value: object, before: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    if before:
        yield before
    pairs = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in pairs:
        yield from paths(inner, (*before, key))


def changed(value: object, path: tuple[str | int, ...], odd: object) -> bytes:
    made = copy.deepcopy(value)
    inner: object = made
    for key in path[:-1]:
        inner = inner[key]  # type: ignore[index]  # as the path was made from it
    inner[path[-1]] = odd  # type: ignore[index]  # as above
    return json.dumps(made).encode()


def test_anything_in_any_place_is_taken_or_refused_and_invents_nothing() -> None:
    value = json.loads(whole())
    every, number = list(paths(value)), count(2)  # each is a later one, so that each is looked at
    for odd in ODD:
        for one in taken([changed({**value, "seq": next(number)}, path, odd) for path in every]):
            assert isinstance(one, Taken | BadInput)
            assert not isinstance(one, BadInput) or str(one)
    names = set(Host.objects.values_list("name", flat=True))
    assert not {name for name in names if not name.strip() or len(name) > 255}
    take_reports([received("good", packages=NEWER, seq=2)])
    moved = PackageMove.objects.filter(host__name="good").values_list("name", "old", "new")
    assert list(moved) == [(WEB[0][0], WEB[0][1], NEWER[0][1])]
