"""What stands until an event says otherwise is asked of the database once, and never believed for longer."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

import pytest
from django.db import OperationalError, connection
from django.test.utils import CaptureQueriesContext

from raglan.core import standing, timeline
from raglan.core.db import atomic, quiet
from raglan.core.models import Event, EventSubject
from raglan.core.standing import Matter, Nothing
from tests.support.connections import elsewhere, here

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif("connection.vendor != 'sqlite'", reason="PostgreSQL is asked for what stands each time"),
]


class LampHung(timeline.EventPayload):
    """Of the matter of these tests."""

    kind = "lamp_of_tests.hung"


class WindSaid(timeline.EventPayload):
    """Of no matter."""

    kind = "wind_of_tests.said"


class Shop:
    """Lamps that hang somewhere, and how often somebody looked."""

    def __init__(self) -> None:
        self.hung = 0
        self.looks = 0
        self.has_none = Nothing(LAMPS, self.look)

    def look(self) -> bool:
        self.looks += 1
        return self.hung > 0

    @atomic
    def asked(self) -> bool:
        return self.has_none()

    @atomic
    def hang(self) -> None:
        self.hung += 1
        tell(LampHung())


LAMPS = Matter("lamp_of_tests.")


def tell(payload: timeline.EventPayload, times: int = 1) -> None:
    timeline.append_many((payload, ["lamps"]) for _ in range(times))


@contextmanager
def taken_back() -> Iterator[None]:
    """Do something in a transaction of which nothing is left."""
    with suppress(LookupError), atomic():
        yield
        raise LookupError


@pytest.fixture
def shop() -> Shop:
    tell(WindSaid())
    return Shop()


def test_that_there_is_none_is_asked_once(shop: Shop) -> None:
    assert [shop.asked(), shop.asked(), shop.asked()] == [True] * 3

    assert shop.looks == 1


def test_that_there_is_some_is_asked_each_time(shop: Shop) -> None:
    shop.hung = 1
    assert [shop.asked(), shop.asked()] == [False] * 2

    shop.hung = 0

    assert shop.asked()
    assert shop.looks == 3


@pytest.mark.parametrize("others", [0, 1, quiet.MANY - 2, quiet.MANY - 1, quiet.MANY, 3 * quiet.MANY])
@pytest.mark.parametrize("act", [here, elsewhere], ids=["here", "elsewhere"])
def test_an_event_of_the_matter_lets_it_be_asked_anew(
    act: Callable[[Callable[[], object]], object], others: int, shop: Shop
) -> None:
    assert shop.asked()

    act(lambda: tell(WindSaid(), others))
    assert shop.asked()
    act(shop.hang)
    act(lambda: tell(WindSaid(), others))

    assert not shop.asked()


def test_other_events_do_not_however_few_or_many(shop: Shop) -> None:
    assert shop.asked()

    for count in (1, quiet.MANY - 1, quiet.MANY, 3 * quiet.MANY):
        tell(WindSaid(), count)
        assert shop.asked()

    assert shop.looks == 1


def test_the_transaction_that_tells_it_knows_it_already(shop: Shop) -> None:
    assert shop.asked()

    with atomic():
        assert shop.has_none()
        shop.hang()
        assert not shop.has_none()

    assert not shop.asked()


def test_what_was_asked_in_a_transaction_that_is_taken_back_does_not_stand(shop: Shop) -> None:
    shop.hung = 1
    with taken_back():
        shop.hung = 0  # as a row that goes with this transaction
        assert shop.has_none()
    shop.hung = 1

    assert not shop.asked()


def test_numbers_that_are_given_once_more_are_looked_at_once_more(shop: Shop) -> None:
    assert shop.asked()
    newest = Event.objects.latest("pk").pk
    with taken_back():
        tell(WindSaid())
        shop.has_none()  # the first look of this transaction, behind its own event
    shop.hang()

    assert Event.objects.latest("pk").pk == newest + 1  # the number that was taken back
    assert not shop.asked()


def test_where_the_newest_event_known_is_not_there_any_more_nothing_stands(shop: Shop) -> None:
    assert shop.asked()
    EventSubject.objects.all().delete()
    Event.objects.all().delete()
    shop.hung = 1

    assert not shop.asked()


def test_a_look_that_fails_is_done_again(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    assert shop.asked()
    elsewhere(shop.hang)
    real = quiet.newer

    def fails(since: int) -> tuple[int, set[str]] | None:
        monkeypatch.setattr(quiet, "newer", real)
        raise OperationalError("disk I/O error")

    monkeypatch.setattr(quiet, "newer", fails)
    with atomic():
        with pytest.raises(OperationalError):
            shop.has_none()
        assert not shop.has_none()


def test_after_a_start_nothing_stands(shop: Shop) -> None:
    assert shop.asked()
    shop.hung = 1
    assert shop.asked()  # nobody told it

    standing.forget()

    assert not shop.asked()


def test_outside_of_a_transaction_it_is_asked_each_time(shop: Shop) -> None:
    assert [shop.has_none(), shop.has_none()] == [True] * 2

    assert shop.looks == 2
    assert LAMPS.stamp() is None


def test_one_look_of_a_transaction_is_for_all_matters(shop: Shop) -> None:
    shop.asked()
    with CaptureQueriesContext(connection) as asked, atomic():
        stamps = [LAMPS.stamp() for _ in range(5)]

    assert len(set(stamps)) == 1
    assert sum("core_event" in str(query["sql"]) for query in asked) == 1
