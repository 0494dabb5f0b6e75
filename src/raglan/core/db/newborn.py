"""An empty database gets its tables as the models are now, in one transaction, and counts as migrated.

Taking every step of the past over again costs seconds of the processor at each first start, most of it for drawing
every model anew after every step. That both ways lead to the same tables is tested on both databases. It holds while
no migration puts rows into an empty database; a test tells when one does.
"""

from django.apps import apps
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder
from django.db.models import Model


def is_empty(connection: BaseDatabaseWrapper) -> bool:
    """Tell whether a database has no table at all."""
    return not connection.introspection.table_names()


def make(connection: BaseDatabaseWrapper) -> None:
    """Make all tables, and record every migration as applied. All of it is there afterwards, or nothing."""
    applied = MigrationLoader(connection).disk_migrations
    recorder = MigrationRecorder(connection)
    models: list[type[Model]] = [*_models(), recorder.Migration]
    with connection.schema_editor() as editor:
        for model in models:
            editor.create_model(model)
        for app, name in applied:
            recorder.migration_qs.create(app=app, name=name)


def _models() -> list[type[Model]]:
    return [model for app in apps.get_app_configs() for model in app.get_models() if model._meta.managed]
