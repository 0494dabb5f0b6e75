"""Two who change who is on call in a rota at the same moment: the second sees what the first did."""

import threading
from collections.abc import Callable

import pytest
from django.db import connection

from raglan.core.errors import Conflict
from raglan.oncall import actions, covers, moves, queries
from raglan.oncall.models import Override
from raglan.people.models import Person
from raglan.testing import world
from tests.oncall.builders import DAY, HOUR, MONDAY, cover, draft, rota, standing_at
from tests.oncall.test_covers_and_notices import mails

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def three() -> list[Person]:
    with standing_at(MONDAY):
        return [world.person(name, time_zone="UTC") for name in ("Mara Novak", "Ike Okafor", "Rowan Ellis")]


def at_once(monkeypatch: pytest.MonkeyPatch, first: Callable[[], object], second: Callable[[], object]) -> list[str]:
    """Let the second begin while the first has written and is not done; return what was refused."""
    has_written, is_done, refused = threading.Event(), threading.Event(), list[str]()
    tell, own = moves.tell_those_moved, threading.get_ident()

    def held(*args: object, **fields: object) -> None:
        tell(*args, **fields)  # type: ignore[arg-type]  # as they were given
        if threading.get_ident() == own:
            has_written.set()
            is_done.wait(1)  # the other waits for this one, so that this one can not wait for it

    def run() -> None:
        assert has_written.wait(30)
        try:
            second()
        except Conflict as error:
            refused.append(str(error))
        finally:
            is_done.set()
            connection.close()

    monkeypatch.setattr(moves, "tell_those_moved", held)
    other = threading.Thread(target=run)
    other.start()
    first()
    other.join(30)
    return refused


def test_of_two_requests_for_one_shift_one_is_taken(monkeypatch: pytest.MonkeyPatch, three: list[Person]) -> None:
    mara, ike, rowan = three
    web = rota(rowan, mara, ike)
    start, end = MONDAY + DAY, MONDAY + 2 * DAY
    [asker] = queries.who("web", start).people
    one, two = (person for person in (mara, ike, rowan) if person != asker)
    rows = [covers.ask(web, covers.RequestDraft(start, end, person), by=asker) for person in (one, two)]
    refused = at_once(monkeypatch, lambda: covers.take(rows[0], by=one), lambda: covers.take(rows[1], by=two))
    assert refused == [f"The rota has changed: {asker.name} is not on call then any more. Nothing was moved."]
    assert queries.who("web", start + HOUR).people == (one,)
    assert [row.pk for row in covers.waiting(web)] == [rows[1].pk]


def test_whoever_took_a_shift_just_now_hears_that_another_covers_it(
    monkeypatch: pytest.MonkeyPatch, three: list[Person]
) -> None:
    mara, ike, rowan = three
    web = rota(mara)
    start, end = MONDAY + DAY, MONDAY + 2 * DAY
    row = covers.ask(web, covers.RequestDraft(start, end, ike), by=mara)
    at_once(monkeypatch, lambda: covers.take(row, by=ike), lambda: cover(web, rowan, start, end))
    assert (ike.email, "Web: Rowan Ellis stands in for you") in mails()
    assert queries.who("web", start).people == (rowan,)


def test_nobody_hears_of_time_that_an_override_gives_back_to_another(
    monkeypatch: pytest.MonkeyPatch, three: list[Person]
) -> None:
    mara, ike, rowan = three
    web = rota(mara)
    start, end = MONDAY + DAY, MONDAY + 2 * DAY
    before = cover(web, rowan, start, end)
    at_once(
        monkeypatch,
        lambda: cover(web, ike, start, end),
        lambda: actions.cancel_override(before, actor=rowan, by=rowan),
    )
    assert (mara.email, "Web: you are on call, by Rowan Ellis") not in mails()
    assert queries.who("web", start).people == (ike,)
    assert Override.objects.filter(cancelled_at=None).count() == 1


def test_a_layer_that_ends_while_its_turn_order_changes_ends_with_the_new_one(
    monkeypatch: pytest.MonkeyPatch, three: list[Person]
) -> None:
    mara, ike, rowan = three
    web = rota(mara)
    at_once(
        monkeypatch,
        lambda: actions.set_rotation(queries.schedule("web"), draft(ike), actor=rowan),
        lambda: actions.end_layer(queries.schedule("web"), None, actor=rowan),
    )
    assert queries.who("web", MONDAY + 30 * DAY).people == ()
    assert not web.rotations.filter(ends_at=None).exists()


def test_of_two_turn_orders_at_once_the_second_is_told_by_what_the_first_left(
    monkeypatch: pytest.MonkeyPatch, three: list[Person]
) -> None:
    mara, ike, rowan = three
    rota(mara)
    at_once(
        monkeypatch,
        lambda: actions.set_rotation(queries.schedule("web"), draft(ike), actor="raglan"),
        lambda: actions.set_rotation(queries.schedule("web"), draft(rowan), actor="raglan"),
    )
    assert [subject for to, subject in mails() if to == ike.email] == [
        "Web: you are on call, by raglan",
        "Web: you are not on call, by raglan",
    ]
    assert queries.who("web", MONDAY + 30 * DAY).people == (rowan,)
