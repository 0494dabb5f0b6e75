"""Leave warns and moves nobody: by hand, from a calendar over real HTTP, on screens, over REST and by mail."""

import json
from datetime import timedelta

import pytest
from django.test import Client

from raglan.core.clock import CLOCK
from raglan.core.errors import BadInput, NotFound
from raglan.core.models import Event, Timer
from raglan.oncall import leaves, queries
from raglan.oncall.models import Leave, LeaveCalendar, Notice
from raglan.people import actions as people
from raglan.people import sealing
from raglan.people.models import Person
from raglan.testing import world
from tests.oncall.builders import DAY, HOUR, MONDAY, rota
from tests.oncall.test_calendars_in import Feed, event, feed
from tests.oncall.test_covers_and_notices import NEXT, look, mails
from tests.oncall.test_rest import Api
from tests.oncall.test_screens import hidden, new_rota, signed_in, text_of

__all__ = ["feed"]  # a fixture
SECRET = "SUMMARY:Operation at the clinic"
TUESDAY = ":20261124T080000Z", ":20261125T080000Z"


def times(person: Person) -> list[tuple[timedelta, timedelta]]:
    return [(leave.starts_at - MONDAY, leave.ends_at - MONDAY) for leave in leaves.coming(person)]


def test_leave_moves_nobody_and_is_told_to_the_person_and_the_owners_once(
    mara: Person, ike: Person, rowan: Person, boss: Person
) -> None:
    team = people.create_team(name="Web", slug="web", actor="raglan")
    people.add_member(team, rowan, is_lead=True, actor=boss)
    rota(mara, ike, team=team)
    leaves.name_leave(mara, MONDAY + DAY, MONDAY + 2 * DAY, actor=mara)
    for _ in range(3):
        look()
    assert mails() == [
        (mara.email, "Web: you are away during a shift of yours"),
        (rowan.email, "Web: somebody is away during a shift"),
    ]
    assert queries.who("web", MONDAY + DAY + HOUR).people == (mara,)
    leaves.name_leave(mara, MONDAY + 3 * DAY, MONDAY + 4 * DAY, actor=mara)
    look()
    assert len(mails()) == 4


def test_leave_outside_of_shifts_and_of_a_shift_that_is_covered_says_nothing(mara: Person, ike: Person) -> None:
    rota(mara, ike)
    leaves.name_leave(mara, NEXT + DAY, NEXT + 2 * DAY, actor=mara)
    look()
    assert mails() == []
    assert "away" not in text_of(signed_in(ike).get("/on-call/web/"))


def test_a_long_leave_is_told_of_again_only_for_another_shift(mara: Person, ike: Person) -> None:
    rota(mara, ike)
    leaves.name_leave(mara, MONDAY + HOUR, MONDAY + 60 * DAY, actor=mara)
    for _ in range(30):
        CLOCK.move(DAY)
        look()
    starts = Notice.objects.filter(kind=Notice.Kind.AWAY).order_by("about_at").values_list("about_at", flat=True)
    assert list(starts) == [MONDAY + HOUR, NEXT + 7 * DAY, NEXT + 21 * DAY, NEXT + 35 * DAY]


def test_a_leave_calendar_gives_times_and_no_titles(feed: Feed, mara: Person, ike: Person) -> None:
    rota(mara, ike)
    feed.says(event(*TUESDAY, SECRET), event(";VALUE=DATE:20261126", ";VALUE=DATE:20261127", SECRET, uid="2"))
    leaves.set_calendar(mara, url=feed.url, actor=mara)
    world.fire_all()
    midnight = MONDAY - 12 * HOUR
    assert times(mara) == [
        (20 * HOUR, 44 * HOUR),
        (midnight + 3 * DAY - MONDAY, midnight + 4 * DAY - MONDAY),
    ]
    screens = [signed_in(who).get(path) for who in (mara, ike) for path in ("/on-call/", "/on-call/web/")]
    assert all("away" in text_of(screen) for screen in screens)
    kept = json.dumps(list(Event.objects.values_list("data", flat=True)), default=str)
    assert not any("clinic" in text for text in (kept, *(screen.content.decode() for screen in screens)))


