"""Some alerts or groups by their ids: one question to a server, kept statements where there is no way to go."""

from collections.abc import Callable, Sequence
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from raglan.alerts import queries
from raglan.alerts.models import Alert, AlertGroup
from raglan.core.db import bulk
from raglan.testing import world

pytestmark = pytest.mark.django_db
READ: list[tuple[Any, Callable[[Sequence[int]], list[Any]]]] = [
    (Alert, queries.alerts_by_id),
    (AlertGroup, queries.groups_by_id),
]


@pytest.mark.parametrize(("model", "read"), READ, ids=["alerts", "groups"])
@pytest.mark.parametrize("count", [1, 2, queries.FEW, queries.FEW + 1])
def test_a_server_is_asked_once(model: Any, read: Callable[[Sequence[int]], list[Any]], count: int) -> None:
    world.route(1, world.policy((60, [world.person()])))
    source = world.source()
    world.ingest(source, *(world.signal(alertname=f"a{number}") for number in range(count)))
    ids = list(model.objects.order_by("pk").values_list("pk", flat=True))
    assert len(ids) == count

    with CaptureQueriesContext(connection) as asked:
        found = read(ids)

    assert sorted(row.pk for row in found) == ids
    is_by_one = count <= queries.FEW and not bulk.is_postgresql()
    assert len(asked) == (count if is_by_one else 1)
    with CaptureQueriesContext(connection) as more:
        assert {getattr(row, "group", row).page.acknowledged_by for row in found} == {None}
    assert len(more) == 0
