"""Test databases that are files, so that tests meet the same WAL and locks as production."""

from pathlib import Path

from django.db.backends.sqlite3 import creation


class DatabaseCreation(creation.DatabaseCreation):
    """Django's, which also sweeps away the log beside a test database of an earlier run.

    A log left by a killed test run would be replayed into the new, empty file.
    """

    def _create_test_db(self, verbosity: int, autoclobber: bool, keepdb: bool = False) -> str:
        name = self._get_test_db_name()  # type: ignore[attr-defined]  # a hook that the stubs leave out
        if not keepdb and not self.is_in_memory_db(name):
            for suffix in ("-wal", "-shm"):
                Path(f"{name}{suffix}").unlink(missing_ok=True)
        created: str = super()._create_test_db(  # type: ignore[misc]  # a hook that the stubs leave out
            verbosity, autoclobber, keepdb
        )
        return created

    def _destroy_test_db(self, test_database_name: str, verbosity: int) -> None:
        super()._destroy_test_db(  # type: ignore[misc]  # a hook that the stubs leave out
            test_database_name, verbosity
        )
        if not self.is_in_memory_db(test_database_name):
            for suffix in ("-wal", "-shm"):
                Path(f"{test_database_name}{suffix}").unlink(missing_ok=True)
