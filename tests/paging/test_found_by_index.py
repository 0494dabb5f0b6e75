"""What belongs to a page, or to somebody, is found by an index: tables of pages only ever grow."""

from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.db.models import QuerySet

from raglan.core.clock import now
from raglan.paging.models import Notification, Page, Reached

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
    "who has pages": lambda: Page.objects.filter(acknowledged_by=1),
}


@pytest.mark.parametrize("question", QUESTIONS)
def test_it_is_found_by_an_index(question: str) -> None:
    sql, values = QUESTIONS[question]().query.sql_with_params()
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN QUERY PLAN {sql}", values)
        plan = [str(row[3]) for row in cursor.fetchall()]

    assert plan
    assert all(step.startswith("SEARCH") and "USING" in step for step in plan)
