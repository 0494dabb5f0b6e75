"""A chat that was held elsewhere comes into a timeline: with its times and authors, once."""

import json
import re
import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from raglan.chat import exported, importing
from raglan.chat.models import Post, Workspace
from raglan.cli import client as over_rest
from raglan.cli.chat import chat as command
from raglan.core.errors import BadInput, Conflict
from raglan.incidents import actions as incidents
from raglan.incidents.models import Entry, Incident, Responder
from raglan.people.models import Person
from raglan.testing import world

SLACK = json.dumps(
    [
        {"type": "message", "subtype": "channel_join", "user": "U1", "ts": "1777888000.000100", "text": "joined"},
        {
            "type": "message",
            "user": "U1",
            "ts": "1777888920.000200",
            "text": "<@U2> &lt;b&gt; see <https://example.org/g|graph>",
        },
        {
            "type": "message",
            "user": "U2",
            "user_profile": {"real_name": "Jun  Tan"},
            "ts": "1777888860.000100",
            "text": "",
            "files": [{"name": "graph.png"}],
        },
        {"type": "message", "user": "U3", "ts": "soon", "text": "when?"},
    ]
)
MATRIX = json.dumps(
    {
        "room_name": "incident",
        "messages": [
            {
                "type": "m.room.message",
                "sender": "@rowan:example.org",
                "origin_server_ts": 1777888920000,
                "event_id": "$1",
                "content": {"msgtype": "m.text", "body": "it is mine"},
            },
            {"type": "m.room.member", "sender": "@rowan:example.org", "origin_server_ts": 1777888920001, "content": {}},
        ],
    }
)


def said(export: exported.Export) -> list[tuple[str, str, str]]:
    return [(line.at.strftime("%Y-%m-%dT%H:%M:%S"), line.author, line.text) for line in export.lines]


def test_slack_is_read_in_the_order_of_time_with_names_and_links_as_words() -> None:
    export = exported.read(SLACK, exported.Reading(names={"U1": "Rowan Ellis", "U2": "jun"}))
    assert said(export) == [
        ("2026-05-04T10:01:00", "jun", "(put a file into chat: graph.png)"),
        ("2026-05-04T10:02:00", "Rowan Ellis", "@jun <b> see graph (https://example.org/g)"),
    ]
    assert export.problems == ["message 4 has no time that can be understood"]


def test_who_is_not_named_has_the_name_that_the_export_holds() -> None:
    assert [line.author for line in exported.read(SLACK, exported.Reading()).lines] == ["Jun Tan", "U1"]


def test_matrix_is_read() -> None:
    assert said(exported.read(MATRIX, exported.Reading())) == [
        ("2026-05-04T10:02:00", "@rowan:example.org", "it is mine")
    ]


def test_text_is_read_in_its_zone_and_goes_on_in_the_next_line() -> None:
    text = "[2026-05-04 14:02] Rowan: it is mine\n  and I know why\n\n2026-05-04T12:05:30Z <jun> looking\n"
    assert said(exported.read(text, exported.Reading(zone="Europe/Berlin"))) == [
        ("2026-05-04T12:02:00", "Rowan", "it is mine\n  and I know why"),
        ("2026-05-04T12:05:30", "jun", "looking"),
    ]


def test_what_was_saved_on_windows_loses_no_line() -> None:
    found = exported.read(
        "\ufeff2026-05-04 14:02 Rowan: it is mine\r\n2026-05-04 14:03 Jun: looking\r\n", exported.Reading()
    )
    assert ([line.text for line in found.lines], found.problems) == (["it is mine", "looking"], [])
    assert exported.read(f"\ufeff{MATRIX}", exported.Reading()).kind == "matrix"
    assert exported.names_in('\ufeff[{"id": "U1", "name": "rowan"}]') == {"U1": "rowan"}


def test_a_line_that_is_still_to_come_is_left_out_with_a_word() -> None:
    text = "2026-05-04 14:02 Rowan: it is mine\n2120-05-04 14:03 Jun: looking"
    found = exported.read(text, exported.Reading(until=datetime(2026, 6, 1, tzinfo=UTC)))
    assert [line.text for line in found.lines] == ["it is mine"]
    assert found.problems == ["a line of 2120-05-04 14:03 UTC is left out: that is still to come"]


def test_people_have_the_name_of_their_profile() -> None:
    """An export of Slack has the whole name there only."""
    users = [
        {"id": "U1", "name": "rowan", "profile": {"real_name": "Rowan Ellis"}},
        {"id": "U2", "name": "jun", "profile": {"real_name": "", "display_name": ""}},
    ]
    assert exported.names_in(json.dumps(users)) == {"U1": "Rowan Ellis", "U2": "jun"}
    assert exported.names_in(json.dumps({"members": users}))["U1"] == "Rowan Ellis"


