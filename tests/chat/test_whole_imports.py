"""A long chat comes in by and by, goes on after a crash, and is taken out again in one go."""

import io
import json
import re
import zipfile
from datetime import UTC, datetime, timedelta

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from raglan.chat import elsewhere, exported, import_looks, import_steps, imported_lines, importing, timers, uploads
from raglan.chat.models import ChatImport, ImportedLine, ImportPart, Post, Workspace
from raglan.core import timers as core_timers
from raglan.core.clock import now
from raglan.core.errors import BadInput, Conflict
from raglan.core.models import Event, Timer
from raglan.incidents import actions as incidents
from raglan.incidents.models import Entry, Incident
from raglan.people.models import Person
from raglan.testing import world
from tests.chat.test_importing import yes_to

START = datetime(2026, 5, 4, 9, tzinfo=UTC)
State = ChatImport.State


def lines(number: int) -> list[exported.Told]:
    return [exported.Told(f"l{one}", START + timedelta(seconds=one), "Rowan", f"line {one}") for one in range(number)]


def notes(incident: Incident) -> list[str]:
    found = incident.entries.filter(key__startswith=imported_lines.KEY).order_by("at")
    return list(found.values_list("text", flat=True))


def test_a_long_chat_comes_in_part_by_part_and_chat_hears_nothing(
    chat: Workspace, incident: Incident, bo: Person
) -> None:
    brought = importing.bring_in(incident, lines(420), by=bo)
    made = brought.chat_import
    assert made is not None
    assert (brought.new, made.state) == (0, State.COMING)
    assert core_timers.fire_due(1) == 1
    made.refresh_from_db()
    assert (made.new, made.state, len(notes(incident))) == (50, State.COMING, 50)
    world.fire_all()
    made.refresh_from_db()
    assert (made.new, made.known, made.state, made.total) == (420, 0, State.THERE, 420)
    assert notes(incident) == [f"line {one}" for one in range(420)]
    assert not ImportPart.objects.exists()
    assert Event.objects.filter(kind="chat.imported").count() == 1
    assert not Post.objects.filter(entry__isnull=False).exists()


