"""The commands over REST, on a real server."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from raglan.cli import changes, client, holds, runbooks, talk
from tests.support.server import Running, person_token, serving, set_up_web_team

pytestmark = pytest.mark.e2e


@pytest.fixture(scope="module")
def running() -> Iterator[Running]:
    with serving() as started:
        set_up_web_team(started)
        yield started


def raglan(running: Running, *arguments: str, token: str = "") -> "subprocess.CompletedProcess[str]":
    env = {**os.environ, "RAGLAN_URL": running.url, "RAGLAN_TOKEN": token or running.token}
    command = [sys.executable, "-m", "raglan", *arguments]
    return subprocess.run(command, env=env, capture_output=True, text=True, timeout=60, check=False)


def test_a_heads_up_opens_a_room_and_prints_its_address(running: Running) -> None:
    said = raglan(running, "heads-up", "I think I broke httpd", "--service", "httpd", "--did", "a pin change")
    assert said.returncode == 0, said.stderr
    assert f"{running.url}/incidents/" in said.stdout


def test_two_who_say_that_they_do_the_same_are_told_of_each_other(running: Running) -> None:
    made = json.loads(raglan(running, "declare", "The shop is slow", "--json").stdout)
    room, ike = str(made["id"]), person_token(running, "ike")
    first = raglan(running, "say", "restarting httpd on web1", "--as", "doing", "--in", room, token=ike)
    assert first.stdout == f"Said in incident {room}.\n{running.url}/incidents/{room}/\n", first.stderr
    second = raglan(running, "say", "restart httpd on web1 now", "--as", "doing", "--in", room)
    assert re.match(r"Ike Okafor says the same, .*: restarting httpd on web1\nSaid in incident", second.stdout)
    told = running.api("GET", f"/incidents/{room}/timeline", token=ike)
    assert isinstance(told, list)
    alike = {one["author"]: [same["text"] for same in one["alike"]] for one in told if one["kind"] == "doing"}
    assert alike["Ike Okafor"] == ["restart httpd on web1 now"]


def test_where_one_says_it_is_asked_for_unless_one_room_is_open(monkeypatch: pytest.MonkeyPatch) -> None:
    rooms: list[dict[str, object]] = []
    monkeypatch.setattr(client, "get", lambda _path, **_: rooms)
    monkeypatch.setattr(client, "post", lambda path, body: {"alike": [], "path": path, "kind": body["kind"]})
    assert "No incident is open" in CliRunner().invoke(talk.say, ["hello"]).output
    rooms.append({"id": 7, "title": "Slow"})
    said = json.loads(CliRunner().invoke(talk.say, ["hello", "--json"]).output)
    assert (said["path"], said["kind"]) == ("/incidents/7/entries", "note")
    rooms.append({"id": 8, "title": "Slower"})
    assert "2 incidents are open; say which" in CliRunner().invoke(talk.say, ["hello"]).output


def test_a_heads_up_goes_whatever_its_service_is_called(running: Running) -> None:
    said = raglan(running, "heads-up", "I think I broke it", "--service", "no-such-thing")
    assert "Not known here as a service: no-such-thing." in said.stdout
    assert "/incidents/" in said.stdout


def test_a_change_is_proposed_turned_and_listed(running: Running) -> None:
    what = ("Raise the pin", "--package", "httpd=2.4.6-45", "--on-existing", "nothing", "--on-new", "it comes up")
    made = json.loads(raglan(running, "change", "propose", *what, "--cluster", "web", "--json").stdout)
    assert (made["expected"]["on_existing"], made["expected"]["new_words"]) == ("nothing", "it comes up")
    looked = raglan(running, "change", "propose", *what, "--look").stdout
    assert looked.startswith("It may reach 0 hosts: none that raglan knows.\nHow soon: not known, no run was seen.\n")
    assert raglan(running, "change", "show", str(made["id"])).stdout == "Of 0 hosts: none.\n"
    turned = raglan(running, "change", "turn", str(made["id"]), "taken_back", "--because", "not today")
    assert turned.stdout == f"Change {made['id']} is taken back.\n"
    assert f"{made['id']}  " in raglan(running, "change", "list").stdout


def test_a_list_of_changes_says_how_it_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    every = [{"id": number, "title": f"c{number}", "at": "2026-11-01T10:00:00Z"} for number in range(70, 0, -1)]

    def get(path: str, *, limit: str, before: str = "0") -> list[dict[str, object]]:
        assert path == "/changes"
        return [one for one in every if not int(before) or int(str(one["id"])) < int(before)][: int(limit)]

    monkeypatch.setattr(client, "get", get)
    first = CliRunner().invoke(changes.change, ["list"]).output
    assert first.endswith("  c21\nOlder ones: raglan change list --before 21\n")
    assert "c20\n" not in first
    last = CliRunner().invoke(changes.change, ["list", "--before", "21"]).output
    assert last.endswith("  c1\n")
    assert len(json.loads(CliRunner().invoke(changes.change, ["list", "--json"]).output)) == 50


def test_every_runbook_is_listed(monkeypatch: pytest.MonkeyPatch) -> None:
    every = [{"slug": f"r{number}", "title": "x"} for number in range(1_203)]
    monkeypatch.setattr(client, "get", lambda _path, after="0", limit="100", **_: every[int(after) :][: int(limit)])
    assert len(CliRunner().invoke(runbooks.runbooks, ["list"]).output.splitlines()) == 1_203


def test_how_old_the_evidence_of_a_way_back_is_stands_beside_it(monkeypatch: pytest.MonkeyPatch) -> None:
    way = {"words": "Two-way door: httpd 2.4 is on main.", "evidence_age_s": 7_500}
    unknown = {"words": "Nobody knows: no mirror has had it.", "evidence_age_s": None}
    ahead = {"hosts": 2, "ways_back": [way, unknown], "more_ways_back": 0}
    monkeypatch.setattr(client, "post", lambda _path, _body: ahead)
    said = CliRunner().invoke(changes.change, ["propose", "Raise the pin", "--look"]).output
    assert "Way back: Two-way door: httpd 2.4 is on main. Looked up 2 h 5 min ago.\n" in said
    assert said.endswith("Way back: Nobody knows: no mirror has had it.\n")
    ahead["more_ways_back"] = 2
    said = CliRunner().invoke(changes.change, ["propose", "Raise the pin", "--look"]).output
    assert said.endswith("Way back: not looked up for 2 other versions, each on no more hosts than these.\n")


def test_where_the_hosts_are_that_a_hold_has_no_room_for(monkeypatch: pytest.MonkeyPatch) -> None:
    hosts = [{"host": f"web{number}", "went_on": number == 0} for number in range(20)]
    whole = {"id": 7, "name": "httpd", "went_on": 1, "not_asked": 21}
    monkeypatch.setattr(client, "get", lambda path, **_: {"untold": hosts} if path.endswith("/heard") else whole)
    monkeypatch.setattr(client, "connection", lambda: client.Connection("https://raglan.example.org", "t"))
    said = CliRunner().invoke(holds.hold, ["show", "7"]).output
    assert "  web0 went on\n  web1 has not asked\n" in said
    assert said.endswith("  and 2 more, all at https://raglan.example.org/changes/holds/7/hosts/?which=untold\n")


def test_each_of_many_holds_is_listed_and_found(monkeypatch: pytest.MonkeyPatch) -> None:
    of: dict[str, list[dict[str, object]]] = {
        state: [{"id": first + number, "name": f"{state} {number}", "state": state} for number in range(550)]
        for state, first in (("on", 0), ("coming", 1000))
    }

    def get(path: str, *, state: str, limit: str = "50", skip: str = "0") -> list[dict[str, object]]:
        assert path == "/holds"
        return of[state][int(skip) : int(skip) + int(limit)]

    monkeypatch.setattr(client, "get", get)
    said = CliRunner().invoke(holds.hold, ["list"]).output
    assert all(f"{state} 549:" in said for state in of)
    heard: list[str] = []
    monkeypatch.setattr(client, "post", lambda path, body: heard.append(path) or {"name": "x"})
    CliRunner().invoke(holds.hold, ["end", "coming 540", "because"])
    assert heard == ["/holds/1540/lift"]


def test_a_hold_that_starts_while_they_are_listed_is_listed_once(monkeypatch: pytest.MonkeyPatch) -> None:
    of: dict[str, list[dict[str, object]]] = {"on": [], "coming": [{"id": 7, "name": "httpd", "state": "coming"}]}

    def get(_path: str, *, state: str, **_: str) -> list[dict[str, object]]:
        answer = list(of[state])
        of["on"], of["coming"] = [{"id": 7, "name": "httpd", "state": "on"}], []
        return answer

    monkeypatch.setattr(client, "get", get)
    said = CliRunner().invoke(holds.hold, ["list"]).output
    assert [line.split()[:2] for line in said.splitlines()] == [["7", "on"]]


def test_what_others_wrote_gives_no_orders_to_a_terminal(running: Running) -> None:
    title = "Raise\x1b]0;owned\x07 \x9b31mthe pin\tof 👩\u200d🔧"
    raglan(running, "change", "propose", title, "--on-existing", "nothing")
    for said in (raglan(running, "change", "list").stdout, raglan(running, "change", "list", "--json").stdout):
        assert not set("\x1b\x07\x9b") & set(said)
        assert "👩\u200d🔧" in said
    refused = raglan(running, "hold", "show", "a\x1b[2Jb")
    assert refused.returncode == 1
    assert "\x1b" not in refused.stderr


def test_a_hold_is_raised_listed_looked_at_and_lifted(running: Running) -> None:
    scope = ("--role", "web", "--for", "30min", "--name", "apache")
    raised = raglan(running, "hold", "raise", "httpd fails after its restart", *scope)
    assert (raised.returncode, raised.stderr) == (0, "")
    assert "on  apache: httpd fails after its restart. For role web, until " in raised.stdout
    let = raglan(running, "hold", "except", "apache", "host", "web1", "by hand")
    assert let.stdout.startswith("Host web1 may go on until "), let.stderr
    looked = raglan(running, "hold", "show", "apache").stdout
    assert "0 obeyed, 0 let through, 0 went on, 0 not asked." in looked
    assert "host web1, by hand" in looked
    assert raglan(running, "hold", "extend", "apache", "4h").returncode == 0
    assert "apache" in raglan(running, "hold", "list").stdout
    assert "is lifted" in raglan(running, "hold", "end", "apache", "the pin is back").stdout
    assert raglan(running, "hold", "list").stdout == "Nothing is stopped.\n"
    spaced = raglan(running, "hold", "raise", "why", "--name", "rows", "--tag", "front row", "--tag", "canary")
    assert "For tags “front row”, canary, until " in spaced.stdout, spaced.stderr
    let = raglan(running, "hold", "except", "rows", "tag", "front row", "by hand")
    assert let.stdout.startswith("Tag front row may go on until "), let.stderr
    wrong = raglan(running, "hold", "raise", "why", "--for", "soon")
    assert (wrong.returncode, "30 min, 2 h or 1 day" in wrong.stderr) == (2, True)


def test_where_hosts_belong_is_set_from_a_file(running: Running, tmp_path: Path) -> None:
    (tmp_path / "places.txt").write_text("web*: cluster east, role web\n\n")
    told = raglan(running, "places", "--set", str(tmp_path / "places.txt"))
    assert told.stdout == "web*: cluster east, role web\n0 hosts have other words now.\n", told.stderr
    assert raglan(running, "places").stdout == "web*: cluster east, role web\n"


def test_pins_are_set_and_a_way_back_is_asked_for(running: Running, tmp_path: Path) -> None:
    (tmp_path / "pins.txt").write_text("httpd 2.4.6-40\n")
    told = raglan(running, "pins", "web", "--set", str(tmp_path / "pins.txt"))
    assert (told.returncode, told.stdout) == (0, "httpd 2.4.6-40 of web: not known to a mirror\n"), told.stderr
    asked = raglan(running, "way-back", "httpd", "2.4.6-40")
    assert (asked.returncode, asked.stdout) == (
        2,
        "Nobody knows: httpd 2.4.6-40: no mirror that is read here has ever had this package.\n",
    )


def test_declaring_prints_the_room(running: Running) -> None:
    said = raglan(running, "declare", "Site is slow", "--severity", "sev2", "--json")
    assert said.returncode == 0, said.stderr
    made = json.loads(said.stdout)
    assert (made["title"], made["severity"]) == ("Site is slow", "sev2")


def test_a_page_goes_out_and_is_taken(running: Running) -> None:
    mara = person_token(running, "mara")
    page = json.loads(raglan(running, "page", "Disk full", "--person", "Mara Novak", "--json").stdout)
    taken = raglan(running, "ack", str(page["id"]), token=mara)
    assert taken.returncode == 0, taken.stderr
    assert "Disk full" in taken.stdout
    nobody = raglan(running, "page", "Disk full", "--person", "Nobody Here")
    assert (nobody.returncode, nobody.stderr) == (1, "Error: There is nobody called Nobody Here.\n")


def test_a_skipped_step_is_noted_and_the_kitchen_shows_who_is_there(running: Running) -> None:
    step = {"title": "Reserve it", "minutes": 40}
    running.api("POST", "/processes", {"title": "Change it", "outcome": "No surprise", "steps": [step]})
    assert raglan(running, "skip", "change-it").stdout.startswith("1  Reserve it\nReasons: too_slow, ")
    noted = raglan(running, "skip", "change-it", "1", "too_slow", "--minutes", "40")
    assert noted.stdout == (
        "Kept, unsigned. Notes are counted at night, once five or more wait on one step; then they show together.\n"
    ), noted.stderr
    mara = person_token(running, "mara")
    assert raglan(running, "kitchen", "Staging", token=mara).stdout.startswith("You are in staging, until ")
    assert raglan(running, "kitchen").stdout == "staging: Mara Novak\n"
    assert raglan(running, "kitchen", "staging", "--leave", token=mara).stdout == "You left staging.\n"


def test_a_whole_team_is_paged_only_after_a_yes(running: Running) -> None:
    no = raglan(running, "page", "All hands", "--team", "web", "--urgency", "low")
    assert no.returncode == 1
    assert "This pages everybody in web at once." in no.stderr
    yes = raglan(running, "page", "All hands", "--team", "web", "--urgency", "low", "--yes", "--json")
    assert json.loads(yes.stdout)["urgency"] == "low"


def test_who_is_on_call_is_said_in_one_line_a_rota(running: Running) -> None:
    said = raglan(running, "oncall")
    assert said.returncode == 0, said.stderr
    assert said.stdout == "Web: Mara Novak from now on\n"  # she is the only one in the turn order


def test_an_unknown_token_is_said_in_one_line(running: Running) -> None:
    said = raglan(running, "oncall", token="rgl_wrong")
    assert said.returncode == 1
    assert said.stderr == "Error: This token is not known, is over, or was revoked. (401)\n"


def test_a_page_must_say_whom(running: Running) -> None:
    said = raglan(running, "page", "Disk full")
    assert said.returncode == 2
    assert "Say whom" in said.stderr


def test_without_a_token_the_way_to_one_is_said(tmp_path: Path) -> None:
    env = {name: value for name, value in os.environ.items() if not name.startswith("RAGLAN_")}
    env["XDG_CONFIG_HOME"] = str(tmp_path)
    said = subprocess.run(
        [sys.executable, "-m", "raglan", "oncall"], env=env, capture_output=True, text=True, check=False
    )
    assert said.returncode == 1
    assert said.stderr.startswith("Error: There is no token.")


def test_address_and_token_can_be_kept_in_a_file(running: Running, tmp_path: Path) -> None:
    env = {name: value for name, value in os.environ.items() if not name.startswith("RAGLAN_")}
    kept = tmp_path / "raglan" / "cli.toml"
    kept.parent.mkdir()
    kept.write_text(f'url = "{running.url}"\ntoken = "{running.token}"\n')
    env["XDG_CONFIG_HOME"] = str(tmp_path)
    said = subprocess.run(
        [sys.executable, "-m", "raglan", "oncall"], env=env, capture_output=True, text=True, check=False
    )
    assert said.returncode == 0, said.stderr


def test_a_server_that_is_away_is_said_in_one_line() -> None:
    env = {**os.environ, "RAGLAN_URL": "http://127.0.0.1:1", "RAGLAN_TOKEN": "rgl_none"}
    said = subprocess.run(
        [sys.executable, "-m", "raglan", "oncall"], env=env, capture_output=True, text=True, check=False
    )
    assert said.returncode == 1
    assert said.stderr.startswith("Error: raglan at http://127.0.0.1:1 does not answer: ")
    assert len(said.stderr.splitlines()) == 1


def test_the_doctor_asks_the_running_raglan_how_it_is(running: Running) -> None:
    command = [sys.executable, "-m", "raglan", "doctor", "--json", "--no-rehearsal"]
    env = {name: value for name, value in running.env.items() if name != "RAGLAN_CONFIG"}
    here = running.data_dir
    said = subprocess.run(command, env=env, capture_output=True, text=True, check=False, timeout=60, cwd=here)
    found = {finding["name"]: finding for finding in json.loads(said.stdout)}
    assert said.returncode == 0, said.stdout
    assert {"process", "engine", "timers", "intake", "public_url", "mail"} <= set(found)
