"""The two numbers to publish: the share of intake accepted, and of due pages handed over within a minute."""

import re
from datetime import timedelta

from raglan.core.clock import CLOCK, now
from raglan.edge.at_once import requests_seen
from raglan.paging import actions, promises
from raglan.testing import world


def today() -> promises.Paged:
    world.fast_forward(timedelta(seconds=90))
    return promises.paged(now() - timedelta(days=1), now())


def test_with_nothing_due_everything_is_kept(db: None) -> None:
    assert (today().due, today().share) == (0, 1.0)


def test_a_page_that_went_out_at_once_is_kept(outbox: world.Outbox) -> None:
    world.page(world.policy((300, [world.person(), world.person("Bo Silva")])))

    assert (today().due, today().kept) == (2, 2)


def test_a_step_that_came_late_is_a_miss_with_its_delay(outbox: world.Outbox) -> None:
    actions.start(world.policy((3000, [world.person()])), actions.Words("x"), reason=actions.Reason())
    CLOCK.move(timedelta(minutes=10))
    world.fire_all()

    found = today()

    assert (found.due, found.kept, found.share) == (1, 0, 0.0)
    assert re.fullmatch(r"handed over 6\d\d s after it was due", found.misses[0].why)


def test_what_was_never_handed_over_says_why(outbox: world.Outbox) -> None:
    mara, bo = world.person("Mara Keller"), world.person("Bo Silva")
    outbox.refuse(world.mail_of(mara).address, permanent=True)
    bo.contact_methods.all().delete()
    world.page(world.policy((3000, [mara, bo])))

    why = [miss.why for miss in today().misses]

    assert why == ["never handed over: the provider said no", "never handed over: no way to reach this person"]


def test_a_persons_own_wait_is_no_miss_and_an_early_answer_no_debt(outbox: world.Outbox) -> None:
    mara = world.person("Mara Keller")
    actions.set_rules(mara, [(world.mail_of(mara).pk, 300)], by=mara)
    world.page(world.policy((3000, [mara])))
    actions.acknowledge(world.page(world.policy((3000, [mara]))), by=mara, via=actions.Via.SCREEN)
    world.fast_forward(timedelta(minutes=6))

    assert (today().due, today().kept) == (1, 1)


def test_the_share_of_intake_is_that_of_what_was_understood() -> None:
    before = promises.accepted()
    for status, number in (("200", 3), ("422", 2), ("503", 1)):
        requests_seen.labels(status).inc(number)

    after = promises.accepted()

    assert after.accepted - before.accepted == 3
    assert (after.failed - before.failed, after.refused - before.refused) == (1, 2)


def test_the_gauges_show_the_last_day(outbox: world.Outbox) -> None:
    world.page(world.policy((300, [world.person()])))
    world.fast_forward(timedelta(seconds=90))

    promises.publish()

    assert promises.due_pages._value.get() == promises.in_time._value.get() == 1