@pytest.mark.django_db
def test_what_a_process_that_died_left_is_done_by_the_timer(
    incident: Incident, bo: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = import_looks.look_at(exported.Export("text", lines(120), []), by=bo, incident=incident)
    with monkeypatch.context() as patch:
        # one step, and then it died
        patch.setattr(import_steps, "do_at_once", lambda held, is_short: import_steps.go_on(held.pk))
        importing.begin(made, by=bo)
    assert (made.state, len(notes(incident))) == (State.COMING, 50)
    world.fast_forward(timedelta(seconds=31))
    made.refresh_from_db()
    assert (made.state, len(notes(incident)), len(set(notes(incident)))) == (State.THERE, 120, 120)


@pytest.mark.django_db
def test_a_short_chat_leaves_no_timer(incident: Incident, bo: Person) -> None:
    made = importing.bring_in(incident, lines(120), by=bo).chat_import
    assert made is not None
    assert made.state == State.THERE
    assert not Timer.objects.filter(kind=import_steps.GO_ON).exists()


@pytest.mark.django_db
def test_one_that_is_closed_meanwhile_stops_and_goes_on(incident: Incident, bo: Person) -> None:
    made = importing.bring_in(incident, lines(400), by=bo).chat_import
    assert made is not None
    core_timers.fire_due(1)
    incidents.stand_down(incident, by=bo)
    world.fire_all()
    made.refresh_from_db()
    assert (made.state, made.why) == (State.STOPPED, import_steps.CLOSED)
    with pytest.raises(Conflict):
        importing.begin(made, by=bo)
    incidents.reopen(incident, by=bo, why="for its chat")
    importing.begin(made, by=bo)
    world.fire_all()
    made.refresh_from_db()
    assert (made.state, made.why, len(notes(incident))) == (State.THERE, "", 400)


@pytest.mark.django_db
@pytest.mark.parametrize("number", [30, 420])
def test_it_is_taken_out_in_one_go_but_for_what_somebody_went_on_with(
    incident: Incident, bo: Person, number: int
) -> None:
    before = importing.bring_in(incident, lines(3), by=bo).chat_import
    made = importing.bring_in(incident, lines(number), by=bo).chat_import
    world.fire_all()
    assert before is not None
    assert made is not None
    made.refresh_from_db()
    assert (made.new, made.known) == (number - 3, 3)
    incidents.mark_risky(incident.entries.get(text="line 7"), by=bo)
    incidents.stand_down(incident, by=bo)
    world.fire_all()
    importing.take_out(made, by=bo)
    importing.take_out(made, by=bo)
    world.fire_all()
    made.refresh_from_db()
    assert (made.state, made.removed, made.stay) == (State.GONE, number - 4, 4)
    assert notes(incident) == ["line 0", "line 1", "line 2", "line 7"]
    assert Event.objects.filter(kind="chat.import_undone").count() == 1
    assert list(ImportedLine.objects.values_list("chat_import", flat=True)) == [before.pk] * 3
    moments = incident.review.moments.filter(text__startswith="line").order_by("at")
    assert list(moments.values_list("text", flat=True)) == notes(incident)
    incidents.reopen(incident, by=bo, why="again")
    assert importing.bring_in(incident, lines(30), by=bo).new == 26


@pytest.mark.django_db
def test_one_that_is_on_its_way_is_stopped_and_taken_out(incident: Incident, bo: Person) -> None:
    made = importing.bring_in(incident, lines(500), by=bo).chat_import
    assert made is not None
    core_timers.fire_due(3)
    there = len(notes(incident))
    assert 0 < there < 500
    importing.take_out(made, by=bo)
    world.fire_all()
    made.refresh_from_db()
    assert (made.state, made.removed, notes(incident)) == (State.GONE, there, [])
    assert not ImportPart.objects.exists()


@pytest.mark.django_db
def test_what_is_brought_in_anew_while_it_is_still_being_taken_out_is_there(
    client: Client, incident: Incident, bo: Person
) -> None:
    old = importing.bring_in(incident, lines(420), by=bo).chat_import
    world.fire_all()
    assert old is not None
    importing.take_out(old, by=bo)
    core_timers.fire_due(1)
    assert 0 < len(notes(incident)) < 420
    client.force_login(bo)
    text = json.dumps([line.as_json() for line in lines(420)[-50:]])
    path = f"/api/v1/incidents/{incident.pk}/chat-import"
    looked = client.post(f"{path}/preview", {"text": text}, content_type="application/json").json()
    assert (looked["new"], {line["is_known"] for line in looked["lines"]}) == (50, {False})

    anew = importing.bring_in(incident, lines(420)[-50:], by=bo)

    assert (anew.new, anew.known) == (50, 0)
    world.fire_all()
    old.refresh_from_db()
    assert (old.state, old.removed, old.stay) == (State.GONE, 370, 50)
    assert notes(incident) == [line.text for line in lines(420)[-50:]]
    assert anew.chat_import is not None
    importing.take_out(anew.chat_import, by=bo)
    assert notes(incident) == []


@pytest.mark.django_db
def test_lines_that_went_to_another_room_stay_and_a_merge_takes_them_along(
    incident: Incident, bo: Person, mara: Person
) -> None:
    made = importing.bring_in(incident, lines(20), by=bo).chat_import
    assert made is not None
    some = incident.entries.filter(text__in=["line 3", "line 4"]).values_list("pk", flat=True)
    apart = incidents.split(incident, incidents.Chosen("The other half", entries=list(some)), by=bo)
    whole = incidents.declare("All of it", by=mara)
    incidents.merge(incident, whole, by=bo)
    made.refresh_from_db()
    assert made.incident == whole
    importing.take_out(made, by=bo)
    made.refresh_from_db()
    assert (made.removed, made.stay) == (18, 2)
    assert (notes(whole), notes(apart)) == ([], ["line 3", "line 4"])


@pytest.mark.django_db
def test_a_part_that_fails_again_and_again_stops_it(
    incident: Incident, bo: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = importing.bring_in(incident, lines(400), by=bo).chat_import
    assert made is not None
    due = core_timers.Due(1, import_steps.GO_ON, f"chat_import:{made.pk}", now(), 3, {})
    import_steps._give_up(due, "disk full")
    made.refresh_from_db()
    assert (made.state, made.why) == (
        State.STOPPED,
        "It failed three times. The log of the server says why; try again.",
    )


@pytest.mark.django_db
def test_a_look_is_its_readers_own_and_goes_after_a_day(
    client: Client, incident: Incident, bo: Person, mara: Person
) -> None:
    made = import_looks.look_at(exported.Export("text", lines(5), ["line 6 is left out"]), by=bo, incident=incident)
    path = f"/chat-imports/{made.pk}/"
    client.force_login(bo)
    shown = client.get(path).content.decode()
    assert "Put 5 lines into the timeline" in shown
    assert "Line 6 is left out" in shown
    client.force_login(mara)
    assert (client.get(path).status_code, client.post(f"{path}act/").status_code) == (404, 404)
    ChatImport.objects.update(made_at=now() - timedelta(hours=25))
    timers.forget(core_timers.Due(1, timers.FORGET, "chat", now(), 1, {}))
    assert not ChatImport.objects.exists()


@pytest.mark.django_db
def test_the_screen_says_how_far_it_is(client: Client, incident: Incident, bo: Person) -> None:
    client.force_login(bo)
    made = importing.bring_in(incident, lines(450), by=bo).chat_import
    assert made is not None
    core_timers.fire_due(1)
    path = f"/chat-imports/{made.pk}/"
    for where in (path, f"{path}part/"):
        assert "50 of 450 lines are in" in client.get(where).content.decode()
    assert "Coming in" in client.get(f"/incidents/{incident.pk}/chat/import/").content.decode()
    world.fire_all()
    shown = client.get(path).content.decode()
    assert "450 lines came in" in shown
    assert client.post(f"{path}act/", {"do": "take-out"})["Location"] == path
    world.fire_all()
    assert "450 lines are out of the timeline" in client.get(path).content.decode()
    listed = client.get(f"/incidents/{incident.pk}/chat/import/").content.decode()
    assert re.search(r"Taken out again", listed)


@pytest.mark.django_db
def test_a_private_incidents_import_is_known_to_nobody_else(
    client: Client, incident: Incident, bo: Person, mara: Person
) -> None:
    made = importing.bring_in(incident, lines(5), by=bo).chat_import
    assert made is not None
    incidents.make_private(incident, "names of customers", by=mara)
    client.force_login(bo)
    if not incidents_seen(incident, bo):
        assert client.get(f"/chat-imports/{made.pk}/").status_code == 404
        assert client.get(f"/api/v1/chat-imports/{made.pk}").status_code == 404


def incidents_seen(incident: Incident, person: Person) -> bool:
    return incident.listed.filter(person=person).exists()


@pytest.mark.django_db
def test_an_incident_made_for_a_long_chat_closes_once_all_of_it_is_there(bo: Person) -> None:
    made, brought = elsewhere.bring_in(elsewhere.Past("Apache was down"), lines(400), by=bo)
    assert (made.state, brought.new) == ("open", 0)
    world.fire_all()
    made.refresh_from_db()
    assert (made.state, made.closed_at) == ("closed", START + timedelta(seconds=399))


@pytest.mark.django_db
def test_rest_brings_portions_into_one_import_and_takes_it_out(client: Client, incident: Incident, bo: Person) -> None:
    client.force_login(bo)

    def call(path: str, body: object) -> dict[str, object]:
        headers = {"X-CSRFToken": "no check in this client"}
        answered = client.post(f"/api/v1{path}", json.dumps(body), content_type="application/json", headers=headers)
        assert answered.status_code == 200, answered.content
        return dict(answered.json())

    path = f"/incidents/{incident.pk}/chat-import"
    portions = [[line.as_json() for line in some] for some in (lines(10), lines(25)[10:])]
    first = call(path, {"text": json.dumps(portions[0])})
    second = call(path, {"text": json.dumps(portions[1]), "import_id": first["import_id"]})
    assert (first["new"], second["new"], second["import_id"]) == (10, 15, first["import_id"])
    found = client.get(f"/api/v1/incidents/{incident.pk}/chat-imports").json()
    assert [(one["state"], one["new"], one["by"]) for one in found] == [("there", 25, bo.name)]
    out = call(f"/chat-imports/{first['import_id']}/take-out", {})
    assert (out["state"], out["removed"]) == ("gone", 25)
    other = incidents.declare("Another", by=bo)
    wrong = {"text": json.dumps(portions[0]), "import_id": first["import_id"]}
    headers = {"X-CSRFToken": "no check in this client"}
    where = f"/api/v1/incidents/{other.pk}/chat-import"
    assert client.post(where, json.dumps(wrong), content_type="application/json", headers=headers).status_code == 422


# Files ----------------------------------------------------------------------------------------------------------------


def slack(user: str, second: int, text: str) -> dict[str, object]:
    return {"type": "message", "user": user, "ts": f"{1777888800 + second}.000100", "text": text}


def archive(files: dict[str, object]) -> SimpleUploadedFile:
    kept = io.BytesIO()
    with zipfile.ZipFile(kept, "w", zipfile.ZIP_DEFLATED) as packed:
        for name, content in files.items():
            packed.writestr(name, content if isinstance(content, str) else json.dumps(content))
    return SimpleUploadedFile("export.zip", kept.getvalue(), "application/zip")


EXPORT = {
    "users.json": [{"id": "U1", "name": "rowan", "profile": {"real_name": "Rowan Ellis"}}],
    "channels.json": [{"id": "C1", "name": "inc"}],
    "inc/2026-05-05.json": [slack("U1", 90_000, "the next day")],
    "inc/2026-05-04.json": [slack("U1", 0, "it is mine"), slack("U2", 5, "looking")],
    "general/2026-05-04.json": [slack("U1", 2, "lunch?")],
    "__MACOSX/inc/._2026-05-04.json": "\x00\x05",
}


@pytest.mark.django_db
def test_slacks_archive_is_taken_as_it_comes(client: Client, incident: Incident, bo: Person) -> None:
    client.force_login(bo)
    path = f"/incidents/{incident.pk}/chat/import/"
    fields = {"kind": "auto", "zone": "UTC"}
    asked = client.post(path, {**fields, "picked": archive(EXPORT)})
    assert asked.status_code == 422
    assert "holds general, inc" in asked.content.decode()
    wrong = client.post(path, {**fields, "picked": archive(EXPORT), "channel": "ops"})
    assert "Is not in export.zip, which holds general, inc" in wrong.content.decode()
    shown = client.post(path, {**fields, "picked": archive(EXPORT), "channel": "#inc"}).content.decode()
    assert "Put 3 lines into the timeline" in shown
    client.post(yes_to(shown))
    said = incident.entries.filter(key__startswith=imported_lines.KEY).order_by("at")
    assert [(one.author_words, one.text) for one in said] == [
        ("Rowan Ellis", "it is mine"),
        ("U2", "looking"),
        ("Rowan Ellis", "the next day"),
    ]


@pytest.mark.django_db
@pytest.mark.parametrize("where", ["pasted", "picked"])
def test_a_channel_of_what_is_no_archive_is_refused_at_its_field(
    client: Client, incident: Incident, bo: Person, where: str
) -> None:
    client.force_login(bo)
    text = "2026-05-04 14:02 Rowan: it is mine"
    chat = {"text": text} if where == "pasted" else {"picked": SimpleUploadedFile("chat.txt", text.encode())}
    fields = {"kind": "auto", "zone": "UTC", "channel": "inc", **chat}
    refused = client.post(f"/incidents/{incident.pk}/chat/import/", fields)
    assert refused.status_code == 422
    assert "Is for the archive of an export (.zip) that holds several" in refused.content.decode()


def test_several_files_are_one_chat_and_say_who_is_who() -> None:
    files = [
        SimpleUploadedFile("2026-05-05.json", json.dumps(EXPORT["inc/2026-05-05.json"]).encode()),
        SimpleUploadedFile("users.json", json.dumps(EXPORT["users.json"]).encode()),
        SimpleUploadedFile("notes.txt", "2026-05-04 14:02 Jun: naïve".encode("utf-16")),
    ]
    found = uploads.picked(files)
    assert ([name for name, _ in found.files], found.names) == (["2026-05-05.json", "notes.txt"], {"U1": "Rowan Ellis"})
    export = exported.read_all(found.files, exported.Reading(names=found.names))
    assert [line.text for line in export.lines] == ["naïve", "the next day"]
    assert export.kind == "slack and text"


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "holds no line that can be understood"),
        (b"[]", "“a.json” holds no message"),
        (b'[{"ts": "1777888800.1", "text": "cut o', "“a.json”: this is not JSON"),
        (b"\xff\xfa\x80", "“a.json” is no text in UTF-8"),
        (b"PK\x03\x04 not really PK\x05\x06" + b"\0" * 18, "hold no messages"),
        (b'[{"ts": "1777888800.1", "type": "message", "text": ""}]', "holds no line that can be understood"),
    ],
)
def test_a_near_empty_or_broken_file_says_what_is_wrong(content: bytes, words: str) -> None:
    with pytest.raises(BadInput) as refused:
        exported.read_all(uploads.picked([SimpleUploadedFile("a.json", content)]).files, exported.Reading())
    assert words in str(refused.value.reason)


