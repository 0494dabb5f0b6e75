"""The replay acts the story through the public API, everybody with a token of their own."""

import subprocess
import sys
from pathlib import Path

import pytest

from raglan.demo import company
from raglan.demo.acts import Stage, figures_words
from raglan.demo.beats import Acknowledge
from raglan.demo.checks import Checks
from raglan.demo.levers import BY_SLUG, INVENTED, LEVERS, Lever
from raglan.demo.model import simulate
from raglan.demo.pace import Pace
from raglan.demo.run import main, run
from raglan.demo.world import make_world
from tests.demo.fake import ADMIN, Answer, Call, FakeRaglan


def play(fake: FakeRaglan, lever: str = "as-documented", *, with_hosts: bool = False) -> list[str]:
    lines: list[str] = []
    run(fake.url, ADMIN, "max", lever=lever, out=lines.append, with_hosts=with_hosts)
    return lines


@pytest.mark.parametrize(("lever", "keeps"), [("as-documented", False), ("mirror-keeps-two", True)])
def test_the_mirror_loses_what_hosts_are_pinned_to_and_the_change_raises_the_pin(
    fake: FakeRaglan, tmp_path: Path, lever: str, keeps: bool
) -> None:
    file, has = tmp_path / "mirror.txt", list[list[str]]()

    def look(call: Call) -> None:
        if call.path.startswith("/api/v1/mirrors") and call.method == "POST":
            has.append([line for line in file.read_text().splitlines() if line.startswith("httpd ")])

    fake.refuse = look
    run(fake.url, ADMIN, "max", lever=lever, out=lambda line: None, with_hosts=False, mirror=file)
    old, new = "httpd 2.2.31-1 x86_64", "httpd 2.2.32-1 x86_64"
    assert has == [[old], [old, new] if keeps else [new]]
    pins = [call.body["pins"]["httpd"] for call in fake.writes("/api/v1/pins")]
    assert pins == ["2.2.31-1", "2.2.32-1"]
    made = fake.writes("/api/v1/(pins|changes/.+)")
    assert [call.path for call in made].index("/api/v1/changes/proposed") == 1
    run(fake.url, ADMIN, "max", lever=lever, out=lambda line: None, with_hosts=False, mirror=file)
    assert len(fake.table("mirrors")) == 1
    assert has[2:] == [[old], has[1]]


def texts(fake: FakeRaglan, kind: str) -> list[str]:
    return [row["text"] for row in fake.table("entries") if row["kind"] == kind]


def test_the_story_ends_with_the_figures_and_says_that_they_are_invented(fake: FakeRaglan) -> None:
    lines: list[str] = []
    figures = run(fake.url, ADMIN, "max", out=lines.append, with_hosts=False)
    assert (figures.lowest, figures.all_serving_minute) == (7, 15)
    assert figures_words(figures) in lines[-3:]
    assert INVENTED in lines[-3:]
    assert texts(fake, "machine")[-1] == f"{figures_words(figures)} {INVENTED}"


def test_machines_tell_what_they_run_and_ask_before_a_run_once_there_is_a_hold(fake: FakeRaglan) -> None:
    play(fake, "stop-at-4", with_hosts=True)
    reports = fake.writes("/fleet/report")
    outcome = simulate(BY_SLUG["stop-at-4"].settings)
    assert len(reports) == len(outcome.machines) + sum(len(machine.turns) for machine in outcome.machines)
    assert {call.who for call in reports} == {"source:machines"}
    assert {row["name"] for row in fake.table("holds")} == {"httpd pin"}
    assert len([call for call in fake.calls if call.path.startswith("/gate?")]) > 200


def test_what_an_earlier_replay_left_of_its_change_and_hold_ends_first(fake: FakeRaglan) -> None:
    fake.add("holds", {"name": "httpd pin", "who": "Mara Novak"})
    theirs = fake.add("holds", {"name": "mine", "who": "Somebody Else"})
    fake.add("changes", {"title": "Pin httpd", "told_by": "Rowan Ellis"})
    fake.add("hosts", {"name": "web0001"})
    play(fake, "one-machine-first", with_hosts=True)
    assert fake.table("holds") == [theirs]
    titles = [(row["title"], row["state"]) for row in fake.table("changes")]
    assert titles[0] == ("Pin httpd", "done")
    assert titles[1] == ("The machines go back to how they were before the replay", "done")


