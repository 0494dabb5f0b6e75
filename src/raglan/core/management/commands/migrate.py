"""Django's `migrate`, but an empty database is made in one go (decision 0015)."""

from django.core.management.commands import migrate
from django.core.management.sql import emit_post_migrate_signal
from django.db import connections

from raglan.core.db import newborn

STEP_BY_STEP = ("app_label", "migration_name", "fake", "fake_initial", "plan", "check_unapplied", "prune")


class Command(migrate.Command):
    """Makes an empty database as the models are now, and brings any other up to date step by step."""

    def handle(self, *args: str, **options: object) -> None:
        """Make or migrate the database."""
        database = str(options["database"])
        if any(options[name] for name in STEP_BY_STEP) or not newborn.is_empty(connections[database]):
            super().handle(*args, **options)
            return
        newborn.make(connections[database])
        emit_post_migrate_signal(1 if options["verbosity"] else 0, bool(options["interactive"]), database)
