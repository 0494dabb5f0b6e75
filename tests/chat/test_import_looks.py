"""What somebody looks at before they bring it in: one at a place, with what is known already told."""

import pytest
from django.test import Client

from raglan.chat import elsewhere, exported, import_looks, importing
from raglan.chat.models import ChatImport
from raglan.incidents import actions as incidents
from raglan.incidents.models import Incident
from raglan.people.models import Person
from tests.chat.test_importing import yes_to
from tests.chat.test_whole_imports import lines

pytestmark = pytest.mark.django_db


def export(number: int) -> exported.Export:
    return exported.Export("text", lines(number), [])


def test_another_look_at_the_same_place_takes_the_place_of_ones_own(
    incident: Incident, bo: Person, mara: Person
) -> None:
    other = incidents.declare("Another", by=mara)
    past = elsewhere.Past("Apache was down")
    stay = [
        import_looks.look_at(export(2), by=mara, incident=incident),
        import_looks.look_at(export(2), by=bo, incident=other),
        importing.bring_in(incident, lines(1), by=bo).chat_import,
    ]
    for _ in range(3):
        last = [import_looks.look_at(export(3), by=bo, incident=incident), elsewhere.look_at(past, export(3), by=bo)]
    left = ChatImport.objects.order_by("pk").values_list("pk", flat=True)
    assert list(left) == [one.pk for one in [*stay, *last] if one is not None]


def test_the_page_of_a_look_counts_what_is_new(client: Client, incident: Incident, bo: Person) -> None:
    looked = import_looks.look_at(export(5), by=bo, incident=incident)
    client.force_login(bo)
    path = f"/chat-imports/{looked.pk}/"
    importing.bring_in(incident, lines(2), by=bo)
    shown = client.get(path).content.decode()
    assert "Put 3 lines into the timeline" in shown
    assert "2 more there already" in shown
    assert shown.count("There already") == 2
    importing.bring_in(incident, lines(5), by=bo)
    assert "All of it is in the timeline." in client.get(path).content.decode()


def test_what_somebody_said_yes_to_is_no_look_any_more(client: Client, incident: Incident, bo: Person) -> None:
    client.force_login(bo)
    path = f"/incidents/{incident.pk}/chat/import/"
    fields = {"text": "2026-05-04 14:02 Rowan: it is mine", "kind": "auto", "zone": "UTC"}
    client.post(yes_to(client.post(path, fields).content.decode()))
    client.post(path, {**fields, "text": "2026-05-04 14:05 Rowan: it is over"})
    states = ChatImport.objects.order_by("pk").values_list("state", flat=True)
    assert list(states) == ["there", "looked_at"]


def test_how_many_are_out_is_said_of_one_line_too(client: Client, incident: Incident, bo: Person) -> None:
    client.force_login(bo)
    made = importing.bring_in(incident, lines(2), by=bo).chat_import
    assert made is not None
    incidents.mark_risky(incident.entries.get(text="line 1"), by=bo)
    importing.take_out(made, by=bo)
    shown = client.get(f"/chat-imports/{made.pk}/").content.decode()
    assert "1 line is out of the timeline. 1 line stays: somebody went on with it here" in shown
