"""What is changed by hand is told in one line; a run that reaches for it, or would, warns once. Events are enough."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.template.loader import render_to_string
from django.test import Client

from raglan.core import timeline
from raglan.core.clock import CLOCK, now
from raglan.core.errors import BadInput, Conflict
from raglan.core.models import Event, Timer
from raglan.fleet.models import Host
from raglan.fleet.ports import MoveTold, Outcome, StepTold
from raglan.fleet.taking import take_reports
from raglan.incidents import actions, hand, hand_events, hand_watch
from raglan.incidents.hand import Told
from raglan.incidents.hand_matching import by_moves, by_steps, names
from raglan.incidents.hand_models import HandChange, HandTouch
from raglan.incidents.models import Entry, Incident
from raglan.people.models import Person
from raglan.testing import replay, world
from tests.fleet.reporting import NEWER, received
from tests.fleet.running import HTTPD, take, told
from tests.incidents.by_hand import warned

HAND = (
    *("incident_id", "key", "scope", "place", "thing", "words", "by_id", "at", "state", "ended_at", "ended_by_id"),
    "ended_words",
)
Call = Callable[..., object]


def stored() -> replay.State:
    return {"hands": replay.rows(HandChange, HAND)}


def tell(state: replay.State, event: timeline.Happened, said: timeline.EventPayload) -> None:
    """Let a copy of the state hear of one event."""
    match said:
        case hand_events.HandChangeTold():
            own = said.model_dump(exclude={"hand", "incident", "person", "told_at"})
            row: replay.Row = {"pk": said.hand, "incident_id": said.incident, "by_id": said.person, "at": said.told_at}
            state["hands"][said.hand] = {**replay.fresh(HandChange, HAND), **own, **row}
        case hand_events.HandChangeEnded():
            end: replay.Row = {"ended_at": said.ended_at, "ended_by_id": said.person, "ended_words": said.words}
            state["hands"][said.hand].update({**end, "state": said.state})


def test_events_told_to_an_older_copy_give_the_stored_state(incident: Incident, mara: Person, bo: Person) -> None:
    def act() -> None:
        made = hand.tell(incident, Told("web17", "httpd", "put it back"), by=mara)
        hand.end(made, "kept", "pinned", by=bo)

    assert replay.differences(stored, tell, act) == {}


def test_it_is_said_in_the_room_and_told_once(incident: Incident, put_back: HandChange, mara: Person) -> None:
    again = hand.tell(incident, Told("web17", "httpd", "put 2.4.6-40 back", key="k1"), by=mara)

    assert again == put_back
    assert Entry.objects.filter(text="Changed by hand on web17, httpd: put 2.4.6-40 back", author=mara).count() == 1


def test_a_run_that_reaches_for_it_warns_once_in_the_room(put_back: HandChange) -> None:
    take(told("r1", steps=(StepTold("Package[httpd]", Outcome.CHANGED, "2.4.6-40 to 2.4.6-45"),), moves=(HTTPD,)))
    take(told("r2", steps=(StepTold("Package[httpd]", Outcome.CHANGED, "again"),)))

    words = "Chef: httpd 2.4.6-40 → 2.4.6-45"
    assert warned() == [f"A run reached for what was changed by hand on web17 (httpd: put 2.4.6-40 back). {words}"]
    assert [touch.words for touch in HandTouch.objects.order_by("pk")] == [words]


def test_a_rehearsal_warns_before_anything_happened(put_back: HandChange) -> None:
    take(told("r1", Outcome.REHEARSED, steps=(StepTold("Package[httpd]", Outcome.REHEARSED, "would upgrade"),)))

    assert warned()[0].startswith("A rehearsal shows that the next run would change what was changed by hand on web17")


def test_what_a_host_reports_warns_as_well(incident: Incident, mara: Person) -> None:
    take_reports([received("web17")])
    hand.tell(incident, Told("web17", "apache2", "held back"), by=mara)
    CLOCK.move(timedelta(minutes=1))
    take_reports([received("web17", packages=NEWER, seq=2)])

    assert "apache2 2.4.6-40 → 2.4.6-45" in warned()[0]


def test_all_hosts_of_a_role_warn_once_and_are_all_kept(incident: Incident, mara: Person) -> None:
    for name in ("web17", "web18", "db3"):
        take(told("r0", Outcome.UNCHANGED, name=name))
    Host.objects.filter(name="db3").update(role="db")
    change = hand.tell(incident, Told("web", "/etc/httpd/conf.d/x.conf", "deleted"), by=mara)
    CLOCK.move(timedelta(minutes=1))
    step = StepTold("File[/etc/httpd/conf.d/x.conf]/ensure", Outcome.CHANGED, "created")
    take(told("r1", name="web17", steps=(step,)))
    take(told("r1", name="web18", steps=(step,)))

    assert change.scope == "role"
    assert len(warned()) == 1
    assert sorted(touch.host.name for touch in change.touches.all()) == ["web17", "web18"]


def test_a_host_is_known_by_the_first_part_of_its_name_and_one_that_is_not_known_is_said_to_be(
    incident: Incident, mara: Person, browser: Callable[[Person], Client]
) -> None:
    for name in ("web17.example.test", "web18.example.test", "web18.other.test"):
        take(told("r0", Outcome.UNCHANGED, name=name))
    short = hand.tell(incident, Told("WEB17", "httpd", "put it back"), by=mara)
    assert (short.scope, short.place) == ("host", "web17.example.test")
    assert hand.tell(incident, Told("web18", "httpd", "one of two"), by=mara).place == "web18"
    hand.tell(incident, Told("web.17", "httpd", "mistyped"), by=mara)
    hand.tell(incident, Told("wbe", "httpd", "mistyped", "role"), by=mara)
    seen = {one.hand.place: one.is_known for one in hand.seen(hand.hand_changes(incident))}
    assert seen == {"web17.example.test": True, "web18": False, "web.17": False, "wbe": False}
    page = browser(mara).get(f"/incidents/{incident.pk}/").content.decode()
    assert page.count("no host of this name is known here") == 2
    assert page.count("no host of this role is known here") == 1


def test_runs_before_it_others_and_what_ended_warn_of_nothing(put_back: HandChange, mara: Person) -> None:
    httpd = (StepTold("Package[httpd]", Outcome.CHANGED, ""),)
    CLOCK.move(-timedelta(minutes=5))
    take(told("before", steps=httpd))
    CLOCK.move(timedelta(minutes=5))
    take(told("other", steps=(StepTold("Package[httpd-tools]", Outcome.CHANGED, ""),)))
    take(told("elsewhere", name="web18", steps=httpd))
    take(told("same", Outcome.UNCHANGED))
    hand.end(put_back, "taken_back", "", by=mara)
    take(told("later", steps=httpd))

    assert warned() == []


def test_when_the_room_is_closed_its_maker_hears_by_mail(
    incident: Incident, put_back: HandChange, mara: Person
) -> None:
    actions.stand_down(incident, by=mara, words="Over")
    world.fire_all()
    take(told("r1", moves=(MoveTold("httpd", "2.4.6-40", "2.4.6-45"),)))
    assert warned() == []

    touched = Event.objects.get(kind="hand_change.touched")
    hand_watch.tell(timeline.happened(touched.pk))
    assert Timer.objects.filter(kind="people.mail", subject=f"hand_change:{put_back.pk}").count() == 1


def test_it_goes_along_when_rooms_are_merged_and_comes_back(
    incident: Incident, put_back: HandChange, mara: Person
) -> None:
    other = actions.declare("Pages are slow", by=mara)
    actions.merge(incident, other, by=mara)
    assert [one.hand.incident_id for one in hand.seen(hand.hand_changes(other))] == [other.pk]

    actions.undo_merge(incident, by=mara)
    assert list(hand.hand_changes(incident)) == [put_back]


def test_what_became_of_it_is_told_once_also_after_the_end(
    incident: Incident, put_back: HandChange, mara: Person
) -> None:
    actions.stand_down(incident, by=mara, words="Over")
    hand.end(put_back, "undone", "by the run of 14:20", by=mara)
    with pytest.raises(Conflict):
        hand.end(put_back, "kept", "", by=mara)
    with pytest.raises(Conflict):
        hand.tell(incident, Told("web17", "httpd", "again"), by=mara)


def test_chat_writes_it_in_one_line() -> None:
    assert hand.read("web17 httpd: put 2.4.6-40 back: slowly") == Told("web17", "httpd", "put 2.4.6-40 back: slowly")
    assert hand.read("role=web /etc/x.conf: gone") == Told("web", "/etc/x.conf", "gone", "role")
    with pytest.raises(BadInput):
        hand.read("put it back")


@pytest.mark.parametrize(
    ("line", "thing", "is_named"),
    [
        ("Package[httpd]", "httpd", True),
        ("package[httpd] action install", "HTTPD", True),
        ("pkg_|-httpd_|-httpd_|-installed", "httpd", True),
        ("Restart httpd.service.", "httpd", True),
        ("file.managed /etc/demo/proxy.conf", "/etc/demo/proxy.conf", True),
        ("install httpd-tools", "httpd", False),
        ("anything", " ", False),
        ("/etc/httpd/conf/httpd.conf", "httpd", False),
        ("template[/etc/httpd/conf/httpd.conf]", "/etc/httpd/conf/httpd.conf", True),
        ("/etc/httpd/conf/httpd.conf.bak", "/etc/httpd/conf/httpd.conf", False),
    ],
)
def test_a_line_names_a_thing_as_a_whole(line: str, thing: str, is_named: bool) -> None:
    assert names(line, thing) is is_named


def test_only_steps_that_reach_for_it_count() -> None:
    assert (
        by_steps("httpd", [["Package[httpd]", "unchanged", ""], ["Service[httpd]", "failed", "no"]])
        == "Service[httpd]: no"
    )
    assert by_moves("httpd", [["httpd", "", "2.4"], ["curl", "1", "2"]]) == "httpd not installed → 2.4"


def test_screens_and_rest_do_the_same(
    incident: Incident, mara: Person, browser: Callable[[Person], Client], rest: Call
) -> None:
    room = f"/incidents/{incident.pk}"
    mine = browser(mara)
    mine.post(f"{room}/hand-changes/", {"place": "web17", "thing": "httpd", "words": "put it back", "key": "one"})
    made = HandChange.objects.get()
    assert "put it back" in mine.get(f"{room}/").content.decode()
    assert "put it back" in mine.get(f"{room}/close/").content.decode()
    mine.post(f"{room}/hand-changes/{made.pk}/", {"state": "kept", "words": "pinned"})
    assert "put it back" not in mine.get(f"{room}/close/").content.decode()

    body = {"place": "web18", "thing": "httpd", "words": "same"}
    second = rest(mara, "POST", f"{room}/hand-changes", body)
    assert isinstance(second, dict)
    listed = rest(mara, "GET", f"{room}/hand-changes")
    assert isinstance(listed, list)
    assert [(one["place"], one["state"]) for one in listed] == [("web18", "open"), ("web17", "kept")]
    ended = rest(mara, "POST", f"{room}/hand-changes/{second['id']}/end", {"state": "undone"})
    assert isinstance(ended, dict)
    assert ended["state"] == "undone"


def test_what_is_told_to_a_merged_room_is_answered_from_where_it_went(
    incident: Incident, mara: Person, rest: Call
) -> None:
    dns = actions.declare(title="DNS is slow", by=mara)
    actions.merge(dns, incident, by=mara)
    body = {"place": "web18", "thing": "httpd", "words": "same"}
    made = rest(mara, "POST", f"/incidents/{dns.pk}/hand-changes", body)
    assert isinstance(made, dict)
    assert made["incident_id"] == incident.pk


def test_the_host_shows_what_stands_on_it_to_those_who_may_know(
    incident: Incident, put_back: HandChange, mara: Person, bo: Person, browser: Callable[[Person], Client]
) -> None:
    take(told("r0", Outcome.UNCHANGED))
    address = f"/hosts/{Host.objects.get(name='web17').pk}/"
    assert "put 2.4.6-40 back" in browser(bo).get(address).content.decode()

    actions.make_private(incident, by=mara, why="a person")
    assert "put 2.4.6-40 back" not in browser(bo).get(address).content.decode()
    assert "put 2.4.6-40 back" in browser(mara).get(address).content.decode()


def test_a_run_that_did_not_come_is_not_told_as_the_next_one(incident: Incident, put_back: HandChange) -> None:
    take(told("r0", Outcome.UNCHANGED))
    Host.objects.filter(name="web17").update(ran_at=now(), run_interval_s=600)
    state = "incidents/hand_state.html"

    def words() -> str:
        (one,) = hand.seen(incident.hand_changes.all())
        return " ".join(render_to_string(state, {"one": one}).split())

    assert "next run there about" in words()
    CLOCK.move(timedelta(minutes=11))
    assert "a run was due there about" in words()
    assert "next run there" not in words()