def test_lines_with_a_time_only_go_over_midnight() -> None:
    how = exported.Reading(zone="UTC", day=date(2026, 5, 4))
    export = exported.read("hello\n23:58 <a> late\n0:03 <b> early", how)
    assert [line.at for line in export.lines] == [
        datetime(2026, 5, 4, 23, 58, tzinfo=UTC),
        datetime(2026, 5, 5, 0, 3, tzinfo=UTC),
    ]
    assert export.problems == ["line 1 is left out: it does not begin with a time"]


def test_the_hour_that_comes_twice_in_autumn_goes_on() -> None:
    text = "2026-10-25 02:50 a: first\n2026-10-25 02:10 b: second"
    export = exported.read(text, exported.Reading(zone="Europe/Berlin"))
    assert [line.at.hour for line in export.lines] == [0, 1]


@pytest.mark.parametrize(
    ("text", "how", "field"),
    [
        ("no time here", exported.Reading(), "text"),
        ("14:02 a: no day", exported.Reading(), "text"),
        ("0001-01-01 00:00 a: long ago", exported.Reading(zone="Europe/Berlin"), "text"),
        ("9999-12-31 23:59 a: far away", exported.Reading(), "text"),
        ('[{"ts": "1e999", "text": "a"}, {"ts": "nan", "text": "b"}]', exported.Reading(), "text"),
        ('[{"at": "0001-01-01T00:00:00+14:00", "text": "a"}]', exported.Reading(), "text"),
        ("{}", exported.Reading(), "text"),
        ("[1]", exported.Reading(), "text"),
        ("[" * 5_000, exported.Reading(kind="slack"), ""),
        ("14:02 a: b", exported.Reading(zone="Mars/Base"), "zone"),
        ("14:02 a: b", exported.Reading(zone="/etc/passwd"), "zone"),
        ("x", exported.Reading(kind="fax"), "kind"),
    ],
)
def test_what_can_not_be_read_is_refused(text: str, how: exported.Reading, field: str) -> None:
    with pytest.raises(BadInput) as refused:
        exported.read(text, how)
    assert refused.value.field == field


@contextmanager
def within(seconds: float) -> Iterator[None]:
    """Fail when something does not end: a pattern that tries again and again lets nothing else run for hours."""

    def stop(*_: object) -> None:
        raise TimeoutError("this does not end")

    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


