"""Screens of on call, without a script."""

import re
from datetime import UTC, datetime, timedelta
from typing import Protocol

import pytest
from django.test import Client

from raglan.oncall import queries
from raglan.oncall.models import Override, Rotation, Schedule
from raglan.people import actions as people
from raglan.people.models import Person
from raglan.testing import world
from tests.oncall.builders import DAY, HOUR, MONDAY, cover, rota


class Answer(Protocol):
    """What a client gets."""

    content: bytes


def signed_in(person: Person) -> Client:
    client = Client()
    client.force_login(person)
    return client


def text_of(response: Answer) -> str:
    """Return what a page says, as one line of words."""
    body = response.content.decode().partition("<main")[2].partition("</main>")[0]
    return " ".join(re.sub(r"<[^>]+>", " ", body).split())


def hidden(response: Answer, name: str) -> str:
    found = re.search(rf'name="{name}" value="([^"]*)"', response.content.decode())
    assert found, name
    return found[1]


def new_rota(**fields: str) -> dict[str, str]:
    return {
        "name": "Payments",
        "participants": "Mara Novak\nIke Okafor",
        "handoff_weekday": "0",
        "handoff_time": "09:00",
        "every": "1",
        "unit": "weeks",
        "starts_on": "2026-11-23",
        "time_zone": "Europe/Berlin",
        "team": "",
        "slug": "",
        **fields,
    }


def test_without_a_rota_the_screen_offers_to_make_one_from_names(boss: Person) -> None:
    response = signed_in(boss).get("/on-call/")
    assert "Make a rota from a list of names" in text_of(response)


def test_the_index_says_who_is_on_call_and_who_is_next(mara: Person, ike: Person) -> None:
    rota(mara, ike)
    words = text_of(signed_in(mara).get("/on-call/"))
    assert "Mara Novak (you) Web until Mon 30 Nov 09:00 , then Ike Okafor" in words
    assert "Your shifts Web now, until Mon 30 Nov 09:00" in words


def test_a_gap_is_said_on_top_with_a_way_to_fill_it(mara: Person, ike: Person) -> None:
    rota(mara, ike)
    people.deactivate(mara, by=ike)
    response = signed_in(ike).get("/on-call/")
    assert "Web has nobody on call now, until Mon 30 Nov 09:00." in text_of(response)
    assert 'class="shift gap"' in response.content.decode()
    assert "until=2026-11-30T09:00:00Z" in response.content.decode()


def test_the_days_on_which_clocks_change_are_marked(mara: Person, ike: Person) -> None:
    rota(mara, ike, zone="Europe/Berlin")
    words = text_of(signed_in(mara).get("/on-call/?from=2027-03-20"))
    assert "Sunday 28 March: clocks in Berlin go forward by 1 h." in words
    mara.time_zone = "Europe/Berlin"
    mara.save()
    assert "Sun 28 +1 h" in text_of(signed_in(mara).get("/on-call/?from=2027-03-20"))


@pytest.mark.parametrize("word", ["", "nonsense", "2026-13-01", "0001-01-01", "9999-12-31", "2148-12-31", "1980-01-01"])
def test_any_day_that_an_address_asks_for_is_answered(mara: Person, ike: Person, word: str) -> None:
    rota(mara, ike)
    for path in ("/on-call/", "/on-call/part/", "/on-call/web/"):
        assert signed_in(mara).get(path, {"from": word}).status_code == 200


def test_the_number_of_queries_does_not_grow_with_the_rotas(
    mara: Person, ike: Person, django_assert_max_num_queries: object
) -> None:
    client = signed_in(mara)
    for number in range(12):
        cover(rota(mara, ike, slug=f"rota-{number}"), ike, MONDAY + DAY, MONDAY + 2 * DAY)
    with django_assert_max_num_queries(26):  # type: ignore[operator]  # a fixture that is a function
        client.get("/on-call/")


def test_a_new_rota_is_shown_before_it_is_saved(boss: Person, mara: Person, ike: Person) -> None:
    client = signed_in(boss)
    first = client.post("/on-call/new/", {**new_rota(), "do": "look"})
    assert "Mara Novak now, until Mon 30 Nov 08:00" in text_of(first)
    assert not Schedule.objects.exists()
    saved = client.post("/on-call/new/", {**new_rota(), "do": "save", "seen": hidden(first, "seen")})
    assert saved.headers["Location"] == "/on-call/payments/"
    assert queries.who("payments").people == (mara,)


