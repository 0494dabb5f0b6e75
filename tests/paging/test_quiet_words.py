"""A quiet word goes once, by the ways that a person set for what can wait; nothing rings, and nobody is paged."""

from datetime import timedelta

import pytest

from raglan.core import timeline
from raglan.paging import actions, ports, quiet
from raglan.paging.models import Page
from raglan.paging.plan import Urgency
from raglan.paging.ports import Gone
from raglan.people.models import ContactMethod, Person
from raglan.testing import world


def said(to: Person, key: str = "surprise:1") -> int:
    return quiet.say(to, quiet.Word(key, "It differs", "httpd came", "/changes/1/"))


def kinds(found: list[ContactMethod]) -> list[str]:
    return [way.kind for way in found]


def test_without_rules_only_what_does_not_ring_is_used(outbox: world.Outbox, mara: Person) -> None:
    for kind in ("voice", "sms", "ntfy", "push"):
        world.way(mara, kind)
    assert kinds(quiet.ways_to(mara)) == ["ntfy", "push"]
    assert said(mara) == 2
    world.fast_forward(timedelta(hours=1))
    assert [sent.kind for sent in outbox.sent] == ["ntfy", "push"]
    assert not Page.objects.exists()


def test_the_first_ways_for_low_urgency_are_used_and_never_a_call(mara: Person) -> None:
    ways = {kind: world.way(mara, kind) for kind in ("voice", "sms", "push", "webhook")}
    chosen = [(ways["voice"].pk, 0), (ways["sms"].pk, 60), (ways["webhook"].pk, 60), (ways["push"].pk, 300)]
    actions.set_rules(mara, chosen, by=mara, urgency=Urgency.LOW)
    assert kinds(quiet.ways_to(mara)) == ["sms", "webhook"]
    actions.set_rules(mara, [(world.mail_of(mara).pk, 0)], by=mara, urgency=Urgency.LOW)
    assert quiet.ways_to(mara) == []


def test_a_word_that_is_refused_is_tried_again_with_the_same_key(outbox: world.Outbox, mara: Person) -> None:
    way = world.way(mara, "push")
    outbox.refuse(way.address)
    said(mara)
    world.fast_forward(timedelta(hours=1))
    assert outbox.tried == [way.address, way.address]
    assert [sent.message.key for sent in outbox.sent] == [f"word:surprise:1:{way.pk}"]
    assert [event.kind for event in timeline.about(mara)][-1:] == ["word.handed_over"]


def test_a_way_that_refuses_for_good_is_told_and_one_that_ended_is_taken_away(
    outbox: world.Outbox, mara: Person
) -> None:
    lost, gone = world.way(mara, "ntfy"), world.way(mara, "push")
    outbox.refuse(lost.address, permanent=True)
    outbox.breaks(gone.address, Gone("That browser has ended."))
    said(mara)
    world.fast_forward(timedelta(hours=1))
    assert outbox.sent == []
    assert [event.kind for event in timeline.about(mara)].count("word.not_said") == 2
    assert not ContactMethod.objects.filter(pk=gone.pk).exists()


def test_a_way_that_was_removed_meanwhile_gets_nothing(outbox: world.Outbox, mara: Person) -> None:
    world.way(mara, "push").delete()
    way = world.way(mara, "ntfy")
    said(mara)
    way.delete()
    world.fire_all()
    assert outbox.tried == []


def test_a_provider_with_a_budget_keeps_it_for_pages(
    outbox: world.Outbox, mara: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    way = world.way(mara, "sms")
    actions.set_rules(mara, [(way.pk, 0)], by=mara, urgency=Urgency.LOW)
    provider = ports.providers("sms")[0]
    limited = ports.Provider(provider.name, provider.channel, provider.why_off, per_hour=lambda: 5)
    monkeypatch.setattr(
        quiet.providers, "choose", lambda kind, address, tried: None if provider.name in tried else limited
    )
    said(mara)
    world.fast_forward(timedelta(hours=1))
    assert outbox.tried == []
    assert [event.kind for event in timeline.about(mara)].count("word.not_said") == 1
