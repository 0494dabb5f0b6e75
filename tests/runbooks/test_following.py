"""People follow a runbook in a room, step by step."""

from collections.abc import Callable

import pytest
from django.test import Client

from raglan.core.errors import BadInput, Conflict
from raglan.incidents import actions as incidents
from raglan.incidents.models import Entry, Incident
from raglan.people.models import Person
from raglan.runbooks import actions, following, queries
from raglan.runbooks.actions import Draft
from raglan.runbooks.following import Told
from raglan.runbooks.models import Following, Runbook
from raglan.testing import world

State = Following.State


@pytest.fixture
def going(room: Incident, runbook: Runbook, mara: Person) -> Following:
    return following.follow(room, runbook, by=mara)


def said(room: Incident) -> list[str]:
    return [entry.text for entry in Entry.objects.filter(incident=room).order_by("pk")]


def test_each_result_stands_in_the_timeline(going: Following, room: Incident, mara: Person, bo: Person) -> None:
    following.tell_step(going, Told(1, "done", "187 hosts"), by=mara)
    following.tell_step(going, Told(2, "failed", "No such package"), by=bo)
    assert said(room) == [
        "follows the runbook “Put it back by hand”, 3 steps.",
        "Step 1 of 3, Look at one host.: done. 187 hosts",
        "Step 2 of 3, Install the old package.: did not work. No such package",
    ]
    assert {entry.link for entry in Entry.objects.all()} == {f"/incidents/{room.pk}/runbooks/{going.pk}/"}


def test_the_last_step_ends_it_and_the_runbook_keeps_by_whom(going: Following, bo: Person, mara: Person) -> None:
    for number in (3, 1, 2):
        following.tell_step(going, Told(number, "done"), by=bo if number == 2 else mara)
    going.refresh_from_db()
    runbook = queries.runbook(going.runbook.slug)
    assert (going.state, runbook.followed_by, runbook.followed_at) == (State.DONE, bo, going.ended_at)
    with pytest.raises(Conflict):
        following.tell_step(going, Told(1, "failed", "no", seen_key="x"), by=mara)


def test_the_same_key_tells_once(going: Following, room: Incident, mara: Person) -> None:
    first = following.tell_step(going, Told(1, "done", key="k"), by=mara)
    assert following.tell_step(going, Told(1, "done", key="k"), by=mara) == first
    assert len(said(room)) == 2


def test_the_second_of_two_people_is_told_of_the_first(going: Following, mara: Person, bo: Person) -> None:
    following.tell_step(going, Told(1, "done", key="a"), by=mara)
    with pytest.raises(Conflict) as refused:
        following.tell_step(going, Told(1, "failed", "no", key="b"), by=bo)
    assert refused.value.sentence == "Mara Keller told of this step meanwhile: done."
    again = following.tell_step(going, Told(1, "failed", "It stopped again", key="b", seen_key="a"), by=bo)
    assert (again.result, again.person, again.entry.text[:7]) == ("failed", bo, "Again, ")


@pytest.mark.parametrize(
    ("told", "field"),
    [
        (Told(1, "failed"), "words"),
        (Told(1, "skipped", " "), "words"),
        (Told(4, "done"), "number"),
        (Told(0, "done"), "number"),
        (Told(1, "perhaps"), "result"),
        (Told(1, "done", "x" * 2001), "words"),
    ],
)
def test_what_can_not_be_told_is_named(going: Following, mara: Person, told: Told, field: str) -> None:
    with pytest.raises(BadInput) as refused:
        following.tell_step(going, told, by=mara)
    assert refused.value.field == field


def test_beginning_again_gives_the_one_under_way(
    going: Following, room: Incident, runbook: Runbook, bo: Person
) -> None:
    assert following.follow(room, runbook, by=bo) == going
    assert len(said(room)) == 1


def test_a_change_of_the_runbook_leaves_what_is_followed_alone(
    going: Following, runbook: Runbook, mara: Person
) -> None:
    actions.rewrite(runbook, Draft("New", "1. a"), seen_version=1, writer=actions.by(mara))
    assert [seen.step.title for seen in queries.steps_of(going)][1] == "Install the old package."
    following.tell_step(going, Told(3, "done"), by=mara)


def test_it_is_handed_over_and_taken_over(going: Following, room: Incident, mara: Person, bo: Person) -> None:
    for _ in range(2):
        following.hand_over(going, bo, by=mara)
    following.hand_over(going, mara, by=mara)
    assert said(room)[1:] == [
        "hands over to Bo Silva: the runbook “Put it back by hand”.",
        "goes on with the runbook “Put it back by hand”.",
    ]
    with pytest.raises(BadInput):
        following.hand_over(going, world.person("Vi", role=Person.Role.VIEWER), by=mara)