def test_a_damaged_archive_and_one_that_unpacks_to_too_much_are_refused() -> None:
    whole = archive({"2026-05-04.json": json.dumps([slack("U1", 0, "x" * 5_000)])}).read()
    broken = bytearray(whole)
    broken[60:64] = b"\xff\xff\xff\xff"
    large = archive({"2026-05-04.json": " " * (uploads.MOST_BYTES + 1)})
    for upload, words in ((SimpleUploadedFile("e.zip", bytes(broken)), "damaged"), (large, "larger than 24 MiB")):
        with pytest.raises(BadInput) as refused:
            uploads.picked([upload])
        assert words in refused.value.reason


def test_more_lines_than_come_in_at_once_are_refused_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exported, "MOST", 2)
    with pytest.raises(BadInput) as refused:
        exported.read(json.dumps([slack("U1", one, "x") for one in range(3)]), exported.Reading())
    assert refused.value.reason == "has more than 2 lines; bring it in piece by piece"


# What is in them ------------------------------------------------------------------------------------------------------


def said(items: list[dict[str, object]]) -> list[str]:
    return [line.text for line in exported.read(json.dumps(items), exported.Reading()).lines]


def test_answers_in_a_thread_say_to_what() -> None:
    asked = slack("U1", 0, "Who knows httpd? " + "I " * 40)
    answer = {**slack("U2", 9, "I do"), "thread_ts": asked["ts"]}
    both = {**slack("U2", 12, "me too"), "thread_ts": "1.1", "subtype": "thread_broadcast"}
    found = said([{**asked, "thread_ts": asked["ts"]}, slack("U3", 4, "hello"), answer, both])
    assert found[1:] == [
        "hello",
        f"(answers “{found[0][:60].rstrip()}…”)\nI do",
        "(in a thread)\nme too",
    ]