def test_everybody_speaks_with_a_token_of_their_own(fake: FakeRaglan) -> None:
    play(fake)
    said = {call.who for call in fake.writes(r"/api/v1/incidents/\d+/entries")}
    assert {"Rowan Ellis", "Ike Okafor", "Noor Haddad", "Mara Novak", "Bo Silva", "Lior Berg", "admin"} <= said
    assert [call.who for call in fake.writes("/api/v1/heads-up")] == ["Rowan Ellis"]
    by_admin = [call for call in fake.writes(r"/api/v1/incidents/\d+/entries") if call.who == "admin"]
    assert {call.body["kind"] for call in by_admin} == {"machine"}


def test_tokens_end_with_the_story(fake: FakeRaglan) -> None:
    play(fake)
    assert {name for name in fake.tokens.values() if not name.startswith("source:")} == {"admin"}


def test_the_change_watch_tells_the_fleet_once_a_minute(fake: FakeRaglan) -> None:
    play(fake)
    told = texts(fake, "machine")
    assert told[0].startswith(f"{simulate().per_minute()[4]} of 400 machines serve;")
    assert any(words.startswith("7 of 400 machines serve;") for words in told)
    assert {row["author_words"] for row in fake.table("entries") if row["kind"] == "machine"} == {"Change watch"}
    assert len(told) == len(set(told))


def test_every_entry_has_a_key_of_its_own(fake: FakeRaglan) -> None:
    play(fake)
    play(fake)
    keys = [row["key"] for row in fake.table("entries")]
    assert len(keys) == len(set(keys))


def test_the_one_on_call_acknowledges_the_heads_up_and_the_alerts(fake: FakeRaglan) -> None:
    play(fake)
    acknowledged = [call.who for call in fake.writes(r"/api/v1/pages/\d+/acknowledge")]
    assert acknowledged == ["Ike Okafor", "Ike Okafor", "Ike Okafor", "Dee Kaya"]
    assert not [page for page in fake.table("pages") if page["state"] == "open"]


def test_the_review_gets_first_answers(fake: FakeRaglan) -> None:
    play(fake)
    assert {"Rowan Ellis", "Ike Okafor", "Dee Kaya"} <= {
        call.who for call in fake.writes(r"/api/v1/reviews/\d+/replies")
    }


def test_progress_lines_say_where_to_look(fake: FakeRaglan) -> None:
    lines = play(fake)
    room = fake.table("incidents")[0]["id"]
    assert any(f"{fake.url}/incidents/{room}/" in line for line in lines)
    assert any(f"{fake.url}/reviews/" in line for line in lines)
    assert any("T+03:30  Rowan Ellis gives a heads-up" in line for line in lines)


@pytest.mark.parametrize("lever", LEVERS, ids=lambda lever: lever.slug)
def test_every_lever_can_be_played(fake: FakeRaglan, lever: Lever) -> None:
    lines = play(fake, lever.slug)
    assert f"{lever.label}." in lines
    assert not [line for line in lines if "not taken" in line or "no page" in line or "no alerts" in line]
    assert {room["state"] for room in fake.table("incidents")} == {"open" if lever.slug == "stop-at-4" else "closed"}


def test_playing_again_makes_nothing_twice(fake: FakeRaglan) -> None:
    play(fake)
    tables = ("people", "teams", "schedules", "services", "policies", "routes", "sources", "overrides")
    before = {name: len(fake.table(name)) for name in tables}
    play(fake)
    assert {name: len(fake.table(name)) for name in tables} == before
    assert before["people"] == len(company.PEOPLE)
    assert before["overrides"] == 0


def test_whoever_the_story_needs_is_put_on_call(fake: FakeRaglan) -> None:
    make_world(fake.url, ADMIN, said=lambda words: None)
    ike, mara = (
        next(row["id"] for row in fake.table("people") if row["name"] == n) for n in ("Ike Okafor", "Mara Novak")
    )
    fake.on_call["systems"] = mara
    make_world(fake.url, ADMIN, said=lambda words: None)
    assert [row["person_id"] for row in fake.table("overrides")] == [ike]