@pytest.mark.parametrize("piece", [" ", ",", "<", "<a|", "<<|", "12:00 "])
def test_a_long_run_of_anything_is_read_soon(piece: str) -> None:
    run = piece * (900_000 // len(piece))
    with within(20):
        assert exported.words_of_slack(run, {})
        for text in (run, f"12:00{run}", f"2026-05-04 {run}", f"2026-05-04 12:00{run}", f"2026-05-04 12:00 {run}"):
            with suppress(BadInput):
                exported.read(text, exported.Reading())


def test_a_link_of_any_length_is_words() -> None:
    link = "https://example.org/" + "a" * 3_000
    assert exported.words_of_slack(f"see <{link}|the graph> &lt;now&gt;", {}) == f"see the graph ({link}) <now>"


@pytest.mark.parametrize("text", ["[" * 100_000, "[1", '[{"id": NaN}]', '{"x":', '{"x": 1}', "[]"])
def test_names_that_can_not_be_read_are_refused(text: str) -> None:
    with pytest.raises(BadInput) as refused:
        exported.names_in(text)
    assert refused.value.field == "names"


def test_the_same_export_again_adds_nothing_and_chat_is_not_told(
    chat: Workspace, incident: Incident, bo: Person
) -> None:
    text = "2026-05-04 14:02 Rowan: yes\n2026-05-04 14:02 Rowan: yes\n"
    lines = exported.read(text, exported.Reading()).lines
    assert importing.bring_in(incident, lines, by=bo) == importing.Brought(2, 0)
    assert importing.bring_in(incident, lines, by=bo) == importing.Brought(0, 2)
    world.fire_all()
    entries = Entry.objects.filter(incident=incident)
    assert {(entry.author_words, entry.at.hour) for entry in entries} == {("Rowan", 14)}
    assert not Post.objects.filter(entry__isnull=False).exists()
    assert not Responder.objects.filter(incident=incident, person=bo).exists()


@pytest.mark.django_db
def test_a_closed_incident_takes_nothing(incident: Incident, bo: Person) -> None:
    incidents.stand_down(incident, by=bo)
    with pytest.raises(Conflict):
        importing.bring_in(incident, exported.read(MATRIX, exported.Reading()).lines, by=bo)


def yes_to(shown: str) -> str:
    """Return where the second button leads."""
    found = re.search(r'action="(/chat-imports/\d+/act/)"', shown)
    assert found, shown
    return found[1]


@pytest.mark.django_db
def test_the_screen_shows_first_and_puts_in_at_the_second_button(
    client: Client, incident: Incident, bo: Person
) -> None:
    client.force_login(bo)
    path = f"/incidents/{incident.pk}/chat/import/"
    fields = {"text": SLACK, "kind": "auto", "zone": "UTC", "names": "U1 = <i>Rowan</i>"}
    before = Entry.objects.filter(incident=incident).count()
    shown = client.post(path, fields).content.decode()
    assert "Put 2 lines into the timeline" in shown
    assert "&lt;i&gt;Rowan&lt;/i&gt;" in shown
    assert Entry.objects.filter(incident=incident).count() == before
    assert client.post(yes_to(shown))["Location"] == f"/incidents/{incident.pk}/"
    assert client.post(yes_to(shown))["Location"] == f"/incidents/{incident.pk}/"
    assert Entry.objects.filter(incident=incident).count() == before + 2
    assert "All of it is in the timeline." in client.post(path, fields).content.decode()


@pytest.mark.django_db
def test_more_files_than_are_taken_at_once_are_refused_in_words(client: Client, incident: Incident, bo: Person) -> None:
    client.force_login(bo)
    path = f"/incidents/{incident.pk}/chat/import/"
    assert "Up to 100 files, or the archive" in client.get(path).content.decode()
    days = [SimpleUploadedFile(f"{number}.json", b"[]") for number in range(101)]
    answer = client.post(path, {"kind": "auto", "zone": "UTC", "picked": days})
    assert answer.status_code == 400
    assert "Send up to 100, or one archive of them." in answer.content.decode()


@pytest.mark.django_db
def test_rest_looks_first_and_brings_in(client: Client, incident: Incident, bo: Person) -> None:
    client.force_login(bo)
    path, body = f"/api/v1/incidents/{incident.pk}/chat-import", {"text": MATRIX}
    headers = {"X-CSRFToken": "no check in this client"}
    found = client.post(f"{path}/preview", body, content_type="application/json", headers=headers).json()
    assert (found["kind"], found["new"], found["lines"][0]["is_known"]) == ("matrix", 1, False)
    assert client.post(path, body, content_type="application/json", headers=headers).json()["new"] == 1
    assert client.post(path, body, content_type="application/json", headers=headers).json()["known"] == 1


def test_the_command_reads_files_and_sends_portions(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[list[dict[str, str]]] = []

    def take(path: str, body: dict[str, str]) -> dict[str, object]:
        sent.append(json.loads(body["text"]))
        return {"new": len(sent[-1]), "known": 0}

    monkeypatch.setattr(over_rest, "post", take)
    start = datetime(2026, 5, 4, 12, tzinfo=UTC)
    rows = [f"{start + timedelta(minutes=number):%Y-%m-%d %H:%M} Rowan: {number}" for number in range(450)]
    (tmp_path / "chat.txt").write_text("\n".join(rows))
    (tmp_path / "users.json").write_text(json.dumps([{"id": "Rowan", "real_name": "Rowan Ellis"}]))
    words = ["import", str(tmp_path / "chat.txt"), "--incident", "7", "--names", str(tmp_path / "users.json")]
    result = CliRunner().invoke(command, words)
    assert result.output == "chat.txt: 450 lines came in, 0 were there already\n"
    assert [len(some) for some in sent] == [200, 200, 50]
    again = exported.read(json.dumps([line for some in sent for line in some]), exported.Reading())
    assert (again.kind, again.lines[0].author, len(again.lines)) == ("raglan", "Rowan Ellis", 450)
    shown = CliRunner().invoke(command, [*words, "--preview"]).output
    assert "450 lines, read as text" in shown
    assert "and 440 more" in shown


def test_the_command_says_which_file_can_not_be_read(tmp_path: Path) -> None:
    (tmp_path / "good.txt").write_text("2026-05-04 14:02 Rowan: it is mine")
    (tmp_path / "bad.txt").write_text("it is mine")
    words = ["import", str(tmp_path / "good.txt"), str(tmp_path / "bad.txt"), "--incident", "7", "--preview"]
    result = CliRunner().invoke(command, words)
    assert result.exit_code == 1
    assert result.output.startswith("Error: bad.txt: text: holds no line that can be understood")
    assert "1 line, read as text" in CliRunner().invoke(command, [*words[:2], *words[3:]]).output


@pytest.mark.django_db
def test_the_screen_and_rest_leave_out_what_is_still_to_come(client: Client, incident: Incident, bo: Person) -> None:
    client.force_login(bo)
    text = "2026-05-04 14:02 Rowan: it is mine\n2190-05-04 14:03 Jun: looking"
    shown = client.post(f"/incidents/{incident.pk}/chat/import/", {"text": text, "kind": "auto", "zone": "UTC"})
    assert "that is still to come" in shown.content.decode()
    path, headers = f"/api/v1/incidents/{incident.pk}/chat-import", {"X-CSRFToken": "no check in this client"}
    found = client.post(path, {"text": text}, content_type="application/json", headers=headers).json()
    assert (found["new"], len(found["problems"])) == (1, 1)
