"""Hours by band: what counts as what, who sees them, and what a spreadsheet gets."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.test import Client
from hypothesis import given, settings
from hypothesis import strategies as st

from raglan.core.errors import BadInput, NotAllowed
from raglan.oncall import fairness
from raglan.oncall.ledger import Band, hours
from raglan.people.models import Person
from raglan.testing import world
from tests.oncall.builders import DAY, HOUR, MONDAY, rota
from tests.oncall.test_rest import Api
from tests.oncall.zones import TWELVE

BERLIN = ZoneInfo("Europe/Berlin")


def at(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=BERLIN).astimezone(UTC)  # type: ignore[misc,arg-type]  # the parts of a date


def in_hours(start: datetime, end: datetime, *holidays: date) -> dict[str, float]:
    found = hours([(start, end)], BERLIN, holidays)
    return {band.value: value / HOUR for band, value in found.by_band.items() if value}


def test_each_hour_of_a_week_is_in_one_band() -> None:
    assert in_hours(at(2026, 2, 2), at(2026, 2, 9)) == {"day": 80, "night": 40, "weekend": 48}


def test_a_holiday_comes_before_weekend_and_night() -> None:
    assert in_hours(at(2026, 12, 25), at(2026, 12, 27), date(2026, 12, 25), date(2026, 12, 26)) == {"holiday": 48}


def test_a_night_on_which_clocks_change_has_its_real_hours() -> None:
    spring = in_hours(at(2026, 3, 28, 22), at(2026, 3, 29, 6))
    autumn = in_hours(at(2026, 10, 24, 22), at(2026, 10, 25, 6))
    assert (spring, autumn) == ({"weekend": 7}, {"weekend": 9})


def test_a_night_is_counted_once_and_belongs_to_its_evening() -> None:
    times = [(at(2026, 2, 2, 21), at(2026, 2, 3, 1)), (at(2026, 2, 3, 3), at(2026, 2, 3, 7))]
    assert hours(times, BERLIN, ()).nights == 1


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(TWELVE), st.integers(0, 500_000), st.integers(1, 20_000))
def test_no_minute_is_lost_or_counted_twice(zone: str, start: int, length: int) -> None:
    low = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=start)
    high = low + timedelta(minutes=length)
    assert hours([(low, high)], ZoneInfo(zone), (date(2026, 3, 29),)).total == high - low


def test_hours_are_seen_by_those_who_take_turns_and_by_name(mara: Person, ike: Person, boss: Person) -> None:
    web = rota(mara, ike)
    for reader in (mara, boss):
        found = fairness.lines(web, MONDAY, MONDAY + 14 * DAY, reader=reader)
        assert [line.person.name for line in found] == ["Ike Okafor", "Mara Novak"]
        assert sum(line.total for line in found) == 14 * 24
    with pytest.raises(NotAllowed):
        fairness.lines(web, MONDAY, MONDAY + DAY, reader=world.person("Lior Berg"))


def test_who_may_not_see_hours_is_led_to_none(mara: Person) -> None:
    rota(mara)
    links = []
    for reader in (mara, world.person("Lior Berg")):
        client = Client()
        client.force_login(reader)
        links.append("/on-call/web/hours/" in client.get("/on-call/web/").content.decode())
    assert links == [True, False]


def test_no_cell_of_the_csv_is_a_formula(mara: Person) -> None:
    bad = world.person("Lior Berg", time_zone="UTC")
    Person.objects.filter(pk=bad.pk).update(name="=HYPERLINK(1)")
    rota(bad)
    client = Client()
    client.force_login(bad)
    answer = client.get("/on-call/web/hours/?month=2026-11&format=csv")
    head, line = answer.content.decode().split("\r\n")[:2]
    assert head == "name,email,time_zone,day_hours,night_hours,weekend_hours,holiday_hours,total_hours,nights"
    assert line.startswith("'=HYPERLINK(1),")
    assert answer.headers["Content-Type"].startswith("text/csv")


def test_the_screen_shows_a_month_and_keeps_holidays(mara: Person, boss: Person) -> None:
    web = rota(mara)
    client = Client()
    client.force_login(boss)
    assert client.post("/on-call/web/holidays/", {"holidays": "2026-11-23 Day of rest\n\n"}).status_code == 302
    page = client.get("/on-call/web/hours/").content.decode()
    assert "by the time zone that they have today, also in past months" in page
    assert "holiday 24.0" in page
    assert "2026-11-23 Day of rest" in page
    for month in ("nonsense", "0001-01", "9999-12", "2026-13"):
        assert client.get("/on-call/web/hours/", {"month": month}).status_code == 200
    assert client.post("/on-call/web/holidays/", {"holidays": "soon"}).status_code == 400
    client.force_login(mara)
    assert client.post("/on-call/web/holidays/", {}).status_code == 403
    assert fairness.holidays_of(web) == "2026-11-23 Day of rest"


@pytest.mark.parametrize(
    "text",
    [
        "soon",
        "2026-02-30 x",
        "0001-01-01",
        "\n".join(f"{2000 + n // 300}-01-{n % 28 + 1:02}" for n in range(3)) + "\nx",
    ],
)
def test_a_wrong_holiday_is_refused_with_its_line(text: str) -> None:
    with pytest.raises(BadInput, match="line"):
        fairness.read_holidays(text)


def test_rest_gives_hours_to_a_person_alone(mara: Person, ike: Person) -> None:
    rota(mara, ike)
    times = {"start": "2026-11-23T00:00:00Z", "end": "2026-12-07T00:00:00Z"}
    status, rows = Api(mara, ["read"]).get("/schedules/web/hours", **times)
    assert status == 200
    assert isinstance(rows, list)
    assert [row["name"] for row in rows] == ["Ike Okafor", "Mara Novak"]
    assert set(rows[0]["hours"]) == {band.value for band in Band}
    assert Api(None, ["read"]).get("/schedules/web/hours", **times)[0] == 403
    assert Api(mara, ["read"]).get("/schedules/web/hours", start=times["end"], end=times["start"])[0] == 422


def test_the_rota_shows_the_public_holidays_of_the_two_weeks(mara: Person, boss: Person) -> None:
    web = rota(mara)
    days = [(date(2026, 11, 20), "Before"), (date(2026, 11, 26), "Harvest"), (date(2026, 12, 25), "Christmas")]
    fairness.set_holidays(web, days, actor=boss)
    client = Client()
    client.force_login(mara)
    page = client.get("/on-call/web/").content.decode()
    assert "Thu 26 Nov: public holiday, Harvest" in page
    assert "Christmas" not in page
    assert "Before" not in page
    later = client.get("/on-call/web/?from=2026-12-21").content.decode()
    assert "Fri 25 Dec: public holiday, Christmas" in later
