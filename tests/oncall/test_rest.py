"""REST of on call: what it answers, and that a wrong value gets a 4xx that names it."""

import json
from datetime import timedelta

import pytest
from django.test import Client

from raglan.core.models import Event
from raglan.oncall.models import Override, Rotation, Schedule
from raglan.people import actions as people
from raglan.people.models import Person
from tests.oncall.builders import DAY, MONDAY, cover, rota

Json = dict[str, object]


class Api:
    """A program with a token."""

    def __init__(self, person: Person | None, scopes: list[str]) -> None:
        _, secret = people.issue_token(person, name="test", scopes=scopes, days=1, actor="raglan")
        self.client = Client(headers={"Authorization": f"Bearer {secret}"})

    def get(self, path: str, **query: str) -> tuple[int, object]:
        response = self.client.get(f"/api/v1{path}", query)
        return response.status_code, response.json()

    def send(self, method: str, path: str, body: object = None) -> tuple[int, Json]:
        raw = body if isinstance(body, str) else json.dumps(body)
        send = getattr(self.client, method)
        response = send(f"/api/v1{path}", raw, content_type="application/json")
        return response.status_code, response.json() if response.content else {}


@pytest.fixture
def api(monday: None) -> Api:
    return Api(None, ["read", "respond", "configure"])


def schedule_body(*participants: Person, **fields: object) -> Json:
    rotation: Json = {
        "participants": [person.pk for person in participants],
        "handoff_weekday": 0,
        "handoff_time": "09:00",
        "starts_on": "2026-11-23",
    }
    return {"name": "Web", "slug": "web", "time_zone": "Europe/Berlin", "rotation": rotation, **fields}


def with_rotation(*participants: Person, **fields: object) -> Json:
    body = schedule_body(*participants)
    return {**body, "rotation": {**body["rotation"], **fields}}  # type: ignore[dict-item]  # it is an object


def test_a_rota_is_made_and_answers_who_is_on_call(api: Api, mara: Person, ike: Person) -> None:
    team = people.create_team(name="Web", slug="web", actor="raglan")
    status, made = api.send("post", "/schedules", schedule_body(mara, ike, team=team.slug))
    assert (status, made["slug"], made["team"]) == (201, "web", "web")
    assert api.get("/on-call", at="2026-11-24T00:00:00Z") == (
        200,
        [
            {
                "schedule": "web",
                "name": "Web",
                "team": "web",
                "people": [{"id": mara.pk, "name": "Mara Novak"}],
                "why": "it is their turn",
                "reasons": [
                    {
                        "person_id": mara.pk,
                        "source": "rotation",
                        "words": "it is their turn",
                        "layer": "",
                        "override_id": None,
                        "instead_of": [],
                    }
                ],
                "until": "2026-11-30T08:00:00Z",
                "next": {"people": [{"id": ike.pk, "name": "Ike Okafor"}], "from": "2026-11-30T08:00:00Z"},
            }
        ],
    )


def test_a_gap_and_an_open_end_are_said(api: Api, mara: Person) -> None:
    rota(mara)
    _, before = api.get("/on-call", at="2025-12-31T00:00:00Z")
    _, after = api.get("/on-call")
    assert [(duty["people"], duty["until"]) for duty in before] == [([], "2026-01-05T09:00:00Z")]  # type: ignore[attr-defined]
    assert [(len(duty["people"]), duty["until"], duty["next"]) for duty in after] == [(1, None, None)]  # type: ignore[attr-defined]


def test_shifts_name_people_gaps_and_in_whose_place(api: Api, mara: Person, ike: Person) -> None:
    item = cover(rota(mara), ike, MONDAY + DAY, MONDAY + 2 * DAY)
    status, found = api.get("/schedules/web/shifts", start="2026-11-24T00:00:00Z", end="2026-11-25T00:00:00Z")
    assert status == 200
    assert [(s["people"][0]["id"], s["override_id"], s["instead_of"]) for s in found] == [  # type: ignore[attr-defined]
        (mara.pk, None, []),
        (ike.pk, item.pk, [{"id": mara.pk, "name": mara.name}]),
    ]
    _, early = api.get("/schedules/web/shifts", start="2025-12-01T00:00:00Z", end="2026-01-01T00:00:00Z")
    assert [(s["people"], s["ends_at"]) for s in early] == [([], "2026-01-01T00:00:00Z")]  # type: ignore[attr-defined]


