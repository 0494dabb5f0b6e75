from collections.abc import Callable
from datetime import timedelta

import pytest
from django.test import Client

from raglan.core import timeline
from raglan.core.clock import now
from raglan.core.errors import BadInput, Conflict
from raglan.incidents import actions
from raglan.incidents.actions import Standing
from raglan.incidents.models import Entry, Incident, Responder
from raglan.people.models import Person
from raglan.testing import world


def standing(**values: object) -> Standing:
    return Standing(**{"summary": "Half of the hosts are back.", **values})  # type: ignore[arg-type]  # fields by name


def texts(incident: Incident) -> list[str]:
    return list(Entry.objects.filter(incident=incident).order_by("pk").values_list("text", flat=True))


def test_where_it_stands_is_written_and_kept(incident: Incident, mara: Person) -> None:
    incident = actions.write_standing(
        incident, standing(know=["a", " "], trying=["b"], next_update=timedelta(minutes=30)), by=mara
    )

    assert (incident.summary, incident.know, incident.trying) == ("Half of the hosts are back.", ["a"], ["b"])
    assert incident.next_update_at is not None
    assert not actions.due_standing(incident, now())
    assert actions.due_standing(incident, now() + timedelta(minutes=31))
    kept = [event for event in timeline.about(incident) if event.kind == "incident.standing"]
    assert kept[0].data["know"] == ["a"]


def test_two_who_write_at_once_do_not_overwrite_each_other(incident: Incident, mara: Person, bo: Person) -> None:
    actions.write_standing(incident, standing(seen_version=0), by=mara)

    with pytest.raises(Conflict, match="while you were writing"):
        actions.write_standing(incident, standing(summary="Other words", seen_version=0), by=bo)

    incident.refresh_from_db()
    assert incident.standing_by == mara


def test_a_turn_of_state_is_an_entry_of_its_own(incident: Incident, mara: Person) -> None:
    actions.write_standing(incident, standing(service_state="down"), by=mara)
    actions.write_standing(incident, standing(service_state="down"), by=mara)
    actions.write_standing(incident, standing(service_state="slow"), by=mara)

    turns = Entry.objects.filter(incident=incident, kind=Entry.Kind.TURN).order_by("pk")
    assert [turn.text for turn in turns] == ["From not known to down", "From down to slow"]


def test_what_the_stream_sends_names_the_state_for_the_bar_beside_it(
    incident: Incident, mara: Person, browser: Callable[[Person], Client]
) -> None:
    for state, look in (("down", "bad"), ("slow", "slow"), ("fine", "good")):
        actions.write_standing(incident, standing(service_state=state), by=mara)
        for address in ("part/standing/", "outside/part/standing/", ""):
            shown = browser(mara).get(f"/incidents/{incident.pk}/{address}").content.decode()
            assert f'data-look="{look}"' in shown, address


@pytest.mark.parametrize(("change", "field"), [({"summary": " "}, "summary"), ({"service_state": "dead"}, "state")])
def test_where_it_stands_needs_a_sentence_and_a_known_state(
    incident: Incident, mara: Person, change: dict[str, str], field: str
) -> None:
    with pytest.raises(BadInput) as caught:
        actions.write_standing(incident, standing(**change), by=mara)

    assert caught.value.field == field


def test_somebody_may_come_say_what_they_are_on_and_leave(incident: Incident, bo: Person) -> None:
    actions.be_here(incident, by=bo, doing=" reading logs ")
    here = Responder.objects.get(incident=incident, person=bo)
    assert here.doing == "reading logs"

    for _ in range(2):
        actions.leave(incident, by=bo)

    here.refresh_from_db()
    assert here.left_at is not None
    assert [event.kind for event in timeline.about(bo)].count("incident.left") == 1


def test_being_here_twice_is_one_event(incident: Incident, bo: Person) -> None:
    for _ in range(3):
        actions.be_here(incident, by=bo)

    assert [event.kind for event in timeline.about(bo)].count("incident.here") == 1


def test_the_lead_is_shown_and_in_the_room(incident: Incident, mara: Person, bo: Person) -> None:
    actions.take_lead(incident, bo, by=mara)

    incident.refresh_from_db()
    assert incident.lead == bo
    assert Responder.objects.filter(incident=incident, person=bo).exists()


def test_a_new_title_is_told_with_the_old_one(incident: Incident, mara: Person) -> None:
    actions.rename(incident, "Apache is down everywhere", severity="sev1", by=mara)

    incident.refresh_from_db()
    assert (incident.title, incident.severity) == ("Apache is down everywhere", "sev1")
    assert "Title was: Apache is down" in texts(incident)


def test_a_new_severity_alone_is_an_event_too(incident: Incident, mara: Person) -> None:
    before = timeline.newest_id()

    actions.rename(incident, incident.title, severity="sev2", by=mara)

    assert timeline.about(incident, after=before) != []


def test_standing_down_twice_is_one_end(incident: Incident, mara: Person) -> None:
    for _ in range(2):
        actions.stand_down(incident, by=mara, words="All hosts serve again.")

    assert (incident.state, incident.closing_words) == (Incident.State.CLOSED, "All hosts serve again.")
    assert [event.kind for event in timeline.about(incident)].count("incident.stood_down") == 1
    assert texts(incident).count("All hosts serve again.") == 1


def test_a_reopened_room_goes_on_and_can_be_closed_again(incident: Incident, mara: Person) -> None:
    actions.stand_down(incident, by=mara, words="Over.")
    actions.reopen(incident, by=mara, why="It is back.")
    actions.stand_down(incident, by=mara, words="Now it is over.")

    assert incident.closing_words == "Now it is over."
    assert texts(incident) == ["Over.", "It is back.", "Now it is over."]


def test_reopening_an_open_room_opens_nothing_and_drops_no_reason(incident: Incident, mara: Person, bo: Person) -> None:
    actions.reopen(incident, by=mara, why=" ")
    actions.stand_down(incident, by=mara, words="Over.")
    for _ in range(2):
        actions.reopen(incident, by=mara, why="Pages are slow again.")
        actions.reopen(incident, by=bo, why="Mail is late, too.")

    assert texts(incident) == ["Over.", "Pages are slow again.", "Mail is late, too."]
    assert [event.kind for event in timeline.about(incident)].count("incident.reopened") == 1


def test_other_words_of_whoever_closes_second_are_not_dropped(
    incident: Incident, mara: Person, bo: Person, browser: Callable[[Person], Client]
) -> None:
    actions.stand_down(incident, by=mara, words="All hosts serve again.")
    actions.stand_down(incident, by=bo)  # no words that could be lost

    with pytest.raises(Conflict, match="All hosts serve again"):
        actions.stand_down(incident, by=bo, words="The cache was cold.")
    page = browser(bo).post(f"/incidents/{incident.pk}/close/", {"words": "The cache was cold."})
    assert page.status_code == 422
    assert "It is closed already: “All hosts serve again.”" in page.content.decode()
    assert "The cache was cold." in page.content.decode()


def test_an_update_that_was_promised_is_not_owed_after_the_end(incident: Incident, mara: Person) -> None:
    actions.write_standing(incident, standing(next_update=timedelta(minutes=5)), by=mara)

    actions.stand_down(incident, by=mara)

    assert incident.next_update_at is None
    assert not actions.due_standing(incident, now() + timedelta(hours=1))


def test_words_of_an_end_may_be_few(incident: Incident, mara: Person) -> None:
    world.fire_all()
    actions.stand_down(incident, by=mara)

    assert incident.closing_words == "Stood down."