def test_a_namesake_with_another_address_is_left_alone(fake: FakeRaglan) -> None:
    somebody = fake.add("people", {"name": "Hana Lind", "email": "hana.lind@elsewhere.test"})
    fake.add("contacts", {"person_id": somebody["id"], "address": "hana.lind@elsewhere.test"})
    world = make_world(fake.url, ADMIN, said=lambda words: None)
    assert world.voices["hana"].person_id != somebody["id"]


def test_a_room_that_an_earlier_replay_left_open_is_closed_first(fake: FakeRaglan) -> None:
    left = fake.add("incidents", {"state": "open", "services": ["httpd"], "here": [{"name": "Noor Haddad"}]})
    theirs = fake.add("incidents", {"state": "open", "services": ["httpd"], "here": [{"name": "Somebody Else"}]})
    play(fake)
    rooms = {room["id"]: room["state"] for room in fake.table("incidents")}
    assert (rooms[left["id"]], rooms[theirs["id"]]) == ("closed", "open")


def test_alerts_that_an_earlier_replay_left_firing_are_resolved_first(fake: FakeRaglan) -> None:
    play(fake, "stop-at-4")
    assert len(fake.table("alerts")) > 100
    lines = play(fake)
    assert any("alerts that an earlier replay left firing" in line for line in lines)
    assert not [line for line in lines if "no page" in line or "no alerts" in line]
    assert fake.table("alerts") == []


def test_the_story_ends_calmly_when_somebody_closes_the_room(fake: FakeRaglan) -> None:
    def close_early(call: Call) -> Answer | None:
        if call.body and call.body.get("kind") == "decided" if isinstance(call.body, dict) else False:
            fake.table("incidents")[0]["state"] = "closed"
        return None

    fake.refuse = close_early
    lines = play(fake)
    assert "Somebody closed the room; the story ends here." in lines
    last = fake.writes("/api/v2/alerts")[-2:]
    assert len({alert["endsAt"] for call in last for alert in call.body}) <= 2


def test_a_page_that_somebody_else_took_is_no_trouble(fake: FakeRaglan) -> None:
    fake.refuse = lambda call: (
        Answer(409, {"message": "Hana Lind has it."}) if call.path.endswith("/acknowledge") else None
    )
    world = make_world(fake.url, ADMIN, said=lambda words: None)
    fake.page("httpd", world.voices["ike"].person_id)
    stage = Stage(world, Checks(simulate()), simulate().figures, Pace("max"))
    assert stage.act(Acknowledge(), world.voices["ike"]) == "has no page that waits."


def test_the_command_line_needs_a_token(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("RAGLAN_TOKEN", raising=False)
    assert main(["--url", "http://127.0.0.1:1"]) == 2
    assert "--token" in capsys.readouterr().err


def test_the_command_line_plays_and_tells_a_refusal(fake: FakeRaglan, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--url", fake.url, "--token", ADMIN, "--speed", "max", "--lever", "one-machine-first"]) == 0
    assert INVENTED in capsys.readouterr().out
    assert main(["--url", fake.url, "--token", "unknown", "--speed", "max"]) == 1
    assert "The story stops: 401" in capsys.readouterr().err


def test_the_command_line_shows_the_levers(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--levers"]) == 0
    shown = capsys.readouterr().out
    assert all(slug in shown for slug in BY_SLUG)
    assert INVENTED in shown


def test_an_interrupt_ends_alerts_and_tokens(fake: FakeRaglan, capsys: pytest.CaptureFixture[str]) -> None:
    def interrupt(words: str) -> None:
        if "T+10:00" in words:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(fake.url, ADMIN, "max", out=interrupt)
    assert fake.table("alerts") == []
    assert "Rowan Ellis" not in fake.tokens.values()


def test_nothing_in_the_demo_needs_the_server_code() -> None:
    program = (
        "import sys, raglan.demo.run, raglan.demo.mailbox; print([m for m in sys.modules if m.startswith('django')])"
    )
    found = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"
