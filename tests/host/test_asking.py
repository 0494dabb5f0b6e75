"""`raglan-host gate`: whom it asks, what it believes, and that it never keeps a machine from going on for ever."""

import dataclasses
import json
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from raglan import host
from raglan.changes import gate_text
from raglan.changes.gate import Asked, Exempt, HoldRule, Reach, answer
from tests.host.receiver import Receiver

Run = Callable[..., int]
NOTHING = {"url": ""}


def rule(
    name: str = "httpd", *, minutes: float = 60, reach: Reach | None = None, skew: timedelta = timedelta()
) -> HoldRule:
    at = datetime.now(UTC) + skew
    return HoldRule(1, name, "it fails", at - timedelta(hours=1), at + timedelta(minutes=minutes), reach or Reach())


def said(*rules: HoldRule, skew: timedelta = timedelta()) -> str:
    return gate_text.text(answer(rules, Asked(), datetime.now(UTC) + skew), with_reason=True)


def test_raglan_says_stop_and_then_go(run: Run, receiver: Receiver, capsys: pytest.CaptureFixture[str]) -> None:
    receiver.texts["/gate"] = said(rule())
    assert run("gate", "--package", "httpd,nginx") == 75
    assert receiver.asked == [("/gate?host=web1&cluster=fra1&role=web&package=httpd%2Cnginx", "Bearer t0ken")]
    lines = capsys.readouterr().out.splitlines()
    assert lines[:3] == ["stop", "hold: httpd", "reason: it fails"]
    receiver.texts["/gate"] = said()
    assert run("gate") == 0


def test_it_says_its_tags_and_the_file_is_read_by_them(run: Run, receiver: Receiver, tmp_path: Path) -> None:
    receiver.texts["/gate"] = said()
    assert run("gate", tags="canary, blue") == 0
    assert receiver.asked[0][0] == "/gate?host=web1&cluster=fra1&role=web&tag=canary%2Cblue"
    path = tmp_path / "gate.txt"
    at = datetime.now(UTC)
    hold = rule(reach=Reach(tags=("Canary",)))
    path.write_text(gate_text.file([hold], at, good_until=at + timedelta(minutes=10)))
    codes = {tags: run("gate", url="", gate=str(path), tags=tags) for tags in ("canary", "blue", "")}
    assert codes == {"canary": 75, "blue": 0, "": 0}
    assert run("gate", "--tag", "canary", url="", gate=str(path)) == 75


def test_names_with_commas_stand_in_quotes_in_its_options_and_in_what_it_asks(
    run: Run, receiver: Receiver, tmp_path: Path
) -> None:
    receiver.texts["/gate"] = said()
    tags = 'canary, "rack 4, left", “a,"b"”, 6"'
    assert run("gate", "--role", '"db, old",web', tags=tags) == 0
    asked = gate_text.asked_in(parse_qs(urlsplit(receiver.asked[0][0]).query))
    assert (asked.tags, asked.roles) == (("canary", "rack 4, left", 'a,"b"', '6"'), ("db, old", "web"))
    path, at = tmp_path / "gate.txt", datetime.now(UTC)
    hold = rule(reach=Reach(tags=("Rack 4, left",)))
    path.write_text(gate_text.file([hold], at, good_until=at + timedelta(minutes=10)))
    codes = [run("gate", url="", gate=str(path), tags=said) for said in (tags, "rack 4, left", '"rack 4", left')]
    assert codes == [75, 0, 0]
    assert run("gate", "--tag", '"rack 4, left"', url="", gate=str(path)) == 75
    options = host.Options({"tags": tags, "role": '"db, old"', "cluster": "a, b", "environment": "prod"})
    told, _ = host.report_of(options, "timer")
    facts = [told["host"][name] for name in ("tags", "role", "cluster", "environment")]
    assert facts == [["canary", "rack 4, left", 'a,"b"', '6"'], "db, old", "a, b", "prod"]


SAID = st.lists(st.text(st.sampled_from("ab ,\"“”'«6"), min_size=1, max_size=6).map(str.strip), max_size=4)


@given(SAID)
def test_what_it_says_is_read_by_the_gate_as_it_was_meant(names: list[str]) -> None:
    meant = [name for name in names if name and not ('"' in name and {"“", "”"} & set(name))]
    query = host.query_of({"tag": meant})
    assert list(gate_text.asked_in(parse_qs(query)).tags) == meant