def test_everything_that_the_screens_do_can_be_done(api: Api, mara: Person, ike: Person) -> None:
    rota(mara)
    rotation = with_rotation(ike, starts_on="2026-12-07", time_zone="Asia/Tokyo")["rotation"]
    status, detail = api.send("put", "/schedules/web/rotation", rotation)
    assert status == 200
    planned = detail["rotations"][1]  # type: ignore[index]
    assert (planned["begins_at"], planned["ends_at"]) == ("2026-12-07T00:00:00Z", None)
    assert (planned["handoff_time"], planned["time_zone"]) == ("09:00", "Asia/Tokyo")
    assert api.send("delete", f"/schedules/web/rotations/{planned['id']}")[0] == 204
    taken = {"person_id": ike.pk, "starts_at": "2026-11-24T00:00:00Z", "ends_at": "2026-11-25T00:00:00Z", "reason": "x"}
    status, override = api.send("post", "/schedules/web/overrides", taken)
    assert status == 201
    _, shown = api.get("/schedules/web")
    assert shown["overrides"] == [override]  # type: ignore[index]
    assert api.send("delete", f"/schedules/web/overrides/{override['id']}?reason=well+again")[0] == 204
    assert api.get("/schedules/web")[1]["overrides"] == []  # type: ignore[index]
    assert [row["slug"] for row in api.get("/schedules")[1]] == ["web"]  # type: ignore[attr-defined]


def test_a_turn_order_that_counts_already_can_not_be_taken_back(api: Api, mara: Person) -> None:
    rota(mara)
    assert api.send("delete", f"/schedules/web/rotations/{Rotation.objects.get().pk}")[0] == 409


WRONG_SCHEDULES: list[tuple[Json, str]] = [
    ({"name": ""}, "name"),
    ({"name": "x" * 121}, "name"),
    ({"slug": "New Rota"}, "slug"),
    ({"slug": "new"}, "slug"),
    ({"team": "nobody"}, "team"),
    ({"time_zone": "Mars/Base"}, "time_zone"),
    ({"time_zone": "\x00"}, "time_zone"),
    ({"time_zone": 5}, "time_zone"),
    ({"time_zone": ""}, "time_zone"),
    ({"rotation": None}, "rotation"),
    ({"colour": "red"}, "colour"),
]
WRONG_ROTATIONS: list[tuple[Json, str]] = [
    ({"participants": []}, "participants"),
    ({"participants": [10**30]}, "participants[0]"),
    ({"participants": [2**63 - 1]}, "participants[0]"),
    ({"participants": [-1]}, "participants[0]"),
    ({"participants": ["mara"]}, "participants[0]"),
    ({"participants": [1] * 61}, "participants"),
    ({"handoff_weekday": 7}, "handoff_weekday"),
    ({"handoff_weekday": 10**40}, "handoff_weekday"),
    ({"handoff_time": "25:00"}, "handoff_time"),
    ({"handoff_time": "09:00+02:00"}, "handoff_time"),
    ({"handoff_time": "09:00:00.5"}, "handoff_time"),
    ({"handoff_time": 32400}, "handoff_time"),
    ({"handoff_time": "٠٩:٠٠"}, "handoff_time"),
    ({"handoff_time": "09:00\n"}, "handoff_time"),
    ({"starts_on": "1969-12-31"}, "starts_on"),
    ({"starts_on": "2200-01-01"}, "starts_on"),
    ({"starts_on": 10**12}, "starts_on"),
    ({"starts_on": "2026-02-30"}, "starts_on"),
    ({"weeks": 0}, "weeks"),
    ({"weeks": 53}, "weeks"),
    ({"time_zone": "localtime"}, "time_zone"),
]


@pytest.mark.parametrize(("fields", "field"), WRONG_SCHEDULES)
def test_a_wrong_rota_is_refused_and_the_field_named(api: Api, mara: Person, fields: Json, field: str) -> None:
    status, problem = api.send("post", "/schedules", schedule_body(mara, **fields))
    assert status in (400, 422)
    assert problem["field"] == field
    assert not Schedule.objects.exists()


@pytest.mark.parametrize(("fields", "field"), WRONG_ROTATIONS)
def test_a_wrong_turn_order_is_refused_and_the_field_named(api: Api, mara: Person, fields: Json, field: str) -> None:
    body = with_rotation(mara, **fields)
    status, problem = api.send("post", "/schedules", body)
    assert status in (400, 422)
    assert str(problem["field"]).removeprefix("rotation.") == field
    assert not Schedule.objects.exists()
    rota(mara)
    status, problem = api.send("put", "/schedules/web/rotation", body["rotation"])
    assert (status in (400, 422), problem["field"]) == (True, field)


