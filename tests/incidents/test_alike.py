from datetime import timedelta

import pytest
from django.test import Client
from hypothesis import given
from hypothesis import strategies as st

from raglan.core.clock import now
from raglan.incidents import actions
from raglan.incidents.actions import Said
from raglan.incidents.alike import are_alike
from raglan.incidents.models import Alike, Entry, Incident
from raglan.people.models import Person
from raglan.testing import world

DOING = Entry.Kind.DOING
SENTENCES = st.lists(
    st.sampled_from(["restart", "restarting", "httpd", "web0012", "web0013", "the", "cache", "logs", "?"]), max_size=8
).map(" ".join)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Restarting httpd on web0012", "I’m going to restart httpd on web0012"),
        ("Running Chef again on one host", "run chef on a host now"),
        ("Clearing the cache.", "clear the cache"),
        ("Stopping chef-client everywhere", "stop chef-client everywhere, at once"),
    ],
)
def test_the_same_act_in_other_words_is_alike(one: str, other: str) -> None:
    assert are_alike(one, other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Restarting httpd on web0012", "Restarting httpd on web0013"),
        ("Reading the slow log", "Restarting httpd"),
        ("Restarting httpd", "Restarting the database"),
        ("", ""),
        ("I am going to", "now"),
    ],
)
def test_another_act_is_not_alike(one: str, other: str) -> None:
    assert not are_alike(one, other)


@given(SENTENCES, SENTENCES)
def test_alike_has_no_direction(one: str, other: str) -> None:
    assert are_alike(one, other) == are_alike(other, one)


@given(SENTENCES)
def test_small_words_and_capitals_change_nothing(text: str) -> None:
    assert are_alike(text, text) == are_alike(text, f"I am going to {text.upper()} now.")


def do(incident: Incident, person: Person, text: str = "Restarting httpd on web0012", ago: int = 0) -> Entry:
    return actions.post(incident, Said(DOING, text), by=person, at=now() - timedelta(seconds=ago))


def told() -> set[tuple[int, int]]:
    return set(Alike.objects.values_list("entry_id", "other_id"))


def test_two_who_announce_the_same_are_told_of_each_other(incident: Incident, mara: Person, bo: Person) -> None:
    one, other = do(incident, mara, ago=119), do(incident, bo, "restart httpd on web0012")

    assert told() == {(one.pk, other.pk), (other.pk, one.pk)}


@pytest.mark.parametrize(("text", "ago"), [("Restarting httpd on web0012", 121), ("Reading the logs", 5)])
def test_later_or_other_acts_tell_nobody(incident: Incident, mara: Person, bo: Person, text: str, ago: int) -> None:
    do(incident, mara, text, ago)
    do(incident, bo)

    assert told() == set()


def test_oneself_and_mere_notes_are_not_told(incident: Incident, mara: Person, bo: Person) -> None:
    do(incident, mara)
    do(incident, mara)
    actions.post(incident, Said(Entry.Kind.NOTE, "Restarting httpd on web0012"), by=bo)

    assert told() == set()


@pytest.mark.parametrize(("shared", "count"), [(True, 2), (False, 0)])
def test_two_rooms_about_one_service_hear_of_each_other(mara: Person, bo: Person, shared: bool, count: int) -> None:
    httpd, dns = world.service("httpd"), world.service("dns")
    one = actions.declare("Pages are slow", by=mara, services=[httpd])
    other = actions.declare("Shop is slow", by=bo, services=[httpd if shared else dns])
    do(one, mara)
    do(other, bo)

    assert len(told()) == count


def test_both_read_it_on_top_and_the_first_hears_it(incident: Incident, mara: Person, bo: Person) -> None:
    do(incident, mara, "Restarting httpd on web0012", ago=60)
    do(incident, bo, "restart httpd on web0012 <now>")
    client = Client()
    client.force_login(mara)

    on_top = client.get(f"/incidents/{incident.pk}/part/asks/").content.decode()
    lines = client.get(f"/incidents/{incident.pk}/part/lines/").content.decode()

    assert "<b>Bo Silva</b> says the same" in on_top
    assert "<b>Mara Keller</b> says the same" in on_top
    assert "restart httpd on web0012 &lt;now&gt;</a>" in on_top
    assert 'data-say="Bo Silva is doing: restart httpd on web0012 &lt;now&gt;, the same as you"' in lines
    assert lines.count("the same as you") == 1


def test_what_says_the_same_is_reached_though_the_room_may_not_show_it_any_more(
    incident: Incident, mara: Person, bo: Person
) -> None:
    do(incident, mara, "Restarting httpd on web0012", ago=60)
    first = Entry.objects.get(incident=incident, kind=DOING)
    do(incident, bo, "restart httpd on web0012")
    client = Client()
    client.force_login(mara)

    for part in ("asks", "lines"):
        shown = client.get(f"/incidents/{incident.pk}/part/{part}/").content.decode()
        assert f'<a href="/entries/{first.pk}/">Restarting httpd on web0012</a>' in shown


def test_rest_leads_to_what_says_the_same_as_the_room_does(incident: Incident, mara: Person, bo: Person) -> None:
    do(incident, mara, "Restarting httpd on web0012", ago=60)
    first = Entry.objects.get(incident=incident, kind=DOING)
    second = do(incident, bo, "restart httpd on web0012")
    client = Client()
    client.force_login(mara)

    told = client.get(f"/api/v1/incidents/{incident.pk}/timeline").json()
    [alike] = next(entry["alike"] for entry in told if entry["id"] == second.pk)
    assert alike["url"].endswith(f"/entries/{first.pk}/")
    shown = client.get(f"/entries/{first.pk}/").content.decode()
    assert "Restarting httpd on web0012" in shown
