"""What belongs to a page, or to somebody, is found by an index: tables of pages only ever grow."""

import re
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.db.models import QuerySet
from django.test.utils import CaptureQueriesContext

from raglan.core.clock import now
from raglan.paging import actions, views
from raglan.paging.models import Notification, Page, Reached
from raglan.people.models import Person
from raglan.testing import world

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.skipif("connection.vendor != 'sqlite'", reason="PostgreSQL has statistics and decides by them"),
]
QUESTIONS: dict[str, Callable[[], QuerySet[Any]]] = {
    "messages of a page": lambda: Notification.objects.filter(page=1),
    "messages of some pages": lambda: Notification.objects.filter(page_id__in=[1, 2]),
    "what a provider sent lately": lambda: Notification.objects.filter(provider="smtp", handed_over_at__gt=now()),
    "whom a page reached": lambda: Reached.objects.filter(page=1),
    "whom some pages reached": lambda: Reached.objects.filter(page_id__in=[1, 2]),
    "messages of a page to one person": lambda: Notification.objects.filter(
        page=1, person=1, handed_over_at__isnull=False, confirmed_at__isnull=True
    ),
    "how a page reached one person": lambda: Reached.objects.filter(page=1, person=1),
}


# No statement about a page needs what a person has had with all pages.
OF_PERSON = re.compile(r"INDEX paging_(notification|reached)_person_id")
OF_MESSAGES = re.compile(r'^(SELECT|UPDATE) .*"paging_(notification|reached)"', re.DOTALL)
READS_MUCH = re.compile(rf"^SCAN|{OF_PERSON.pattern}")


def plan_of(sql: str, values: Sequence[object] = ()) -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN QUERY PLAN {sql}", values or None)
        return [str(row[3]) for row in cursor.fetchall()]


@pytest.mark.parametrize("question", QUESTIONS)
def test_it_is_found_by_an_index(question: str) -> None:
    sql, values = QUESTIONS[question]().query.sql_with_params()
    plan = plan_of(sql, values)

    assert plan
    assert all(step.startswith("SEARCH") and "USING" in step for step in plan)
    assert not any(OF_PERSON.search(step) for step in plan)


# Answers -------------------------------------------------------------------------------------------------------------


@pytest.fixture
def page(outbox: world.Outbox) -> Page:
    """A page that has reached Mara, and Bo before her."""
    mara, bo = world.person("Mara Keller"), world.person("Bo Silva")
    page = world.page(world.policy((60, [bo]), (300, [mara])))
    world.fast_forward(timedelta(seconds=61))
    return page


def taken(page: Page) -> Page:
    """A page that Bo has taken."""
    return actions.acknowledge(page, by=Person.objects.get(name="Bo Silva"), via=actions.Via.LINK)


ANSWERS: dict[str, Callable[[Page, Person], object]] = {
    "takes it": lambda page, mara: actions.acknowledge(page, by=mara, via=actions.Via.LINK),
    "joins": lambda page, mara: actions.join(taken(page), by=mara, via=actions.Via.LINK),
    "passes it on": lambda page, mara: actions.pass_on(page, by=mara, via=actions.Via.LINK),
    "opens the link": lambda page, mara: views._context(page, mara, "token"),
}


@pytest.mark.parametrize("answer", ANSWERS)
def test_an_answer_does_not_read_what_else_a_person_was_ever_told(page: Page, answer: str) -> None:
    mara = Person.objects.get(name="Mara Keller")
    with CaptureQueriesContext(connection) as asked:
        ANSWERS[answer](page, mara)

    found = {sql: plan_of(sql) for sql in (str(query["sql"]) for query in asked) if OF_MESSAGES.search(sql)}
    assert found
    slow = {sql: plan for sql, plan in found.items() for step in plan if READS_MUCH.search(step)}
    assert not slow