def test_a_broken_leave_calendar_keeps_the_last_good_copy_and_tells_its_person_once(feed: Feed, mara: Person) -> None:
    feed.says(event(*TUESDAY, SECRET))
    leaves.set_calendar(mara, url=feed.url, actor=mara)
    world.fire_all()
    feed.status = 500
    Timer.objects.filter(kind="people.mail").delete()
    for _ in range(2):
        CLOCK.move(HOUR)
        leaves.read_due(due())
    assert mails() == [(mara.email, "Your leave calendar could not be read")]
    assert len(times(mara)) == 1
    words = text_of(signed_in(mara).get("/on-call/calendars/leave/"))
    assert "Not read it answered with 500" in words
    feed.says(event(":20261127T080000Z", ":20261128T080000Z"), event(":rubbish", ":x", SECRET, uid="2"))
    leaves.read_due(due())
    assert (times(mara), LeaveCalendar.objects.get().problem) == (
        [(92 * HOUR, 116 * HOUR)],
        "1 of its events could not be used",
    )


def due() -> "leaves.timers.Due":
    return leaves.timers.Due(0, leaves.READ, f"leave_calendar:{LeaveCalendar.objects.get().pk}", MONDAY, 1, {})


def test_a_reading_that_was_lost_is_planned_again_but_not_for_who_has_left(mara: Person, ike: Person) -> None:
    rota(mara, ike)
    for person in (mara, ike):
        leaves.set_calendar(person, url="https://calendar.example.test/a.ics", actor=person)
    people.deactivate(ike, by=mara)
    Timer.objects.filter(kind=leaves.READ).delete()
    look()
    [planned] = Timer.objects.filter(kind=leaves.READ)
    assert planned.subject == f"leave_calendar:{LeaveCalendar.objects.get(person=mara).pk}"


def test_a_calendar_that_ends_leaves_what_was_and_nothing_that_comes(mara: Person) -> None:
    row = leaves.set_calendar(mara, url="https://calendar.example.test/a.ics", actor=mara)
    leaves.take_copy(row, [(MONDAY - DAY, MONDAY + DAY), (MONDAY + 2 * DAY, MONDAY + 3 * DAY)], "", MONDAY)
    CLOCK.move(HOUR)
    for _ in range(2):
        leaves.end_calendar(mara, actor=mara)
    assert (times(mara), Leave.objects.count()) == ([], 1)
    leaves.take_copy(row, [(MONDAY, MONDAY + DAY)], "", MONDAY + 2 * HOUR)
    assert times(mara) == []
    assert Event.objects.filter(kind="leave.calendar_ended").count() == 1


@pytest.mark.parametrize(
    ("start", "end", "field"), [(2, 1, "ends_at"), (-2, -1, "ends_at"), (1, 402, "ends_at"), (1, 1, "ends_at")]
)
def test_a_wrong_time_is_refused_by_field(mara: Person, start: int, end: int, field: str) -> None:
    with pytest.raises(BadInput) as refused:
        leaves.name_leave(mara, MONDAY + start * DAY, MONDAY + end * DAY, actor=mara)
    assert refused.value.field == field


def test_to_name_and_to_take_back_is_safe_twice_and_only_for_oneself(mara: Person, ike: Person) -> None:
    one, same = (leaves.name_leave(mara, MONDAY + DAY, MONDAY + 2 * DAY, actor=mara) for _ in range(2))
    assert one == same
    with pytest.raises(NotFound):
        leaves.own(ike, one.pk)
    for _ in range(2):
        leaves.take_back(one, actor=mara)
    told = Event.objects.filter(kind__startswith="leave.").order_by("pk").values_list("kind", flat=True)
    assert list(told) == ["leave.named", "leave.taken_back"]


def test_times_that_touch_or_overlap_are_one_and_the_walk_finds_every_clash(mara: Person) -> None:
    at = [MONDAY + n * DAY for n in range(12)]
    assert leaves.joined([(at[3], at[4]), (at[1], at[2]), (at[2], at[3]), (at[1], at[3])]) == [(at[1], at[4])]
    away = [(at[1], at[2]), (at[3], at[5]), (at[9], at[10])]
    turns = [(at[0], at[4]), (at[5], at[6]), (at[7], at[11])]
    found = [(clash.starts_at, clash.ends_at) for clash in leaves.clashes_of(mara, turns, away)]
    assert found == [(at[1], at[2]), (at[3], at[4]), (at[9], at[10])]


