"""A statement that is made once gives what the query itself gives."""

from datetime import UTC, datetime

import pytest
from django.core.exceptions import FieldError
from django.db import connection
from django.test.utils import CaptureQueriesContext
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from raglan.core.clock import now
from raglan.core.db import Prepared
from raglan.core.errors import NotFound
from raglan.incidents import actions, queries
from raglan.incidents.models import Entry, Incident
from raglan.people import reading
from raglan.testing import world

pytestmark = pytest.mark.django_db


def room_of(*texts: str) -> Incident:
    mara = world.person("Mara Keller")
    incident = actions.declare("The site is slow", by=mara)
    for text in texts:
        actions.post(incident, actions.Said(kind=Entry.Kind.NOTE, text=text, key=text), by=mara)
    return incident


def test_objects_come_with_those_that_they_name() -> None:
    incident = room_of("one", "two")
    read = Prepared(lambda room: Entry.objects.filter(incident=room).select_related("author", "to_team").order_by("pk"))
    found = read(incident.pk)
    assert found == list(Entry.objects.filter(incident=incident).order_by("pk"))
    with CaptureQueriesContext(connection) as asked:
        assert [entry.author.name for entry in found if entry.author][-2:] == ["Mara Keller"] * 2
        assert not any(entry.to_team for entry in found)
    assert len(asked) == 0


def test_each_value_stands_in_all_of_its_places() -> None:
    incident = room_of("one", "two", "three")
    entries = list(Entry.objects.filter(incident=incident).order_by("at", "pk"))
    before = Prepared(
        lambda room, at, pk: queries.entries(room).filter(at__lte=at).exclude(pk=pk, at=at).values_list("pk", flat=True)
    )
    for entry in entries:
        real = queries.entries(incident).filter(at__lte=entry.at).exclude(pk=entry.pk, at=entry.at)
        assert before(incident.pk, entry.at, entry.pk) == list(real.values_list("pk", flat=True))


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(
    word=st.text(st.characters(exclude_characters="\0", exclude_categories=("Cs",)), max_size=20),
    number=st.integers(-(2**70), 2**70),
    moment=st.datetimes(datetime(1, 1, 2), datetime(9999, 12, 30), timezones=st.just(UTC)),
)
def test_any_value_is_taken_as_the_query_takes_it(word: str, number: int, moment: datetime) -> None:
    def make(word: object, number: object, moment: object) -> object:
        return Entry.objects.filter(text=word, pk__gt=number, at__gt=moment).order_by("pk")

    read = Prepared(make)  # type: ignore[arg-type]
    assert read("x", 1, now()) == []
    assert read(word, number, moment) == list(make(word, number, moment))  # type: ignore[call-overload]


def test_only_the_first_call_makes_the_statement() -> None:
    made = []

    def make(pk: int) -> object:
        made.append(pk)
        return Incident.objects.filter(pk=pk)

    read = Prepared(make)  # type: ignore[arg-type]
    one, two = room_of(), actions.declare("Another", by=world.person("Pavel Novak"))
    assert (read.first(one.pk), read.first(two.pk), read.first(0)) == (one, two, None)
    assert len(made) == 1


def test_a_value_that_is_no_parameter_is_refused() -> None:
    with pytest.raises(TypeError, match="must be a parameter"):
        Prepared(lambda limit: Incident.objects.all()[: min(limit, 3)])(2)
    with pytest.raises(TypeError, match="must be a parameter"):
        Prepared(lambda pk: Incident.objects.filter(pk=pk) if pk == 7 else Incident.objects.all())(7)


def test_a_query_that_is_wrong_says_so_each_time() -> None:
    read = Prepared(lambda pk: Incident.objects.filter(nothing=pk))
    for _ in range(2):
        with pytest.raises(FieldError):
            read(1)


def test_what_is_kept_does_not_outlive_what_it_was_read_for() -> None:
    """Who reads is no part of the statement that another reader gets."""
    mara, pavel = world.person("Mara Keller"), world.person("Pavel Novak")
    incident = actions.declare("Quiet", by=mara)
    actions.make_private(incident, by=mara, why="people's data")
    with reading.read_for(mara):
        assert queries.incident(incident.pk) == incident
    for stranger in (pavel, None):
        with reading.read_for(stranger), pytest.raises(NotFound):
            queries.incident(incident.pk)
    assert queries.incident(incident.pk) == incident