def test_what_programs_say_in_cards_is_read() -> None:
    card = {
        **slack("", 0, ""),
        "subtype": "bot_message",
        "username": "Nagios",
        "attachments": [
            {
                "fallback": "short",
                "title": "web0091",
                "text": "httpd is <https://e.org|down>",
                "fields": [{"title": "State", "value": "DOWN"}],
            },
            {"fallback": "only this"},
            "no card",
        ],
    }
    blocks = {
        **slack("B1", 2, ""),
        "blocks": [
            {"type": "section", "text": {"type": "mrkdwn", "text": "Deploy *7*"}, "fields": [{"text": "by Jun"}]},
            {
                "type": "rich_text",
                "elements": [{"type": "rich_text_section", "elements": [{"text": "all "}, {"url": "https://e.org"}]}],
            },
        ],
    }
    edited = {**slack("U1", 3, "as it was last"), "edited": {"user": "U1", "ts": "1777888810.0"}}
    assert said([card, blocks, edited]) == [
        "web0091\nhttpd is down (https://e.org)\nState: DOWN\nonly this",
        "Deploy *7*\nby Jun\nall https://e.org\n",
        "as it was last",
    ]


def matrix(number: int, body: str, **more: object) -> dict[str, object]:
    return {
        "type": "m.room.message",
        "sender": "@rowan:e.org",
        "origin_server_ts": 1777888800000 + number,
        "event_id": f"${number}",
        "content": {"msgtype": "m.text", "body": body, **more},
    }


def test_corrections_of_the_same_person_count_in_matrix_and_encrypted_ones_are_told() -> None:
    edit = {"m.relates_to": {"rel_type": "m.replace", "event_id": "$1"}}
    items = [
        matrix(1, "it is mien"),
        matrix(2, "* it is mine", **{**edit, "m.new_content": {"body": "it is mine"}}),
        {**matrix(3, "* it is yours", **{**edit, "m.new_content": {"body": "it is yours"}}), "sender": "@eve:e.org"},
        {**matrix(4, ""), "type": "m.room.encrypted", "content": {"ciphertext": "…"}},
    ]
    found = exported.read(json.dumps(items), exported.Reading())
    assert [line.text for line in found.lines] == ["it is mine"]
    assert found.problems == ["1 messages are encrypted and can not be read; export them from a client"]


def test_a_line_that_stands_in_two_files_counts_once() -> None:
    text = json.dumps([slack("U1", 0, "it is mine")])
    found = exported.read_all([("a.json", text), ("b.json", text)], exported.Reading())
    assert len(found.lines) == 1
    assert Entry.Kind.NOTE == "note"
