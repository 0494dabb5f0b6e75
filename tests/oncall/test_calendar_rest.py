"""REST of calendars that go out and of public holidays: what the screens do, and no more than they may."""

import pytest
from django.test import Client

from raglan.core.models import Event
from raglan.oncall.models import Feed, Holiday
from raglan.people.models import Person
from raglan.testing import world
from tests.oncall.builders import rota
from tests.oncall.test_rest import Api

CHRISTMAS = {"day": "2026-12-25", "name": "Christmas"}


def path_of(address: object) -> str:
    return str(address)[str(address).index("/on-call/") :]


def test_holidays_are_set_and_read(mara: Person) -> None:
    rota(mara)
    api = Api(None, ["read", "configure"])
    body = {"days": [{"day": "2027-01-01", "name": "  New\n year "}, CHRISTMAS]}
    both = [CHRISTMAS, {"day": "2027-01-01", "name": "New year"}]
    assert api.send("put", "/schedules/web/holidays", body) == (200, both)
    assert api.send("put", "/schedules/web/holidays", body) == (200, both)
    assert Event.objects.filter(kind="schedule.holidays_set").count() == 1
    assert Api(None, ["read"]).get("/schedules/web/holidays") == (200, both)
    assert api.send("put", "/schedules/web/holidays", {"days": []}) == (200, [])


@pytest.mark.parametrize(
    "days",
    [
        [CHRISTMAS, CHRISTMAS],
        [{"day": "soon"}],
        [{"day": 5}],
        [{"day": "0001-01-01"}],
        [{"day": "2026-12-25", "name": "x" * 81}],
        [{"day": "2026-12-25", "colour": "red"}],
        [{"day": f"20{y:02}-{m:02}-{d:02}"} for y in range(26, 28) for m in range(1, 13) for d in range(1, 20)],
        None,
        "x",
    ],
    ids=str,
)
def test_wrong_holidays_are_refused_and_change_nothing(mara: Person, days: object) -> None:
    rota(mara)
    api = Api(None, ["read", "configure"])
    assert api.send("put", "/schedules/web/holidays", {"days": days})[0] == 422
    assert not Holiday.objects.exists()


def test_holidays_need_the_scope_to_configure_and_a_rota(mara: Person) -> None:
    rota(mara)
    assert Api(mara, ["read", "respond"]).send("put", "/schedules/web/holidays", {"days": [CHRISTMAS]})[0] == 403
    api = Api(None, ["read", "configure"])
    assert api.send("put", "/schedules/none/holidays", {"days": [CHRISTMAS]})[0] == 404
    assert api.get("/schedules/none/holidays")[0] == 404


def test_a_calendar_is_made_shown_once_and_ended(mara: Person, ike: Person) -> None:
    rota(mara, ike)
    api = Api(mara, ["read", "respond"])
    status, made = api.send("post", "/calendars", {"schedule": "web"})
    assert (status, made["schedule"]) == (201, "web")
    assert Client().get(path_of(made["address"])).status_code == 200
    assert api.send("post", "/calendars", {})[1]["schedule"] is None
    listed = api.get("/calendars")[1]
    assert {item["schedule"] for item in listed} == {"web", None}  # type: ignore[attr-defined]  # a list
    assert ".ics" not in str(listed)
    again = api.send("post", "/calendars", {"schedule": "web"})[1]
    assert Client().get(path_of(made["address"])).status_code == 404
    assert api.send("delete", "/calendars?schedule=web")[0] == 204
    assert api.send("delete", "/calendars?schedule=web")[0] == 204
    assert Client().get(path_of(again["address"])).status_code == 404
    assert Feed.objects.get(ended_at__isnull=True).schedule is None


def test_a_calendar_is_one_persons_own(mara: Person, ike: Person) -> None:
    rota(mara)
    Api(mara, ["read", "respond"]).send("post", "/calendars", {"schedule": "web"})
    other = Api(ike, ["read", "respond"])
    assert other.get("/calendars") == (200, [])
    assert other.send("delete", "/calendars?schedule=web")[0] == 204
    assert Feed.objects.filter(ended_at__isnull=True).count() == 1


def test_a_token_that_only_reads_or_belongs_to_nobody_makes_no_calendar(mara: Person) -> None:
    rota(mara)
    assert Api(mara, ["read"]).send("post", "/calendars", {})[0] == 403
    assert Api(mara, ["read"]).send("delete", "/calendars")[0] == 403
    assert Api(None, ["read", "respond", "configure"]).send("post", "/calendars", {})[0] == 403
    assert Api(None, ["read", "configure"]).get("/calendars")[0] == 403
    assert not Feed.objects.exists()


def test_a_viewer_makes_a_calendar_in_the_browser_as_on_the_screen(mara: Person) -> None:
    rota(mara)
    client = Client()
    client.force_login(world.person("Vera Low", role=Person.Role.VIEWER))
    assert client.post("/api/v1/calendars", {"schedule": "web"}, content_type="application/json").status_code == 201
    assert Client().post("/api/v1/calendars", {}, content_type="application/json").status_code == 401


@pytest.mark.parametrize("body", [{"schedule": "Web!"}, {"schedule": 3}, {"person": 1}, [], "{"])
def test_a_wrong_calendar_is_refused(mara: Person, body: object) -> None:
    status, _ = Api(mara, ["read", "respond"]).send("post", "/calendars", body)
    assert status in (400, 422)
    assert Api(mara, ["read", "respond"]).send("post", "/calendars", {"schedule": "none"})[0] == 404
