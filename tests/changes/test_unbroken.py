"""Holds and freezes that follow each other are added up: nobody freezes a fleet for long without a word."""

from datetime import UTC, date, datetime, time, timedelta

import pytest
from django.test import Client

from raglan.changes import freezing, hold_queries, holding, unbroken
from raglan.changes.gate import Reach
from raglan.changes.hold_models import Freeze, Hold
from raglan.changes.unbroken import Span, stretches
from raglan.core.clock import CLOCK, now
from raglan.core.errors import BadInput
from raglan.fleet import actions
from raglan.fleet.ports import HostTold
from raglan.testing import world

AT = datetime(2026, 11, 2, tzinfo=UTC)
DAY, HOUR = timedelta(days=1), timedelta(hours=1)
BY = holding.By("Mara Keller", "raglan")


def span(name: str, first: float, last: float, **reach: tuple[str, ...]) -> Span:
    return Span(name, Reach(**reach), AT + first * DAY, AT + last * DAY)


def said(*spans: Span) -> list[tuple[str, str, int]]:
    return [(one.hosts, one.names, one.days) for one in stretches(spans) if one.is_too_long]


def test_what_follows_end_to_end_is_one_time_and_four_hours_break_it() -> None:
    assert said(span("a", 0, 14), span("b", 14.1, 28)) == [("all hosts", "a, b", 28)]
    assert said(span("a", 0, 14), span("b", 14.2, 28)) == []
    assert said(span("a", 0, 14), span("b", 7, 20)) == []


def test_a_part_of_the_fleet_that_two_holds_mean_together_is_found() -> None:
    fra1, web = {"clusters": ("fra1",)}, {"roles": ("web",)}
    assert said(span("all", 0, 14), span("one", 14, 28, **fra1)) == [("hosts of cluster fra1", "all, one", 28)]
    assert said(span("a", 0, 14, **fra1), span("b", 14, 28, **web)) == [("hosts of cluster fra1; role web", "a, b", 28)]
    assert said(span("a", 0, 14, **fra1), span("b", 14, 28, clusters=("ams2",))) == []
    both = span("b", 14, 28, clusters=("AMS2", "FRA1"))
    assert said(span("a", 0, 14, **fra1), both) == [("hosts of cluster fra1", "a, b", 28)]
    tagged = span("a", 0, 14, tags=("pci", "old")), span("b", 14, 28, tags=("old",))
    assert said(*tagged) == [("hosts of tag old", "a, b", 28)]


def test_holds_on_packages_add_up_for_runs_that_do_not_say_what_they_touch() -> None:
    assert said(span("a", 0, 14, packages=("httpd",)), span("b", 14, 28, packages=("nginx",)))


def many(most: int) -> list[Span]:
    """So many holds for a role each, and one for a cluster that follows the last of them."""
    roles = [span(f"r{number:02}", 0, 14, roles=(f"role{number:02}",)) for number in range(most)]
    return [*roles, span("long", 14, 28, clusters=("fra1",))]


def test_how_many_were_not_looked_at_is_told_and_what_is_named_is_looked_at_first(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(unbroken, "MOST_HOSTS", 12)
    spans = many(9)
    whole, cut = unbroken.look(spans[5:]), unbroken.look(spans)
    assert (whole.left_out, cut.left_out) == (0, 10)
    assert [one.names for one in whole.stretches if one.is_too_long] == [
        f"r{number:02}, long" for number in (5, 6, 7, 8)
    ]
    first = unbroken.look(spans, first=[spans[8].reach])
    assert "r08, long" in [one.names for one in first.stretches]
    assert "r08, long" not in [one.names for one in cut.stretches]


def test_hosts_that_two_pairs_mean_alike_are_looked_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unbroken, "MOST_HOSTS", 2)
    spans = [span("a", 0, 1), span("b", 1, 2, roles=("web",)), span("c", 2, 3, roles=("web",), packages=("httpd",))]
    assert unbroken.look(spans).left_out == 0