@pytest.mark.parametrize(
    "body", ["", "{", "[]", "null", '"x"', "{}", '{"name": "\\ud800"}', "[" * 5000, '{"name":NaN}']
)
def test_a_body_that_is_not_a_rota_is_refused(api: Api, mara: Person, body: str) -> None:
    rota(mara)
    assert api.send("post", "/schedules", body)[0] in (400, 422)
    assert api.send("put", "/schedules/web/rotation", body)[0] in (400, 422)
    assert api.send("post", "/schedules/web/overrides", body)[0] in (400, 422)


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"person_id": 999_999}, "person_id"),
        ({"person_id": 10**30}, "person_id"),
        ({"person_id": None}, "person_id"),
        ({"starts_at": "0001-01-01T00:00:00Z"}, "starts_at"),
        ({"starts_at": "9999-12-31T23:59:59-12:00"}, "starts_at"),
        ({"starts_at": 10**18}, "starts_at"),
        ({"ends_at": "2026-11-20T00:00:00Z"}, "ends_at"),
        ({"ends_at": "2200-12-31T00:00:00Z"}, "ends_at"),
        ({"ends_at": "tomorrow"}, "ends_at"),
        ({"reason": "x" * 201}, "reason"),
        ({"reason": None}, "reason"),
    ],
)
def test_a_wrong_override_is_refused_and_the_field_named(api: Api, mara: Person, fields: Json, field: str) -> None:
    rota(mara)
    body: Json = {"person_id": mara.pk, "starts_at": "2026-11-24T00:00:00Z", "ends_at": "2026-11-25T00:00:00Z"}
    body["reason"] = "ill"
    status, problem = api.send("post", "/schedules/web/overrides", {**body, **fields})
    assert status in (400, 422)
    assert problem["field"] == field
    assert not Override.objects.exists()


@pytest.mark.parametrize("at", ["now", "1969-01-01T00:00:00Z", "2201-01-01T00:00:00Z", "9" * 40, "-1", "\x00"])
def test_a_time_that_is_none_is_refused(api: Api, mara: Person, at: str) -> None:
    rota(mara)
    assert api.get("/on-call", at=at)[0] == 422
    assert api.get("/schedules/web/shifts", start=at)[0] == 422


@pytest.mark.parametrize("at", ["1970-01-01T00:00:00Z", "2200-12-31T23:59:59Z", "2026-11-24T01:00:00+14:00", "0"])
def test_every_time_in_range_has_an_answer(api: Api, mara: Person, ike: Person, at: str) -> None:
    rota(mara, ike)
    assert api.get("/on-call", at=at)[0] == 200
    assert api.get("/schedules/web/shifts", start=at)[0] == 200


def test_at_most_four_hundred_days_are_listed(api: Api, mara: Person, ike: Person) -> None:
    rota(mara, ike)
    start = MONDAY.isoformat()
    for days, expected in ((400, 200), (401, 422), (-1, 422)):
        end = (MONDAY + timedelta(days=days)).isoformat()
        assert api.get("/schedules/web/shifts", start=start, end=end)[0] == expected


@pytest.mark.parametrize("number", ["0", "999999", "9223372036854775807", "9223372036854775808", "-1", "x"])
def test_what_is_not_there_can_not_be_taken_away(api: Api, mara: Person, number: str) -> None:
    rota(mara)
    for kind in ("overrides", "rotations"):
        assert api.send("delete", f"/schedules/web/{kind}/{number}")[0] in (404, 422)


def test_the_overrides_of_another_rota_are_not_here(api: Api, mara: Person, ike: Person) -> None:
    item = cover(rota(mara), ike, MONDAY + DAY, MONDAY + 2 * DAY)
    rota(mara, slug="data")
    assert api.send("delete", f"/schedules/data/overrides/{item.pk}")[0] == 404


@pytest.mark.parametrize(
    ("scopes", "method", "path"),
    [
        (["read", "respond"], "post", "/schedules"),
        (["read", "respond"], "put", "/schedules/web/rotation"),
        (["read"], "post", "/schedules/web/overrides"),
    ],
)
def test_without_the_scope_nothing_is_changed(mara: Person, scopes: list[str], method: str, path: str) -> None:
    rota(mara)
    bodies: dict[str, object] = {
        "/schedules": schedule_body(mara, slug="other"),
        "/schedules/web/rotation": with_rotation(mara)["rotation"],
        "/schedules/web/overrides": {
            "person_id": mara.pk,
            "starts_at": "2026-11-24T00:00:00Z",
            "ends_at": "2026-11-25T00:00:00Z",
        },
    }
    status, problem = Api(None, scopes).send(method, path, bodies[path])
    assert (status, problem["code"]) == (403, "not_allowed")
    assert (Schedule.objects.count(), Rotation.objects.count(), Override.objects.count()) == (1, 1, 0)


def test_without_a_token_nothing_is_told(mara: Person) -> None:
    rota(mara)
    assert Client().get("/api/v1/on-call").status_code == 401


def test_an_override_by_a_token_is_recorded_as_done_by_it(api: Api, mara: Person) -> None:
    rota(mara)
    body = {"person_id": mara.pk, "starts_at": "2026-11-24T00:00:00Z", "ends_at": "2026-11-25T00:00:00Z", "reason": "x"}
    assert api.send("post", "/schedules/web/overrides", body)[0] == 201
    assert Event.objects.get(kind="schedule.override_added").actor.startswith("token:")
