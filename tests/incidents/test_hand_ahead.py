"""Before a run may undo what was changed by hand, the room and whoever did it are warned, once."""

from datetime import timedelta

from raglan.changes import asking
from raglan.changes.asking import Caution, Question
from raglan.core.clock import now
from raglan.fleet.models import Host
from raglan.fleet.ports import Outcome
from raglan.incidents import actions, hand, hand_ahead
from raglan.incidents.hand import Told
from raglan.incidents.hand_models import HandChange
from raglan.incidents.models import Entry, Incident
from raglan.people.models import Person
from raglan.testing import world
from tests.fleet.running import take, told
from tests.incidents.by_hand import warned

MAY_UNDO = "A run is about to begin on web17 and may undo what was changed by hand (httpd: put 2.4.6-40 back)."


def test_a_run_that_begins_warns_the_room_and_its_maker_once(put_back: HandChange, mara: Person) -> None:
    world.way(mara, "push")
    with world.outbox(world.Outbox()) as box:
        take(told("r1", Outcome.STARTED, ended_at=None, started_at=now()))
        assert warned() == [f"{MAY_UNDO} Chef has begun."]
        take(told("r2", Outcome.STARTED, ended_at=None, started_at=now()))
        assert len(warned()) == 1
    said = [sent.message for sent in box.sent if sent.message.is_word]
    assert [(one.title, one.text) for one in said] == [
        ("web17: a run may undo what you changed by hand", f"{MAY_UNDO} Chef has begun.")
    ]


def test_the_question_of_the_gate_warns_and_one_about_other_packages_does_not(put_back: HandChange) -> None:
    asking.heard([Question("web17", ("bash",), now()), Question("web9", (), now())])
    assert warned() == []
    asking.heard([Question("web17", ("bash", "httpd"), now())])
    assert warned() == [f"{MAY_UNDO} It asked before it changes bash, httpd."]
    asking.heard([Question("web17", (), now())])
    assert len(warned()) == 1


def test_what_was_asked_before_it_and_what_ended_warn_of_nothing(put_back: HandChange, mara: Person) -> None:
    asking.heard([Question("web17", (), now() - timedelta(hours=1))])
    hand.end(put_back, "kept", "", by=mara)
    asking.heard([Question("web17", (), now())])
    take(told("r1", Outcome.STARTED, ended_at=None, started_at=now()))
    assert warned() == []


def test_hosts_are_told_what_stands_on_them_and_nothing_of_private_rooms(
    put_back: HandChange, incident: Incident, mara: Person
) -> None:
    take(told("r0", Outcome.UNCHANGED, name="Web18"))
    Host.objects.filter(name="Web18").update(role="web")
    hand.tell(incident, Told("web", "sshd", "stopped", "role", key="k2"), by=mara)
    words = "httpd was changed by hand: put 2.4.6-40 back"
    assert hand_ahead.cautions() == {
        "web17": [Caution("httpd", words)],
        "web18": [Caution("sshd", "sshd was changed by hand: stopped")],
    }
    Incident.objects.filter(pk=incident.pk).update(is_private=True)
    assert [one.words for some in hand_ahead.cautions().values() for one in some] == ["", ""]
    asking.heard([Question("web17", (), now())])
    assert [one.is_awaited for one in hand_ahead.cautions()["web17"]] == [False]


def test_when_the_room_is_closed_its_maker_still_hears(put_back: HandChange, incident: Incident, mara: Person) -> None:
    world.way(mara, "push")
    actions.stand_down(incident, by=mara, words="Over.")
    world.fire_all()
    before = Entry.objects.count()
    with world.outbox(world.Outbox()) as box:
        asking.heard([Question("web17", (), now())])
        world.fire_all()
    assert Entry.objects.count() == before
    assert [sent.message.taps[0].words for sent in box.sent] == ["Hold it"]