ODD = ("v1.", "a..b", "x" * 64)


def test_only_tags_that_fit_into_no_name_are_left_out_of_it() -> None:
    for odd in ODD:
        fits, left_out = host.fitting("gate.example.org", {"host": ["web1"], "tag": ["canary", odd, "blue"]})
        assert fits == {"host": ["web1"], "tag": ["canary", "blue"]}
        assert left_out == repr(odd)
    many = {"host": ["web1"], "tag": [f"a-long-tag-{number}" for number in range(40)]}
    fits, _ = host.fitting("gate.example.org", many)
    assert fits["tag"][:3] == many["tag"][:3]
    host.question(host.dns_name("gate.example.org", fits))


def by_dns(monkeypatch: pytest.MonkeyPatch, *rules: HoldRule) -> None:
    monkeypatch.setattr(host, "ask_dns", lambda zone, asked: gate_text.dns(answer(rules, Asked(), datetime.now(UTC))))


@pytest.mark.parametrize("odd", ODD, ids=["dot", "empty", "long"])
def test_a_go_by_dns_without_all_tags_leaves_the_word_to_the_next_place(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, odd: str, capsys: pytest.CaptureFixture[str]
) -> None:
    path, tags = tmp_path / "gate.txt", f"canary, {odd}"
    at = datetime.now(UTC)
    path.write_text(gate_text.file([rule(reach=Reach(tags=(odd,)))], at, good_until=at + timedelta(minutes=10)))
    by_dns(monkeypatch)
    assert run("gate", url="", gate=f"dns:gate.example.org, {path}", tags=tags) == 75
    assert "go does not count here" in capsys.readouterr().err
    assert run("gate", url="", gate="dns:gate.example.org", tags=tags) == 75  # what was kept counts
    assert run("gate", url="", gate="dns:gate.example.org", tags="canary") == 0
    by_dns(monkeypatch, rule())
    assert run("gate", url="", gate="dns:gate.example.org", tags=tags, state=str(tmp_path / "new")) == 75


@pytest.mark.parametrize("status", [400, 414])
def test_a_raglan_that_refuses_tags_is_asked_without_them_and_its_go_does_not_count(
    run: Run, receiver: Receiver, tmp_path: Path, status: int, capsys: pytest.CaptureFixture[str]
) -> None:
    receiver.refuses["tag="] = status
    receiver.texts["/gate"] = said(rule())
    assert run("gate", tags="canary") == 75
    assert len(receiver.asked) == 2
    assert "asked without tags" in capsys.readouterr().err
    receiver.texts["/gate"] = said()
    path = tmp_path / "gate.txt"
    path.write_text(gate_file(rule(reach=Reach(tags=("canary",)))))
    assert run("gate", tags="canary", gate=str(path), state=str(tmp_path / "new")) == 75
    assert "go does not count here" in capsys.readouterr().err


def test_what_a_hold_says_is_written_without_control_signs(
    run: Run, receiver: Receiver, capsys: pytest.CaptureFixture[str]
) -> None:
    receiver.texts["/gate"] = said(rule("ht\x1b[31mtpd")).replace("it fails", "it\x1b]0;x\x07 fails")
    assert run("gate") == 75
    out = capsys.readouterr().out
    assert "\x1b" not in out
    assert "hold: ht[31mtpd\nreason: it]0;x fails\n" in out


def test_this_machines_clock_may_be_wrong(run: Run, receiver: Receiver) -> None:
    for hours in (-5, 5):
        skew = timedelta(hours=hours)
        receiver.texts["/gate"] = said(rule(minutes=5, skew=skew), skew=skew)
        assert run("gate") == 75


def test_when_nothing_is_known_it_goes_on_unless_told_otherwise(run: Run) -> None:
    assert run("gate", **NOTHING) == 0
    assert run("gate", gate_unknown="stop", **NOTHING) == 75
    assert run("gate", gate_keep_min="often", **NOTHING) == 0


def cut_off(text: str) -> str:
    return text[:-5]


BROKEN = [
    cut_off(said(rule())),
    said(rule()).replace("gate: 1", "gate: 2"),
    said(rule()).replace("stop", "go"),
    said(rule()).replace("stop", "maybe"),
    said().replace("go", "stop"),
    said(rule(minutes=60 * 24 * 60)),  # longer than any hold lasts
    said(rule()).replace("until: 20", "until: x"),
    "",
    "<html>sign in</html>\n",
    "stop",
]