def test_holds_of_the_same_hosts_make_no_pairs_and_of_very_many_places_only_some_pairs_are_looked_at(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    looked: list[tuple[Reach, Reach]] = []
    meant = unbroken._meant
    monkeypatch.setattr(unbroken, "_meant", lambda *pair: [looked.append(pair), *meant(*pair)][1:])
    alike = [span(f"h{number}", 0, 1, roles=("web",), packages=(f"p{number}",)) for number in range(500)]
    assert unbroken.look(alike).left_out == 0
    assert len(looked) == 1
    looked.clear()
    monkeypatch.setattr(unbroken, "MOST_PAIRS", 7)
    apart = [span(f"h{number}", 0, 1, roles=(f"role{number}",)) for number in range(4)]  # no host is of two of them
    assert unbroken.look(apart).left_out == 3
    assert len(looked) < 10


@pytest.mark.django_db
def test_the_list_says_how_many_were_not_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unbroken, "MOST_HOSTS", 3)
    browser = Client()
    browser.force_login(world.person("Mara Keller"))
    for number in range(4):
        reach = Reach(roles=(f"role{number}",))
        holding.raise_hold(holding.HoldDraft(f"h{number}", "x", now() + 30 * HOUR, reach), by=BY)
    page = browser.get("/changes/holds/?part=open").content.decode()
    assert "1 pair of holds and freezes was not looked at" in page
    monkeypatch.undo()
    assert "looked at" not in browser.get("/changes/holds/?part=open").content.decode()


def freeze(name: str, in_days: int, days: int, reach: Reach | None = None, *, anyway: bool = False) -> Freeze:
    first: date = (now() + in_days * DAY).date()
    draft = freezing.FreezeDraft(name, "x", "UTC", first, time(0), days * 24 * 60, reach or Reach())
    return freezing.plan_freeze(draft, by=BY, anyway=anyway)


@pytest.mark.django_db
def test_a_freeze_that_follows_another_for_too_long_says_so_and_is_planned_only_when_meant() -> None:
    freeze("first", 100, 14)  # planned long ahead
    with pytest.raises(BadInput, match=r"with first, second, all hosts would wait from .* 28 days") as refused:
        freeze("second", 114, 14)
    assert refused.value.field == "anyway"
    assert freeze("second", 114, 14, anyway=True)
    assert freeze("later", 140, 14)


@pytest.mark.django_db
def test_where_the_fleet_knows_no_host_of_both_nothing_is_said() -> None:
    at = now()
    actions.host_for(HostTold(name="web1", cluster="fra1", role="web"), at=at, received_at=at)
    freeze("first", 1, 14, Reach(clusters=("FRA1",)))
    freeze("second", 15, 14, Reach(roles=("db",)))
    with pytest.raises(BadInput, match="hosts of cluster FRA1; role web"):
        freeze("third", 15, 14, Reach(roles=("web",)))


@pytest.mark.django_db
def test_screens_say_what_goes_on_after_a_hold_and_what_leaves_no_break() -> None:
    browser = Client()
    browser.force_login(world.person("Mara Keller"))
    hold = holding.raise_hold(holding.HoldDraft("httpd", "x", now() + 30 * HOUR), by=BY)
    assert "without a break" not in browser.get(f"/changes/holds/{hold.pk}/").content.decode()
    freeze("first", 1, 20)
    page = browser.get(f"/changes/holds/{hold.pk}/").content.decode()
    assert "Others follow it without a break of four hours: all hosts wait from" in page
    facts = {"name": "second", "reason": "x", "first": f"{(now() + 21 * DAY).date()}", "start": "00:00", "hours": "240"}
    sent = {**facts, "zone": "UTC"}
    refused = browser.post("/changes/holds/freeze/", sent)
    assert refused.status_code == 422
    assert "is that meant?" in refused.content.decode()
    assert 'name="anyway"' in refused.content.decode()
    assert browser.post("/changes/holds/freeze/", {**sent, "anyway": "on"}).status_code == 302
    page = browser.get("/changes/holds/?part=open").content.decode()
    assert "days without a break" in page
    assert "All hosts wait from one to the next: httpd, first, second." in page


@pytest.mark.django_db
def test_a_hold_that_is_extended_by_hand_again_and_again_is_said_too() -> None:
    hold = holding.raise_hold(holding.HoldDraft("httpd", "x", now() + 72 * HOUR), by=BY)
    for _ in range(9):
        CLOCK.move(60 * HOUR)
        hold = holding.extend(hold, now() + 72 * HOUR, version=hold.version, by=BY)
    assert [one.names for one in freezing.too_long(now()).stretches] == ["httpd"]
    holding.lift(hold, word="fixed", by=BY)
    assert freezing.too_long(now()).stretches == []


@pytest.mark.django_db
def test_a_lifted_hold_counts_until_it_was_lifted() -> None:
    hold = holding.raise_hold(holding.HoldDraft("httpd", "x", now() + 72 * HOUR), by=BY)
    CLOCK.move(HOUR)
    holding.lift(hold, word="fixed", by=BY)
    (one,) = unbroken.spans(now())
    assert HOUR <= one.ends_at - one.starts_at < 2 * HOUR
    assert not hold_queries.on_now().exists()
    assert Hold.objects.count() == 1
