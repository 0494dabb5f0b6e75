"""Layers, windows, groups and overrides of four kinds through actions, queries and REST."""

from dataclasses import replace
from datetime import date, time, timedelta

import pytest

from raglan.core.clock import CLOCK
from raglan.core.errors import BadInput
from raglan.oncall import actions, queries
from raglan.oncall.models import Layer, Override, Rotation
from raglan.oncall.turns import Window
from raglan.people import actions as people
from raglan.people.models import Person
from raglan.testing import world
from tests.oncall.builders import DAY, HOUR, MONDAY, draft, rota
from tests.oncall.test_rest import Api

OFFICE = (Window(time(9), time(17), (0, 1, 2, 3, 4)),)


@pytest.fixture
def api(monday: None) -> Api:
    return Api(None, ["read", "respond", "configure"])


def names(slug: str, at: object = None) -> list[str]:
    return [person.name for person in queries.who(slug, at).people]  # type: ignore[arg-type]  # an instant or none


def test_a_layer_above_decides_in_its_windows_only(mara: Person, ike: Person) -> None:
    web = rota(mara)
    actions.set_rotation(web, replace(draft(ike), layer="Office", rank=1, windows=OFFICE), actor=mara)
    assert [names("web", MONDAY + n * HOUR) for n in (1, 6)] == [["Ike Okafor"], ["Mara Novak"]]
    assert "it is their turn in Office" in queries.who("web", MONDAY + HOUR).why
    assert queries.people_on_call(web.pk, MONDAY + HOUR)[0][1] == "on call for Web: it is their turn in Office"


def test_another_layer_leaves_the_past_as_it_was(mara: Person, ike: Person) -> None:
    web = rota(mara)
    past = queries.shifts_between(queries.schedule("web"), MONDAY - 60 * DAY, MONDAY)
    actions.set_rotation(web, replace(draft(ike), layer="Office", rank=1), actor=mara)
    assert queries.shifts_between(queries.schedule("web"), MONDAY - 60 * DAY, MONDAY) == past


def test_a_layer_that_ends_keeps_what_it_was(mara: Person, ike: Person) -> None:
    web = rota(mara)
    actions.set_rotation(web, replace(draft(ike), layer="Trial", rank=1), actor=mara)
    layer = Layer.objects.get()
    CLOCK.move(2 * HOUR)
    actions.end_layer(web, layer, actor=mara)
    actions.end_layer(web, layer, actor=mara)
    assert names("web", MONDAY + HOUR) == ["Ike Okafor"]
    assert names("web", MONDAY + 3 * HOUR) == ["Mara Novak"]


def test_a_change_can_be_dated(mara: Person, ike: Person) -> None:
    web = rota(mara)
    later = MONDAY + 3 * DAY
    actions.set_rotation(web, replace(draft(ike), effective_from=later), actor=mara)
    assert [names("web", later - HOUR), names("web", later)] == [["Mara Novak"], ["Ike Okafor"]]


def test_everybody_in_a_group_is_paged(mara: Person, ike: Person, rowan: Person) -> None:
    web = rota(rowan)
    actions.set_rotation(web, draft((mara.pk, ike.pk), rowan, starts_on=date(2026, 11, 23)), actor=mara)
    assert [person for person, _ in queries.people_on_call(web.pk, MONDAY + HOUR)] == [mara, ike]


def test_who_left_a_group_leaves_the_others_on_call(mara: Person, ike: Person) -> None:
    rota(ike)
    actions.set_rotation(queries.schedule("web"), draft((mara.pk, ike.pk)), actor=mara)
    people.deactivate(ike, by=mara)
    CLOCK.move(HOUR)
    assert names("web") == ["Mara Novak"]