def test_what_was_changed_after_the_look_is_shown_again(boss: Person, mara: Person, ike: Person) -> None:
    client = signed_in(boss)
    seen = hidden(client.post("/on-call/new/", new_rota()), "seen")
    other = client.post("/on-call/new/", {**new_rota(participants="Ike Okafor"), "do": "save", "seen": seen})
    assert "Something changed since you looked." in text_of(other)
    assert not Schedule.objects.exists()
    again = {**new_rota(participants="Ike Okafor"), "do": "save", "seen": hidden(other, "seen")}
    assert client.post("/on-call/new/", again).status_code == 302


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"participants": "Mara Novk"}, "Nobody here is called Mara Novk. Did you mean Mara Novak?"),
        ({"participants": ""}, "This field is required."),
        ({"name": "\x00"}, "Null characters are not allowed."),
        ({"handoff_time": "25:00"}, "Enter a valid time."),
        ({"every": "99999999999999999999"}, "less than or equal to 366"),
        ({"starts_on": "0001-01-01"}, "The year must be from 1970 to 2149."),
        ({"time_zone": "Mars/Base"}, "Select a valid choice."),
        ({"slug": "New!"}, "Use small letters, digits and hyphens."),
    ],
)
def test_a_wrong_value_keeps_the_others_and_says_what_to_do(
    boss: Person, mara: Person, ike: Person, fields: dict[str, str], words: str
) -> None:
    response = signed_in(boss).post("/on-call/new/", {**new_rota(), **fields, "do": "save"})
    assert response.status_code == 422
    assert words in text_of(response)
    assert not Schedule.objects.exists()


def test_a_pasted_list_may_have_numbers_and_addresses(boss: Person, mara: Person, ike: Person) -> None:
    pasted = f"1. Ike Okafor\r\n- {mara.email.upper()}; ike okafor"
    words = text_of(signed_in(boss).post("/on-call/new/", new_rota(participants=pasted)))
    assert "Ike Okafor now, until" in words
    assert words.index("Ike Okafor now") < words.index("Mara Novak Mon")


def test_two_people_of_one_name_are_told_apart_by_address(boss: Person, mara: Person) -> None:
    other = world.person("Mara Novak")
    client = signed_in(boss)
    refused = client.post("/on-call/new/", new_rota(participants="Mara Novak"))
    assert "2 people are called Mara Novak. Write the mail address." in text_of(refused)
    assert client.post("/on-call/new/", new_rota(participants=other.email)).status_code == 200


def test_an_edit_saved_as_it_is_offered_moves_no_shift(boss: Person, mara: Person, ike: Person, rowan: Person) -> None:
    rota(mara, ike, rowan)
    client = signed_in(boss)
    form = client.get("/on-call/web/rotation/").context["form"]
    offered = {name: str(form[name].value()) for name in form.fields if name != "seen"}
    response = client.post("/on-call/web/rotation/", {**offered, "do": "look"})
    assert "No shift moves." in text_of(response)


def test_a_changed_turn_order_says_which_shifts_move_and_leaves_the_past(
    boss: Person, mara: Person, ike: Person, rowan: Person
) -> None:
    schedule = rota(mara, ike)
    past = queries.shifts_between(schedule, MONDAY - 60 * DAY, MONDAY)
    client = signed_in(boss)
    fields = {**new_rota(participants="Rowan Ellis", starts_on="2026-11-30", time_zone="UTC"), "do": "look"}
    look = client.post("/on-call/web/rotation/", fields)
    assert "Mon 30 Nov 09:00 to Mon 7 Dec 09:00 Rowan Ellis instead of Ike Okafor" in text_of(look)
    client.post("/on-call/web/rotation/", {**fields, "do": "save", "seen": hidden(look, "seen")})
    fresh = queries.schedule("web")
    assert queries.shifts_between(fresh, MONDAY - 60 * DAY, MONDAY) == past
    assert queries.who("web", MONDAY + 7 * DAY).people == (rowan,)


def test_a_planned_turn_order_can_be_taken_back(boss: Person, mara: Person, ike: Person, rowan: Person) -> None:
    test_a_changed_turn_order_says_which_shifts_move_and_leaves_the_past(boss, mara, ike, rowan)
    planned = Rotation.objects.order_by("-pk")[0]
    client = signed_in(boss)
    assert "Take this plan back" in text_of(client.get("/on-call/web/"))
    client.post(f"/on-call/web/rotation/{planned.pk}/withdraw/")
    assert queries.who("web", MONDAY + 7 * DAY).people == (ike,)


def cover_fields(person: Person, start: datetime, end: datetime) -> dict[str, str]:
    return {
        "person": str(person.pk),
        "starts_at": f"{start:%Y-%m-%dT%H:%M}",
        "ends_at": f"{end:%Y-%m-%dT%H:%M}",
        "reason": "at the dentist",
    }


