"""What the gate answers: pure, the same for every way to ask."""

from datetime import UTC, datetime, timedelta

import pytest

from raglan.changes import gate, gate_text
from raglan.changes.gate import Answer, Asked, Exempt, HoldRule, Reach, answer
from raglan.core.errors import BadInput

AT = datetime(2026, 11, 23, 14, 5, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def rule(name: str = "stop", reach: Reach | None = None, *, start: int = -5, end: int = 60, **more: object) -> HoldRule:
    but = more.get("but", ())
    assert isinstance(but, tuple)
    return HoldRule(1, name, "httpd fails", AT + start * MINUTE, AT + end * MINUTE, reach or Reach(), but)


def said(asked: Asked, *rules: HoldRule) -> Answer:
    return answer(rules, asked, AT)


@pytest.mark.parametrize(
    ("reach", "asked", "word"),
    [
        (Reach(), Asked(), "stop"),
        (Reach(clusters=("fra1",)), Asked(clusters=("FRA1",)), "stop"),
        (Reach(clusters=("fra1",)), Asked(clusters=("ams2",)), "go"),
        (Reach(clusters=("fra1",)), Asked(host="web1"), "go"),  # which says no cluster
        (Reach(clusters=("fra1", "ams2"), roles=("web",)), Asked(clusters=("ams2",), roles=("web",)), "stop"),
        (Reach(clusters=("fra1",), roles=("web",)), Asked(clusters=("fra1",), roles=("db",)), "go"),
        (Reach(environments=("prod",)), Asked(environments=("prod",)), "stop"),
        (Reach(tags=("canary", "blue")), Asked(tags=("Blue", "old")), "stop"),
        (Reach(tags=("canary",)), Asked(tags=("blue",)), "go"),
        (Reach(tags=("canary",)), Asked(), "go"),  # which says none
        (Reach(packages=("httpd",)), Asked(), "stop"),  # it may touch any
        (Reach(packages=("httpd",)), Asked(packages=("nginx", "httpd")), "stop"),
        (Reach(packages=("httpd",)), Asked(packages=("nginx",)), "go"),
        (Reach(changes=("7",)), Asked(changes=("8",)), "go"),
    ],
)
def test_a_hold_is_for_those_that_it_names(reach: Reach, asked: Asked, word: str) -> None:
    assert said(asked, rule(reach=reach)).word == word


@pytest.mark.parametrize(("start", "end", "word"), [(-1, 1, "stop"), (0, 1, "stop"), (1, 2, "go"), (-2, 0, "go")])
def test_a_hold_begins_and_ends_by_itself(start: int, end: int, word: str) -> None:
    assert said(Asked(), rule(start=start, end=end)).word == word


def test_an_exception_lets_a_host_or_a_role_through_until_its_end() -> None:
    but = (Exempt("host", "web1", AT + MINUTE), Exempt("role", "db", AT - MINUTE))
    hold = rule(but=but)
    assert said(Asked(host="WEB1"), hold).through[0][0] is hold
    assert said(Asked(host="web2"), hold).word == "stop"
    assert said(Asked(host="web2", roles=("db",)), hold).word == "stop"  # that exception is over
    assert said(Asked(tags=("canary",)), rule(but=(Exempt("tag", "canary", AT + MINUTE),))).word == "go"


def test_the_text_says_all_holds_and_the_longest_first() -> None:
    found = said(Asked(), rule("short", end=1), rule("long"), rule("other", Reach(roles=("db",))))
    assert gate_text.text(found, with_reason=True) == (
        "stop\ngate: 1\n"
        "hold: long\nreason: httpd fails\nuntil: 2026-11-23T15:05:00Z\n"
        "hold: short\nreason: httpd fails\nuntil: 2026-11-23T14:06:00Z\n"
        "beside: other: it is for roles db; this is not said\n"
        "asked: 2026-11-23T14:05:00Z\nend\n"
    )
    short = gate_text.text(found, with_reason=False)
    assert "fails" not in short
    assert "beside" not in short
    assert "hold: long" in short
    assert gate_text.dns(found) == ("v=raglan1 stop asked=2026-11-23T14:05:00Z until=2026-11-23T15:05:00Z hold=long")


def test_the_file_holds_what_is_on_and_what_comes() -> None:
    but = (Exempt("host", "web1", AT + MINUTE),)
    rules = [rule("a", Reach(clusters=("fra1",)), but=but), rule("b", start=5), rule("over", end=-1)]
    assert gate_text.file(rules, AT, good_until=AT + MINUTE) == (
        "raglan-gate 1\nmade: 2026-11-23T14:05:00Z\ngood-until: 2026-11-23T14:06:00Z\n"
        "hold: a\nreason: httpd fails\nfrom: 2026-11-23T14:00:00Z\nuntil: 2026-11-23T15:05:00Z\ncluster: fra1\n"
        "but: host web1 until 2026-11-23T14:06:00Z\n"
        "hold: b\nreason: httpd fails\nfrom: 2026-11-23T14:10:00Z\nuntil: 2026-11-23T15:05:00Z\nend\n"
    )


def test_a_host_says_words_that_the_gate_knows() -> None:
    asked = gate_text.asked_in({"host": ["web1"], "cluster": ["fra1"], "package": ["a,b", "c"]})
    assert asked == Asked("web1", clusters=("fra1",), packages=("a", "b", "c"))
    for wrong in ({"hots": ["web1"]}, {"host": ["a", "b"]}, {"role": ["a\nb"]}, {"role": ["x" * 300]}):
        with pytest.raises(BadInput):
            gate_text.asked_in(wrong)


@pytest.mark.parametrize(
    ("value", "names"),
    [
        ('"rack 4, left",canary', ("rack 4, left", "canary")),
        ('canary, "a,b" ,“c,"d"”', ("canary", "a,b", 'c,"d"')),
        ('6",19",web', ('6"', '19"', "web")),
        ('"a,b', ('"a', "b")),
        ('"a,b"c', ('"a', 'b"c')),
        ("“a,“b”", ("“a", "b")),
        ('"",web,,', ("web",)),
        ("'a,b'", ("'a", "b'")),
    ],
)
def test_a_name_with_commas_stands_in_quotes(value: str, names: tuple[str, ...]) -> None:
    for kind in ("tag", "role"):
        assert getattr(gate_text.asked_in({kind: [value]}), f"{kind}s") == names
    assert gate_text.asked_in({"host": ['"web,1"']}).host == "web,1"


def test_one_odd_tag_does_not_undo_the_question() -> None:
    said = {"tag": ["canary,a\tb", "no\u00a0break", "x" * 300, "blue"]}
    assert gate_text.asked_in(said).tags == ("canary", "blue")


@pytest.mark.parametrize(
    ("reach", "asked"),
    [
        (Reach(), Asked("web1")),
        (Reach(roles=("WEB",), tags=("blue",)), Asked("web1", roles=("web",), tags=("red", "Blue"))),
        (Reach(roles=("web",), tags=("blue",)), Asked("web1", roles=("web",))),
        (Reach(clusters=("east",)), Asked("web1", clusters=("west",))),
        (Reach(roles=("web",), packages=("httpd",)), Asked("web1", roles=("web",))),
    ],
)
def test_where_a_hold_is_for_is_told_without_words_as_with_them(reach: Reach, asked: Asked) -> None:
    assert gate.is_for_places(reach, asked) is not bool(gate.not_for(reach, asked))