@pytest.mark.parametrize("text", BROKEN, ids=range(len(BROKEN)))
def test_what_is_no_whole_answer_is_none(run: Run, receiver: Receiver, text: str, tmp_path: Path) -> None:
    receiver.texts["/gate"] = text
    assert run("gate") == 0
    (tmp_path / "gate.txt").write_text(gate_file(rule()))
    assert run("gate", gate=str(tmp_path / "gate.txt")) == 75


def gate_file(*rules: HoldRule, age: timedelta = timedelta(), good: timedelta = timedelta(minutes=10)) -> str:
    made = datetime.now(UTC) - age
    return gate_text.file(rules, made, good_until=made + good)


def test_places_are_asked_in_order_and_a_file_may_lie_anywhere(run: Run, receiver: Receiver, tmp_path: Path) -> None:
    (tmp_path / "gate.txt").write_text(gate_file(rule(reach=Reach(roles=("web",)))))
    places = f"http://127.0.0.1:9/gate, {tmp_path / 'missing'}, {tmp_path / 'gate.txt'}"
    assert run("gate", gate=places, **NOTHING) == 75
    assert run("gate", gate=places, role="db", **NOTHING) == 0
    receiver.texts["/static/gate.txt"] = gate_file(rule())
    assert run("gate", gate=f"{receiver.url}/static/gate.txt", **NOTHING) == 75
    assert receiver.asked[-1] == ("/static/gate.txt", "")  # a place with a file is told nothing


def test_a_place_whose_news_are_old_leaves_the_word_to_a_younger_one(
    run: Run, receiver: Receiver, tmp_path: Path
) -> None:
    old = gate_text.text(answer([], Asked(), datetime.now(UTC)), with_reason=True, read_s=90)
    receiver.texts["/gate"] = old
    assert run("gate") == 0
    (tmp_path / "gate.txt").write_text(gate_file(rule()))
    assert run("gate", gate=str(tmp_path / "gate.txt")) == 75
    receiver.texts["/gate"] = gate_text.text(answer([rule()], Asked(), datetime.now(UTC)), with_reason=True, read_s=90)
    assert run("gate") == 75
    assert run("gate", gate_keep_min="1", state=str(tmp_path / "new")) == 0


def test_a_redirect_is_no_answer_and_takes_no_token_along(run: Run, receiver: Receiver) -> None:
    receiver.texts["/elsewhere"] = said(rule())
    receiver.moved = "/elsewhere"
    assert run("gate") == 0
    assert [path.partition("?")[0] for path, _ in receiver.asked] == ["/gate"]


def test_a_clock_that_stands_before_the_file_was_made_does_not_let_go(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "gate.txt").write_text(gate_file(rule()))
    monkeypatch.setattr(time, "time", lambda: 1e9)
    assert run("gate", gate=str(tmp_path / "gate.txt"), **NOTHING) == 75


def test_whatever_breaks_in_the_gate_it_answers(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*given: object) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(host, "ask_gate", broken)
    assert run("gate") == 0
    assert run("gate", gate_unknown="stop") == 75


def test_an_old_file_counts_as_long_as_an_answer_that_was_kept(run: Run, tmp_path: Path) -> None:
    place = tmp_path / "gate.txt"
    place.write_text(gate_file(rule(), age=timedelta(minutes=30)))
    assert run("gate", gate=str(place), **NOTHING) == 75
    assert run("gate", gate=str(place), gate_keep_min="20", **NOTHING) == 0
    place.write_text(gate_file(rule(minutes=-1), age=timedelta(minutes=30)))
    assert run("gate", gate=str(place), **NOTHING) == 0