def test_a_cover_is_shown_saved_and_given_back(mara: Person, ike: Person, rowan: Person) -> None:
    rota(mara, ike)
    client = signed_in(mara)
    fields = cover_fields(rowan, MONDAY + DAY, MONDAY + DAY + 3 * HOUR)
    look = client.post("/on-call/web/cover/", fields)
    assert "Tue 12:00 to Tue 15:00 Rowan Ellis instead of Mara Novak" in text_of(look)
    assert not Override.objects.exists()
    client.post("/on-call/web/cover/", {**fields, "do": "save", "seen": hidden(look, "seen")})
    assert queries.who("web", MONDAY + DAY + HOUR).people == (rowan,)
    page = client.get("/on-call/web/")
    assert "Rowan Ellis Tue 12:00 to Tue 15:00 at the dentist" in text_of(page)
    assert "covers for you" in text_of(page)
    client.post(f"/on-call/web/cover/{Override.objects.get().pk}/cancel/")
    assert queries.who("web", MONDAY + DAY + HOUR).people == (mara,)


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"ends_at": "2026-11-24T11:00"}, "Until: This is before it starts (24 Nov 12:00)."),
        ({"person": ""}, "Who: Choose a person."),
        ({"person": "99999999999999999999"}, "Who: Choose a person from the list."),
        ({"starts_at": "then"}, "From: Choose a time."),
        ({"starts_at": "0001-01-01T00:00"}, "From: Choose a day in this century."),
        ({"starts_at": "2026-01-01T00:00", "ends_at": "2026-01-02T00:00"}, "Until: Is over already"),
        ({"ends_at": "2030-11-24T11:00"}, "Until: Is more than a year after the start."),
    ],
)
def test_a_wrong_cover_is_refused_at_its_field(mara: Person, ike: Person, fields: dict[str, str], words: str) -> None:
    rota(mara, ike)
    given = {**cover_fields(mara, MONDAY + DAY, MONDAY + 2 * DAY), **fields, "do": "save"}
    response = signed_in(ike).post("/on-call/web/cover/", given)
    assert response.status_code == 422
    assert words in text_of(response)


def test_a_time_that_the_clock_skips_is_said(mara: Person, ike: Person) -> None:
    rota(mara, ike)
    mara.time_zone = "Europe/Berlin"
    mara.save()
    start = datetime(2027, 3, 28, 2, 30, tzinfo=UTC)
    response = signed_in(mara).post("/on-call/web/cover/", cover_fields(mara, start, start + DAY))
    assert "02:30 does not exist on that day, 03:00 counts." in text_of(response)


def test_a_rota_that_changed_after_the_look_is_shown_again(mara: Person, ike: Person, rowan: Person) -> None:
    schedule = rota(mara, ike)
    client = signed_in(ike)
    fields = cover_fields(rowan, MONDAY + DAY, MONDAY + DAY + 3 * HOUR)
    seen = hidden(client.post("/on-call/web/cover/", fields), "seen")
    cover(schedule, ike, MONDAY + DAY, MONDAY + 2 * DAY)
    again = client.post("/on-call/web/cover/", {**fields, "do": "save", "seen": seen})
    assert "Rowan Ellis instead of Ike Okafor" in text_of(again)
    assert Override.objects.count() == 1


def test_links_of_shifts_fill_the_cover_form(mara: Person, ike: Person) -> None:
    rota(mara, ike)
    asked = {"from": "2026-12-01T09:00:00Z", "until": "2026-12-02T09:00:00Z"}
    form = signed_in(mara).get("/on-call/web/cover/", asked).context["form"]
    assert form["starts_at"].value() == datetime(2026, 12, 1, 9)
    assert form["person"].value() == mara.pk
    for word in ("x", "0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z", "2026-12-01"):
        assert signed_in(mara).get("/on-call/web/cover/", {"from": word, "until": word}).status_code == 200


@pytest.mark.parametrize("path", ["/on-call/new/", "/on-call/web/rotation/"])
def test_a_responder_can_not_change_turn_orders(mara: Person, ike: Person, path: str) -> None:
    rota(mara, ike)
    client = signed_in(mara)
    assert client.get(path).status_code == 403
    assert client.post(path, new_rota()).status_code == 403


def test_a_viewer_sees_everything_and_changes_nothing(mara: Person, ike: Person) -> None:
    rota(mara, ike)
    client = signed_in(world.person("Lior Berg", role=Person.Role.VIEWER))
    assert client.get("/on-call/web/").status_code == 200
    assert "Cover a shift" not in text_of(client.get("/on-call/web/"))
    assert client.get("/on-call/cover/").status_code == 403
    assert client.post("/on-call/web/cover/", {}).status_code == 403


def test_the_way_to_cover_asks_for_the_rota_only_when_there_are_several(mara: Person, ike: Person) -> None:
    rota(mara, ike)
    client = signed_in(mara)
    assert client.get("/on-call/cover/").headers["Location"] == "/on-call/web/cover/"
    rota(ike, slug="data")
    assert "Of which rota?" in text_of(client.get("/on-call/cover/"))


@pytest.mark.parametrize("path", ["/on-call/none/", "/on-call/none/cover/"])
def test_a_rota_that_is_not_there_is_said_to_be_missing(mara: Person, path: str) -> None:
    assert signed_in(mara).get(path).status_code == 404


def test_a_get_changes_nothing(boss: Person, mara: Person, ike: Person) -> None:
    item = cover(rota(mara, ike), mara, MONDAY + DAY, MONDAY + 2 * DAY)
    assert signed_in(boss).get(f"/on-call/web/cover/{item.pk}/cancel/").status_code == 405
    assert timedelta(0) < Override.objects.get().ends_at - MONDAY
