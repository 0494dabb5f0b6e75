"""Turn orders that were stored before there were layers mean the same after the migration."""

from datetime import date, time

import pytest
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from raglan.oncall import queries
from raglan.testing import world
from tests.oncall.builders import MONDAY

BEFORE = [("oncall", "0002_rotation_changes_add_rows")]


@pytest.mark.django_db(transaction=True)
def test_a_turn_order_of_before_goes_on_as_it_was() -> None:
    person = world.person("Mara Novak")
    executor = MigrationExecutor(connection)
    latest = [node for node in executor.loader.graph.leaf_nodes() if node[0] == "oncall"]
    executor.migrate(BEFORE)
    try:
        old = executor.loader.project_state(BEFORE).apps
        schedule = old.get_model("oncall", "Schedule").objects.create(
            name="Web", slug="web", time_zone="UTC", created_at=MONDAY
        )
        rotation = old.get_model("oncall", "Rotation").objects.create(
            schedule=schedule,
            starts_on=date(2026, 1, 5),
            handoff_weekday=0,
            handoff_time=time(9),
            weeks=2,
            created_at=MONDAY,
        )
        old.get_model("oncall", "RotationMember").objects.create(rotation=rotation, person_id=person.pk, position=0)
    finally:
        executor = MigrationExecutor(connection)
        executor.migrate(latest)
    row = queries.schedule("web")
    [stored] = row.rotations.all()
    assert (stored.unit, stored.every, stored.layer, stored.rank) == ("weeks", 2, None, 0)
    assert (stored.weekdays, stored.windows, stored.active_days, stored.ends_at) == ([], [], False, None)
    assert [one.name for one in queries.who("web", MONDAY).people] == ["Mara Novak"]