def test_stopping_is_told_once_and_can_be_begun_again(
    going: Following, room: Incident, runbook: Runbook, mara: Person
) -> None:
    for _ in range(2):
        following.stop(going, by=mara, why="Chef is back")
    assert said(room)[1:] == ["stops to follow the runbook “Put it back by hand”: Chef is back."]
    assert queries.runbook(runbook.slug).followed_at is None  # no step was told
    assert following.follow(room, runbook, by=mara).pk != going.pk


def test_closing_the_incident_stops_it(going: Following, room: Incident, mara: Person) -> None:
    following.tell_step(going, Told(1, "done"), by=mara)
    incidents.stand_down(room, by=mara, words="Over")
    world.fire_all()
    going.refresh_from_db()
    assert (going.state, going.words) == (State.STOPPED, "the incident was closed")
    assert queries.runbook(going.runbook.slug).followed_by == mara
    with pytest.raises(Conflict):
        following.follow(room, going.runbook, by=mara)


def test_a_removed_runbook_is_not_begun(room: Incident, runbook: Runbook, mara: Person) -> None:
    actions.remove(runbook, writer=actions.by(mara))
    with pytest.raises(Conflict):
        following.follow(room, runbook, by=mara)


def test_the_room_offers_what_fits_first(browser: Client, room: Incident, runbook: Runbook) -> None:
    page = browser.get(f"/incidents/{room.pk}/runbooks/").content.decode()
    assert "These fit" in page
    assert "for a service of this incident" in page
    began = browser.post(f"/incidents/{room.pk}/runbooks/", {"runbook": runbook.slug})
    assert began["Location"] == f"/incidents/{room.pk}/runbooks/{Following.objects.get().pk}/"
    side = browser.get(f"/incidents/{room.pk}/").content.decode()
    assert "0 of 3 told" in side


def test_the_screen_goes_from_step_to_step(browser: Client, going: Following) -> None:
    place = f"/incidents/{going.incident_id}/runbooks/{going.pk}/"
    assert "Step 1 of 3" in browser.get(place).content.decode()
    sent = {"number": "1", "result": "done", "words": "ok", "key": "k1", "seen_key": ""}
    shown = browser.post(f"{place}tell/?step=1", sent, follow=True).content.decode()
    assert "Step 2 of 3" in shown
    assert Entry.objects.filter(incident=going.incident).count() == 2
    browser.post(f"{place}tell/?step=1", sent)
    assert Entry.objects.filter(incident=going.incident).count() == 2


def test_what_it_needs_to_work_stands_before_the_steps(
    browser: Client, write: Callable[..., Runbook], room: Incident, mara: Person
) -> None:
    """Whoever follows it at night learns before the first command that it can not work without the VPN."""
    chef = world.service("chef")
    going = following.follow(room, write("By a long way", needs=[chef], needs_words="The VPN"), by=mara)
    shown = browser.get(f"/incidents/{room.pk}/runbooks/{going.pk}/").content.decode()
    assert 0 < shown.index("What it needs to work") < shown.index(chef.name) < shown.index("The VPN")
    assert shown.index("The VPN") < shown.index('id="h-step"')


def test_words_are_kept_when_somebody_was_faster(browser: Client, going: Following, bo: Person) -> None:
    following.tell_step(going, Told(1, "done", key="theirs"), by=bo)
    place = f"/incidents/{going.incident_id}/runbooks/{going.pk}/tell/?step=1"
    sent = {"number": "1", "result": "failed", "words": "It hangs", "key": "mine", "seen_key": ""}
    answer = browser.post(place, sent)
    page = answer.content.decode()
    assert answer.status_code == 422
    assert "Bo Silva told of this step meanwhile: done." in page
    assert "It hangs" in page
    assert 'name="seen_key" value="theirs"' in page


def test_buttons_hand_over_and_stop(browser: Client, going: Following, bo: Person) -> None:
    place = f"/incidents/{going.incident_id}/runbooks/{going.pk}/change/"
    browser.post(place, {"do": "hand-over", "person": str(bo.pk)})
    assert browser.post(place, {"do": "hand-over", "person": "none"}).status_code == 400
    browser.post(place, {"do": "stop", "why": "<b>enough</b>"})
    going.refresh_from_db()
    assert (going.follower, going.state) == (bo, State.STOPPED)
    assert "<b>enough</b>" not in browser.get(place.removesuffix("change/")).content.decode()