def test_failure_9_a_reader_in_a_rotation_is_on_call_all_the_same(monday: None) -> None:
    viewer = world.person("Lior Berg", role=Person.Role.VIEWER)
    web = rota(viewer)
    assert [person for person, _ in queries.people_on_call(web.pk, MONDAY)] == [viewer]


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"unit": "fortnights"}, "unit"),
        ({"unit": "hours", "every": 169}, "every"),
        ({"unit": "weekdays"}, "weekdays"),
        ({"weekdays": (1,)}, "weekdays"),
        ({"unit": "weekdays", "weekdays": (7,)}, "weekdays"),
        ({"windows": OFFICE * 15}, "windows"),
        ({"windows": (Window(time(9), time(17), ()),)}, "windows[0]"),
        ({"active_days": True}, "active_days"),
        ({"rank": 101}, "rank"),
        ({"layer": "x" * 61}, "layer"),
        ({"ends_at": MONDAY - DAY}, "ends_at"),
        ({"participants": [tuple(range(1, 20))]}, "participants[0]"),
        ({"participants": [()]}, "participants[0]"),
    ],
)
def test_a_wrong_layer_is_refused_by_field(mara: Person, fields: dict[str, object], field: str) -> None:
    web = rota(mara)
    with pytest.raises(BadInput) as refused:
        actions.set_rotation(web, replace(draft(mara), **fields), actor=mara)  # type: ignore[arg-type]  # on purpose
    assert refused.value.field == field
    assert Rotation.objects.count() == 1


def test_rest_stores_and_shows_a_layer(api: Api, mara: Person, ike: Person) -> None:
    rota(mara)
    body = {
        "participants": [[mara.pk, ike.pk], ike.pk],
        "starts_on": "2026-11-23",
        "unit": "days",
        "handoff_time": "08:00",
        "layer": "Days",
        "rank": 3,
        "windows": [{"from": "08:00", "to": "20:00"}],
        "active_days": True,
    }
    status, answer = api.send("put", "/schedules/web/rotation", body)
    assert status == 200
    [layer] = [one for one in answer["rotations"] if one["layer"] == "Days"]
    assert layer["groups"] == [[mara.pk, ike.pk], [ike.pk]]
    assert layer["windows"] == [{"from": "08:00", "to": "20:00", "weekdays": [0, 1, 2, 3, 4, 5, 6]}]
    status, answer = api.send("post", "/schedules/web/layers/end", {"layer": "Days"})
    assert [one["layer"] for one in answer["rotations"]] == [""]
    assert api.send("post", "/schedules/web/layers/end", {"layer": "None"})[0] == 404


def test_rest_knows_the_four_kinds_of_override(api: Api, mara: Person, ike: Person) -> None:
    rota(mara)
    body = {"person_id": ike.pk, "starts_at": "2026-11-24T00:00:00Z", "ends_at": "2026-11-25T00:00:00Z", "reason": "x"}
    assert api.send("post", "/schedules/web/overrides", {**body, "kind": "add"})[0] == 201
    assert names("web", MONDAY + DAY) == ["Mara Novak", "Ike Okafor"]
    one = {**body, "kind": "replace_one", "instead_of_id": mara.pk}
    assert api.send("post", "/schedules/web/overrides", one)[1]["instead_of_id"] == mara.pk
    assert names("web", MONDAY + DAY) == ["Ike Okafor"]
    assert api.send("post", "/schedules/web/overrides", {**body, "kind": "replace_one"})[1]["field"] == "instead_of_id"
    assert api.send("post", "/schedules/web/overrides", {**body, "kind": "swap"})[0] == 422
    assert Override.objects.count() == 2


def test_a_cover_for_one_of_two_says_why(mara: Person, ike: Person, rowan: Person) -> None:
    web = rota(rowan)
    actions.set_rotation(web, draft((mara.pk, ike.pk)), actor=mara)
    one = actions.OverrideDraft(rowan, MONDAY + HOUR, MONDAY + DAY, "ill", Override.Kind.REPLACE_ONE, ike)
    actions.add_override(web, one, by=rowan)
    found = queries.people_on_call(web.pk, MONDAY + 2 * HOUR)
    assert [(person.name, why) for person, why in found] == [
        ("Mara Novak", "on call for Web: it is their turn"),
        ("Rowan Ellis", "on call for Web: takes this time in place of somebody: ill"),
    ]
    assert timedelta(0) < one.ends_at - one.starts_at
