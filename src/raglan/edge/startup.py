"""What a process does to its database before it serves: migrations, the shared cache, durability, standing timers."""

import sys
from contextlib import suppress

from django.apps import apps
from django.core.management import call_command
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from raglan.alerts.models import Alert, AlertGroup, Signal
from raglan.config import Config
from raglan.core import audit, timers
from raglan.core.clock import now
from raglan.core.db import atomic, check, no_deadline, numbering, patience
from raglan.core.errors import Conflict
from raglan.core.models import Event, EventSubject, Timer
from raglan.edge import life, peers
from raglan.paging import backlog
from raglan.paging.models import Notification, Page, Reached
from raglan.people import actions as people
from raglan.ui import static

STANDING = (
    ("paging.audit", "paging"),
    ("paging.readiness", "paging"),
    ("alerts.expire", "alerts"),
    ("alerts.forget", "alerts"),
    ("chat.forget", "chat"),
    ("outside.forget", "outside"),
    (audit.SEAL, "events"),
    (life.TEST, "raglan"),
    (life.BEAT, "raglan"),
    (peers.HELLO, "raglan"),
    (peers.LISTEN, "raglan"),
    ("oncall.watch", "oncall"),
    ("processes.settle", "processes"),
    ("fleet.forget_runs", "fleet"),
    ("fleet.forget", "fleet"),
    ("fleet.watch", "fleet"),
)
# What an alert is stored in, and the page that it may become: what is stored most first.
OF_ALERTS = (Alert, Signal, Event, EventSubject, Timer, AlertGroup, Page, Reached, Notification)
MIGRATION_LOCK = 7_246_914  # any number, the same on every node
CACHE_TABLES = {"raglan_cache", "raglan_public_cache"}


def prepare(config: Config, *, migrate: bool) -> list[str]:
    """Make the database ready; return facts about it in words. Raises Conflict when migrations are missing."""
    if migrate:
        bring_up_to_date()
    elif pending() or not _has_caches():
        raise Conflict("The database is older than this raglan. Run `raglan migrate` first.")
    forget_migrations()
    facts = check.verify_durability(connection, config.allow_data_loss)
    static.collect()
    numbering.put_first(OF_ALERTS)
    if connection.vendor == "sqlite":
        with atomic():
            timers.release()  # nobody else serves this file: every lease is of a process that is gone
    with atomic():
        timers.sort_into_pools()
    stand_timers()
    backlog.put_in_order()
    return facts


def pending() -> int:
    """Return how many migrations wait to be applied."""
    executor = MigrationExecutor(connection)
    return len(executor.migration_plan(executor.loader.graph.leaf_nodes()))


def forget_migrations() -> None:
    """Let the memory of some hundred modules go that nothing needs any more; whoever asks for one loads it again."""
    for app in apps.get_app_configs():
        package = f"{app.name}.migrations"
        for name in [name for name in sys.modules if name.startswith(f"{package}.")]:
            del sys.modules[name]
            with suppress(AttributeError):
                delattr(sys.modules[package], name.rpartition(".")[2])


def bring_up_to_date() -> int:
    """Apply what is pending, one node at a time, and make the tables of the caches. Return how many were applied."""
    with no_deadline():
        if connection.vendor != "postgresql":
            return _apply()
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_lock(%s)", [MIGRATION_LOCK])
            try:
                return _apply()
            finally:
                cursor.execute("SELECT pg_advisory_unlock(%s)", [MIGRATION_LOCK])


def _apply() -> int:
    waiting = pending()
    if waiting:  # each is whole or taken back, or goes on where it stopped, so that it may be begun again
        patience.by_turns(connection, lambda: call_command("migrate", verbosity=0, interactive=False))
    if not _has_caches():
        call_command("createcachetable", verbosity=0)
    return waiting


def _has_caches() -> bool:
    return CACHE_TABLES.issubset(connection.introspection.table_names())


def stand_timers() -> None:
    """See to it that each standing timer exists once; a fresh one is due at once."""
    with atomic():
        have = set(
            Timer.objects.filter(kind__in=[kind for kind, _ in STANDING], parked_at__isnull=True).values_list(
                "kind", flat=True
            )
        )
        for kind, subject in STANDING:
            if kind not in have:
                timers.schedule(kind, subject=subject, due_at=now())


def first_words(config: Config) -> list[str]:
    """Return what the terminal says once raglan answers."""
    lines = [f"raglan is at {config.public_url}"]
    if link := people.issue_setup_link():
        lines.append("Nobody exists yet. This link makes the first administrator, once, within 24 hours:")
        lines.append(f"  {link}")
    return lines