def test_the_last_answer_is_kept_until_it_ends_or_is_too_old(
    run: Run, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    receiver.texts["/gate"] = said(rule(minutes=90))
    assert run("gate") == 75
    del receiver.texts["/gate"]
    assert run("gate") == 75
    assert run("gate", role="db") == 0  # this was never asked
    up = host.passed()
    monkeypatch.setattr(time, "time", lambda: 1e9)  # somebody set the clock: the other one counts
    assert run("gate") == 75
    monkeypatch.setattr(host, "passed", lambda: up + 3500)
    assert run("gate") == 75
    monkeypatch.setattr(host, "passed", lambda: up + 3700)
    assert run("gate") == 0
    assert run("gate", gate_keep_min="1000") == 75
    monkeypatch.setattr(host, "passed", lambda: up + 5500)  # the hold has ended by itself
    assert run("gate", gate_keep_min="1000") == 0


def test_after_a_restart_with_another_clock_what_was_kept_does_not_count(
    run: Run, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    receiver.texts["/gate"] = said(rule())
    assert run("gate") == 75
    del receiver.texts["/gate"]
    monkeypatch.setattr(host, "boot_id", lambda: "next-boot")
    assert run("gate") == 75
    real = time.time()
    monkeypatch.setattr(time, "time", lambda: real - 90_000)
    assert run("gate") == 0


def test_a_broken_state_folder_keeps_nobody_from_asking(run: Run, receiver: Receiver, tmp_path: Path) -> None:
    receiver.texts["/gate"] = said(rule())
    (tmp_path / "file").write_text("")
    assert run("gate", state=str(tmp_path / "file" / "state")) == 75
    assert run("gate") == 75
    (tmp_path / "state" / "kept.json").write_text('{"kept": [{"asked": 1}, 5')
    del receiver.texts["/gate"]
    assert run("gate") == 0


def test_a_place_that_does_not_answer_holds_nobody_up(
    run: Run, receiver: Receiver, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(host, "A_PLACE_S", 1.0)
    receiver.slow_s = 4.0
    receiver.texts["/gate"] = said()
    (tmp_path / "gate.txt").write_text(gate_file(rule()))
    assert run("gate", gate=str(tmp_path / "gate.txt")) == 75


def test_what_the_gate_said_stands_in_the_next_report(run: Run, receiver: Receiver, tmp_path: Path) -> None:
    receiver.texts["/gate"] = said(rule())
    run("gate", "--quiet")
    run("report")
    told = receiver.reports[0]["gate"]
    assert (told["holds"], told["answer"], told["source"]) == (["httpd"], "stop", "http")
    assert json.loads((tmp_path / "state" / "gate.json").read_text()) == told


NAMES = st.lists(st.sampled_from(["a", "B", "c.d", "two words"]), max_size=2, unique=True).map(tuple)
REACHES = st.builds(Reach, NAMES, NAMES, NAMES, NAMES, NAMES)
ASKS = st.builds(Asked, st.sampled_from(["", "a", "b"]), NAMES, NAMES, NAMES, NAMES, NAMES)
BUT_NAMES = st.sampled_from(["A", "b", "Two words", "x until y"])
BUT = st.lists(st.tuples(st.sampled_from(["host", "role", "tag"]), BUT_NAMES, st.sampled_from([-5, 5])))


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(REACHES, ASKS, BUT, st.sampled_from([-60, 5]))
def test_a_machine_that_reads_the_file_finds_what_raglan_would_answer(
    reach: Reach, asked: Asked, but: list[tuple[str, str, int]], end: int
) -> None:
    at = datetime.now(UTC)
    exempt = tuple(Exempt(kind, name, at + timedelta(minutes=minutes)) for kind, name, minutes in but)
    hold = HoldRule(1, "x", "y", at - timedelta(hours=2), at + timedelta(minutes=end), reach, exempt)
    file = gate_text.file([hold], at - timedelta(hours=1), good_until=at + timedelta(hours=1))
    words = {kind: list(getattr(asked, kind + "s")) for kind in host.WORDS} | {"host": [asked.host]}
    holds, _ = host.read_text(file, words)
    assert bool(holds) == (answer([hold], asked, at).word == "stop")


def test_an_exception_by_a_name_with_spaces_counts_in_the_file_as_at_raglan() -> None:
    at = datetime.now(UTC)
    exempt = Exempt("tag", "Front row until new", at + timedelta(minutes=5))
    hold = HoldRule(1, "x", "y", at - timedelta(hours=1), at + timedelta(hours=1), Reach(tags=("front row until new",)))
    words = {kind: [] for kind in host.WORDS} | {"host": ["web1"], "tag": ["front row until New"]}
    for but, stopped in (((), True), ((exempt,), False)):
        file = gate_text.file([dataclasses.replace(hold, but=but)], at, good_until=at + timedelta(hours=1))
        assert bool(host.read_text(file, words)[0]) is stopped
