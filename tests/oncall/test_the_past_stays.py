"""Once a rota exists, nothing decides about the time before."""

from datetime import date

import pytest

from raglan.oncall import actions, queries
from raglan.people.models import Person
from tests.oncall.builders import DAY, HOUR, MONDAY, draft, rota


@pytest.fixture
def planned(mara: Person) -> actions.Schedule:
    """A rota that begins in two weeks, whose turn order was taken back."""
    web = actions.create_schedule(
        name="Web",
        slug="web",
        team=None,
        time_zone="UTC",
        rotation=draft(mara, starts_on=date(2026, 12, 7)),
        actor=mara,
    )
    [row] = web.rotations.all()
    found, begins_at = queries.rotation("web", row.pk)
    actions.withdraw_rotation(found, begins_at=begins_at, actor=mara)
    return web


def test_a_turn_order_after_the_only_one_was_taken_back_does_not_change_the_past(
    planned: actions.Schedule, ike: Person
) -> None:
    actions.set_rotation(planned, draft(ike, starts_on=date(2026, 10, 5)), actor=ike)
    assert queries.who("web", MONDAY - 30 * DAY).people == ()
    assert queries.who("web", MONDAY - HOUR).people == ()
    assert queries.who("web", MONDAY + HOUR).people == (ike,)


def test_the_first_turn_order_of_a_rota_made_without_one_does_not_change_the_past(mara: Person) -> None:
    web = actions.create_schedule(name="Web", slug="web", team=None, time_zone="UTC", rotation=None, actor=mara)
    actions.set_rotation(web, draft(mara), actor=mara)
    assert queries.who("web", MONDAY - HOUR).people == ()
    assert queries.who("web", MONDAY + HOUR).people == (mara,)


def test_a_rota_that_is_made_with_a_turn_order_may_tell_of_the_time_before(mara: Person) -> None:
    rota(mara)
    assert queries.who("web", MONDAY - 30 * DAY).people == (mara,)