def test_screens_offer_cover_in_one_tap(mara: Person, ike: Person, boss: Person) -> None:
    rota(mara, ike)
    leaves.name_leave(mara, MONDAY + DAY, MONDAY + 2 * DAY, actor=mara)
    page = signed_in(mara).get("/on-call/").content.decode()
    assert "/on-call/web/ask/?from=2026-11-24T12:00:00Z&amp;until=2026-11-25T12:00:00Z" in page
    client = signed_in(ike)
    link = f"/on-call/web/cover/?instead_of={mara.pk}&amp;from=2026-11-24T12:00:00Z&amp;until=2026-11-25T12:00:00Z"
    assert link in client.get("/on-call/web/").content.decode()
    form = client.get(link.replace("&amp;", "&")).context["form"]
    assert (form["person"].value(), form["instead_of"].value()) == (ike.pk, str(mara.pk))
    assert client.get("/on-call/web/cover/?instead_of=x").status_code == 200
    look_ = signed_in(boss).post("/on-call/new/", new_rota())
    assert "Mara Novak is away Tue 12:00 to Wed 12:00, with the pager of this rota." in text_of(look_)
    assert hidden(look_, "seen")


def test_the_screen_takes_times_and_a_calendar_and_says_what_is_wrong(mara: Person) -> None:
    client, path = signed_in(mara), "/on-call/calendars/leave/"
    assert client.post(path, {"starts_at": "2026-11-25T12:00", "ends_at": "2026-11-24T12:00"}).status_code == 422
    assert client.post(path, {"starts_at": "2026-11-24T12:00", "ends_at": "2026-11-25T12:00"}).status_code == 302
    assert times(mara) == [(DAY, 2 * DAY)]
    assert client.post(f"{path}{Leave.objects.get().pk}/end/").status_code == 302
    assert client.post(f"{path}calendar/", {"url": "ftp://x.example.test/"}).status_code == 422
    url = "https://calendar.example.test/secret.ics"
    assert client.post(f"{path}calendar/", {"url": url}).status_code == 302
    page = client.get(path).content.decode()
    assert ("calendar.example.test" in page, "secret" in page) == (True, False)
    assert client.post(f"{path}calendar/end/").status_code == 302
    assert leaves.calendar_of(mara) is None


def test_rest_does_all_of_it(mara: Person, ike: Person) -> None:
    rota(mara, ike)
    api, reads = Api(mara, ["read", "respond"]), Api(ike, ["read"])
    body = {"starts_at": "2026-11-24T00:00:00Z", "ends_at": "2026-11-25T00:00:00Z"}
    status, made = api.send("post", "/leave", body)
    assert (status, made["from_calendar"]) == (201, False)
    assert reads.send("post", "/leave", body)[0] == 403
    status, away = reads.get("/schedules/web/away")
    assert [(one["person"], one["starts_at"]) for one in away] == [("Mara Novak", "2026-11-24T00:00:00Z")]
    assert reads.get("/leave")[1] == []
    assert api.send("delete", f"/leave/{made['id']}")[0] == 204
    assert api.get("/leave-calendar")[0] == 404
    status, calendar = api.send("put", "/leave-calendar", {"url": "https://calendar.example.test/a.ics"})
    assert (status, calendar["host"]) == (200, "calendar.example.test")
    assert api.get("/leave-calendar")[1]["read_at"] is None
    assert api.send("delete", "/leave-calendar")[0] == 204


def test_the_mail_leads_to_find_cover(mara: Person, ike: Person) -> None:
    rota(mara, ike)
    leaves.name_leave(mara, MONDAY + DAY, MONDAY + 2 * DAY, actor=mara)
    look()
    rows = Timer.objects.filter(kind="people.mail")
    letters = [json.loads(sealing.unseal(str(row.payload["sealed"]))) for row in rows]
    assert [letter["to"] for letter in letters] == [mara.email]
    assert "Tue 24 Nov 12:00 to Wed 25 Nov 12:00" in letters[0]["text"]
    assert "/on-call/web/ask/" in letters[0]["text"]
    assert Client().get("/on-call/calendars/leave/").status_code == 302
