"""Whoever changes, ends or takes back a turn order tells all others whose time moves by it."""

from datetime import time, timedelta

import pytest
from django.test import Client

from raglan.oncall import actions, queries
from raglan.people import actions as people
from raglan.people.models import Person
from raglan.testing import world
from tests.oncall.builders import DAY, MONDAY, draft, rota, standing_at
from tests.oncall.test_covers_and_notices import mails

pytestmark = pytest.mark.django_db
ON, OFF = "Web: you are on call, by ", "Web: you are not on call, by "


@pytest.fixture
def three() -> list[Person]:
    with standing_at(MONDAY):
        return [world.person(name, time_zone="UTC") for name in ("Mara Novak", "Ike Okafor", "Rowan Ellis")]


def told_since(before: int) -> list[tuple[str, str]]:
    return sorted(mails()[before:])


def test_another_turn_order_is_told_to_those_who_come_and_go(three: list[Person]) -> None:
    mara, ike, rowan = three
    web = rota(mara)

    actions.set_rotation(web, draft(ike), actor=rowan)

    assert told_since(0) == sorted([(ike.email, f"{ON}Rowan Ellis"), (mara.email, f"{OFF}Rowan Ellis")])


def test_whoever_changes_it_knows_that_and_one_that_moves_nobody_is_not_told(three: list[Person]) -> None:
    mara, ike, _ = three
    web = rota(mara)

    actions.set_rotation(web, draft(mara), actor=ike)
    assert mails() == []
    actions.set_rotation(web, draft(ike), actor=ike)
    assert mails() == [(mara.email, f"{OFF}Ike Okafor")]


def test_one_that_is_planned_and_taken_back_is_told_each_time(three: list[Person]) -> None:
    mara, ike, rowan = three
    web = rota(mara)
    later = actions.RotationDraft([ike.pk], MONDAY.date(), 0, time(9), effective_from=MONDAY + 200 * DAY)
    planned = actions.set_rotation(web, later, actor=rowan)
    before = len(mails())
    assert before == 2

    actions.withdraw_rotation(planned, begins_at=queries.rotation("web", planned.pk)[1], actor=rowan)

    assert told_since(before) == sorted([(ike.email, f"{OFF}Rowan Ellis"), (mara.email, f"{ON}Rowan Ellis")])


def test_a_layer_that_ends_is_told_once(three: list[Person]) -> None:
    mara, ike, rowan = three
    web = rota(mara)
    actions.set_rotation(
        web, actions.RotationDraft([ike.pk], MONDAY.date(), 0, time(9), layer="Top", rank=1), actor=mara
    )
    before = len(mails())

    for _ in range(2):
        actions.end_layer(web, queries.layer(web, "Top"), actor=rowan, at=MONDAY + timedelta(days=30))

    assert told_since(before) == sorted([(ike.email, f"{OFF}Rowan Ellis"), (mara.email, f"{ON}Rowan Ellis")])


def test_over_rest_whoever_asks_is_not_told(three: list[Person]) -> None:
    mara, ike, _ = three
    rota(mara)
    Person.objects.filter(pk=ike.pk).update(role=Person.Role.MANAGER)
    secret = people.issue_token(ike, name="t", scopes=["read", "configure"], days=9, actor=ike)[1]
    body = {"participants": [ike.pk], "starts_on": "2026-11-23", "handoff_weekday": 0, "handoff_time": "09:00"}

    head = {"Authorization": f"Bearer {secret}"}
    answer = Client().put("/api/v1/schedules/web/rotation", body, content_type="application/json", headers=head)

    assert answer.status_code == 200, answer.content
    assert mails() == [(mara.email, f"{OFF}Ike Okafor")]
