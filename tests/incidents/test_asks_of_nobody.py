"""An ask that would page nobody is refused where it is asked; when all leave in between, the fallback is paged."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.test import Client

from raglan.core.errors import BadInput
from raglan.incidents import actions
from raglan.incidents.actions import IfNobody, Said
from raglan.incidents.models import Entry, Incident
from raglan.people.models import Membership, Person
from raglan.testing import world
from tests.incidents.conftest import Call

Browser = Callable[[Person], Client]
ASK = Entry.Kind.ASK
WHY = "nobody is in Web, so that nobody would be paged; ask a person, or another team"


def refused(incident: Incident, said: Said, by: Person) -> tuple[str, str, int]:
    with pytest.raises(BadInput) as caught:
        actions.post(incident, said, by=by)
    return caught.value.field, caught.value.reason, caught.value.status


def test_an_ask_of_an_empty_team_is_refused(incident: Incident, mara: Person) -> None:
    team = world.team(name="Web")

    assert refused(incident, Said(ASK, "Help?", to_team=team), mara) == ("to_team", WHY, 422)
    for kind in (ASK, Entry.Kind.STUCK):
        said = Said(kind, "Help?", if_nobody=IfNobody(team=team))
        assert refused(incident, said, mara) == ("if_nobody", WHY, 422)
    assert not Entry.objects.filter(kind__in=actions.PINGED).exists()


def test_one_that_pages_nobody_or_another_may_go_to_an_empty_team(incident: Incident, mara: Person, bo: Person) -> None:
    team = world.team(name="Web")

    for otherwise in (IfNobody(), IfNobody(person=bo), IfNobody(team=world.team(bo))):
        actions.post(incident, Said(ASK, "Help?", to_team=team, if_nobody=otherwise), by=mara)
    actions.post(incident, Said(Entry.Kind.NOTE, "Help?", to_team=team), by=mara)


def test_a_team_of_which_somebody_is_on_call_is_not_empty(
    incident: Incident, mara: Person, outbox: world.Outbox
) -> None:
    team = world.team(name="Web")
    world.schedule(world.person("Ines Roth"), of=team)
    actions.post(incident, Said(ASK, "Help?", to_team=team), by=mara)

    world.fast_forward(timedelta(minutes=5, seconds=2))

    assert [item.message.person_name for item in outbox.sent] == ["Ines Roth"]


def test_a_team_that_all_left_in_between_falls_back(
    incident: Incident, mara: Person, bo: Person, outbox: world.Outbox
) -> None:
    world.administrator("Ada Lamb")
    team = world.team(bo, name="Web")
    actions.post(incident, Said(ASK, "Help?", to_team=team), by=mara)
    Membership.objects.filter(team=team).delete()

    world.fast_forward(timedelta(minutes=5, seconds=2))

    assert [item.message.person_name for item in outbox.sent] == ["Ada Lamb"]


def test_a_person_who_is_silent_is_followed_by_the_fallback(
    incident: Incident, mara: Person, bo: Person, outbox: world.Outbox
) -> None:
    world.administrator("Ada Lamb")
    actions.post(incident, Said(ASK, "Help?", to_person=bo), by=mara)

    world.fast_forward(timedelta(minutes=16))

    assert [item.message.person_name for item in outbox.sent] == ["Bo Silva", "Bo Silva", "Ada Lamb"]


def test_the_same_word_sent_twice_is_no_new_ask(incident: Incident, mara: Person, bo: Person) -> None:
    team = world.team(bo, name="Web")
    said = Said(ASK, "Help?", to_team=team, key="once")
    entry = actions.post(incident, said, by=mara)
    Membership.objects.filter(team=team).delete()

    assert actions.post(incident, said, by=mara) == entry


def test_the_same_over_rest(incident: Incident, mara: Person, rest: Call) -> None:
    team = world.team(name="Web")
    path = f"/incidents/{incident.pk}/entries"

    assert rest(mara, "POST", path, {"kind": "ask", "text": "Help?", "to_team": team.slug}) == (422, "bad_input")
    otherwise = {"kind": "ask", "text": "Help?", "if_nobody": {"page_team": team.slug}}
    assert rest(mara, "POST", path, otherwise) == (422, "bad_input")


def test_the_screen_says_why_and_keeps_the_words(incident: Incident, mara: Person, browser: Browser) -> None:
    team = world.team(name="Web")
    typed = {"kind": "ask", "text": "Who knows yum?", "to": f"team:{team.slug}", "otherwise": "same", "entry_key": "k"}

    answer = browser(mara).post(f"/incidents/{incident.pk}/entries/", typed)

    assert answer.status_code == 422
    shown = answer.content.decode()
    assert "Nobody is in Web, so that nobody would be paged; ask a person, or another team." in shown
    assert "Who knows yum?" in shown
