"""The same for what follows a heads-up: told once, thanked once, one page, a review with every entry."""

from collections import Counter

import pytest

from raglan.core import timers
from raglan.core.faults import crash_at, record
from raglan.incidents import actions as incidents
from raglan.incidents import queries
from raglan.incidents.models import Entry, HeadsUp, Incident
from raglan.paging.models import Page
from raglan.reviews.models import Review
from raglan.testing import world
from tests.scenarios.histories import Story, answers, lived_until_a_crash, passes
from tests.support.share import places

pytestmark = [pytest.mark.django_db, pytest.mark.timeout(600)]


def a_heads_up(story: Story) -> None:
    mara, bo = world.person("Mara Keller"), world.person("Bo Silva")
    team = world.team(bo)
    world.schedule(bo, of=team)
    warned = incidents.Warned("I may have broken Apache", services=[world.service("httpd", team)])
    incidents.give_heads_up(warned, by=mara)
    story.plot += [
        passes(30),
        answers(bo),
        passes(30),
        lambda: incidents.stand_down(Incident.objects.get(), by=mara, words="All is well."),
        passes(60),
    ]


def problems() -> list[str]:
    entries = Counter(Entry.objects.values_list("kind", "text"))
    review = Review.objects.first()
    found = [f"{text} stands {number} times" for (_, text), number in entries.items() if number > 1]
    found += [] if entries["note", queries.THANKS] else ["nobody gave thanks"]
    found += [] if Page.objects.count() == 1 else [f"{Page.objects.count()} pages"]
    found += [] if HeadsUp.objects.get().page_id else ["nobody was told"]
    if review is None or review.moments.count() != Entry.objects.count():
        found.append("the review lacks something")
    return found


def test_whatever_the_place_of_a_crash_a_heads_up_is_followed_up_once() -> None:
    story = Story(a_heads_up)
    with story.told(), record() as names:
        story.go_on()
        assert problems() == []
    found: dict[str, list[str]] = {}
    for k, name in places(names):
        with story.told():
            with crash_at(k):
                lived_until_a_crash(story)
            timers.release()
            story.go_on()
            if wrong := problems():
                found[f"{k} {name}"] = wrong

    assert found == {}
