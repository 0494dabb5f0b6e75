"""What somebody looks at before they bring it in: each keeps what it found, with what is known already told."""

from datetime import timedelta

import pytest
from django.test import Client

from raglan.chat import elsewhere, exported, import_looks, import_steps, importing
from raglan.chat.models import ChatImport
from raglan.core.clock import now
from raglan.incidents import actions as incidents
from raglan.incidents.models import Incident
from raglan.people.models import Person
from tests.chat.test_importing import yes_to
from tests.chat.test_whole_imports import lines

pytestmark = pytest.mark.django_db


def export(number: int) -> exported.Export:
    return exported.Export("text", lines(number), [])


def test_a_second_look_leaves_the_first_with_what_it_found(client: Client, incident: Incident, bo: Person) -> None:
    client.force_login(bo)
    path = f"/incidents/{incident.pk}/chat/import/"
    fields = {"text": "2026-05-04 14:02 Rowan: it is mine", "kind": "auto", "zone": "UTC"}
    first = client.post(path, fields).content.decode()
    second = client.post(path, {**fields, "text": "2026-05-04 14:05 Rowan: it is over"}).content.decode()
    assert second.count("What you looked at") == 1
    client.post(yes_to(first))
    client.post(yes_to(second))
    said = incident.entries.filter(author_words="Rowan").order_by("at").values_list("text", flat=True)
    assert list(said) == ["it is mine", "it is over"]


def test_two_looks_at_what_becomes_an_incident_stand_beside_each_other(client: Client, bo: Person) -> None:
    client.force_login(bo)
    path, fields = "/incidents/chat/import/", {"kind": "auto", "zone": "UTC", "closes": "on"}
    shown = [
        client.post(path, {**fields, "title": title, "text": f"2026-05-04 14:02 Rowan: {title}"}).content.decode()
        for title in ("Apache was down", "DNS was down")
    ]
    for page in shown:
        client.post(yes_to(page))
    assert set(Incident.objects.values_list("title", flat=True)) == {"Apache was down", "DNS was down"}


def test_the_same_look_again_is_the_one_that_is_there(incident: Incident, bo: Person, mara: Person) -> None:
    past, place = elsewhere.Past("Apache was down"), {"by": bo, "incident": incident}
    looks = [import_looks.look_at(export(60), **place) for _ in range(2)]
    looks += [elsewhere.look_at(past, export(60), by=bo) for _ in range(2)]
    assert looks[0].pk == looks[1].pk != looks[2].pk == looks[3].pk
    assert import_looks.look_at(export(60), by=mara, incident=incident).pk != looks[0].pk
    importing.begin(looks[0], by=bo)
    assert import_looks.look_at(export(60), **place).pk != looks[0].pk


def test_the_same_look_again_is_kept_for_a_day_from_then(incident: Incident, bo: Person) -> None:
    looked = import_looks.look_at(export(2), by=bo, incident=incident)
    ChatImport.objects.update(made_at=now() - timedelta(hours=23))
    again = import_looks.look_at(export(2), by=bo, incident=incident)
    assert (again.pk, now() - again.made_at < timedelta(hours=1)) == (looked.pk, True)


def test_more_looks_than_are_kept_are_refused_until_one_is_dropped(
    client: Client, incident: Incident, bo: Person, mara: Person
) -> None:
    client.force_login(bo)
    kept = [import_looks.look_at(export(number), by=bo, incident=incident) for number in range(1, 11)]
    path = f"/incidents/{incident.pk}/chat/import/"
    fields = {"text": "2026-05-04 14:05 Rowan: it is over", "kind": "auto", "zone": "UTC"}
    refused = client.post(path, fields)
    shown = refused.content.decode()
    assert refused.status_code == 422
    assert "10 chats that you looked at wait for your yes. Bring one in, or drop one." in shown
    assert all(f'action="/chat-imports/{one.pk}/act/"' in shown for one in kept)
    import_looks.look_at(export(1), by=mara, incident=incident)  # somebody else's do not count

    dropped = client.post(f"/chat-imports/{kept[0].pk}/act/", {"do": "drop"})
    assert dropped["Location"] == path
    assert not ChatImport.objects.filter(pk=kept[0].pk).exists()
    assert "Put 1 line into the timeline" in client.post(path, fields).content.decode()


def test_looks_of_a_room_that_one_may_not_see_any_more_take_no_room(
    client: Client, incident: Incident, bo: Person, mara: Person
) -> None:
    for number in range(1, 11):
        import_looks.look_at(export(number), by=bo, incident=incident)
    Incident.objects.filter(pk=incident.pk).update(is_private=True)
    room = incidents.declare("DNS is down", by=mara)
    client.force_login(bo)
    fields = {"text": "2026-05-04 14:05 Rowan: it is over", "kind": "auto", "zone": "UTC"}
    shown = client.post(f"/incidents/{room.pk}/chat/import/", fields).content.decode()
    assert "Put 1 line into the timeline" in shown


def test_one_that_is_dropped_at_the_moment_of_the_yes_leaves_no_empty_incident(
    client: Client, bo: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked = elsewhere.look_at(elsewhere.Past("Apache was down"), export(2), by=bo)
    held = import_steps.hold

    def dropped_first(pk: int) -> ChatImport | None:
        ChatImport.objects.filter(pk=pk).delete()
        return held(pk)

    monkeypatch.setattr(import_steps, "hold", dropped_first)
    client.force_login(bo)
    assert client.post(f"/chat-imports/{looked.pk}/act/", {"do": "bring-in"}).status_code == 409
    assert not Incident.objects.exists()


def test_of_two_who_say_yes_at_the_same_moment_one_makes_the_incident(bo: Person) -> None:
    looked = elsewhere.look_at(elsewhere.Past("Apache was down"), export(2), by=bo)
    seen = ChatImport.objects.get(pk=looked.pk)
    assert importing.begin(looked, by=bo, make=elsewhere.make)
    assert not importing.begin(seen, by=bo, make=elsewhere.make)
    assert (seen.state, seen.incident) == ("there", Incident.objects.get())
    assert Incident.objects.get().entries.filter(author_words__gt="").count() == 2


def test_what_came_in_is_not_dropped_and_nobody_drops_what_another_looked_at(
    client: Client, incident: Incident, bo: Person, mara: Person
) -> None:
    client.force_login(bo)
    made = importing.bring_in(incident, lines(2), by=bo).chat_import
    assert made is not None
    client.post(f"/chat-imports/{made.pk}/act/", {"do": "drop"})
    made.refresh_from_db()
    assert made.state == "there"
    looked = import_looks.look_at(export(3), by=mara, incident=incident)
    assert client.post(f"/chat-imports/{looked.pk}/act/", {"do": "drop"}).status_code == 404
    assert ChatImport.objects.filter(pk=looked.pk).exists()


def test_looks_of_a_room_that_is_private_now_are_not_listed(client: Client, incident: Incident, bo: Person) -> None:
    import_looks.look_at(export(2), by=bo, incident=incident)
    client.force_login(bo)
    assert incident.title in client.get("/incidents/chat/import/").content.decode()
    Incident.objects.filter(pk=incident.pk).update(is_private=True)
    assert "What you looked at" not in client.get("/incidents/chat/import/").content.decode()


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
