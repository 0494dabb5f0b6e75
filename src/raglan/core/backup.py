"""Copies of a live SQLite database that can be trusted, and putting one back.

A copy is one file and a manifest beside it, `<file>.json`, with its SHA-256 and the number of rows of each table.
A restored raglan starts quietly: `restored.json` in the data folder tells the engine to ask before it pages anyone
about a past that has long been dealt with.
"""

import os
import secrets
import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from django.db import connection
from pydantic import BaseModel, ValidationError

from raglan.config import config
from raglan.core.clock import now
from raglan.core.db import lock
from raglan.core.db.files import copy_file, make_private, partial_of, sha256_of, sync, write_durably
from raglan.core.db.settings import SQLITE_NAME
from raglan.core.errors import RaglanError
from raglan.core.faults import fault_point

Progress = Callable[[int, int], None]

PAGES_IN_A_STEP = 1_000
RESTORED = "restored.json"
COMPANIONS = ("-wal", "-shm")
USE_BASE_BACKUP = (
    "This raglan keeps its data in PostgreSQL. Back it up with PostgreSQL's own base backup and archived WAL "
    "(pg_basebackup, pgBackRest or Barman), and restore it there."
)


class BackupRefused(RaglanError):
    """A copy that cannot be made, or not be trusted, or not be put in place."""

    code = "backup_refused"
    status = 409


class Manifest(BaseModel):
    """What is known of a copy, written beside it."""

    format: int = 1
    made_at: datetime
    bytes: int
    sha256: str
    tables: dict[str, int]


class RestoredMark(BaseModel):
    """That this data folder holds a restored copy, and has not yet been told to page."""

    restored_at: datetime
    made_at: datetime
    source: str
    kept: str | None = None


@dataclass(frozen=True, slots=True)
class BackupReport:
    """A copy that was written, read back and found whole."""

    path: Path
    manifest_path: Path
    bytes: int
    sha256: str
    tables: dict[str, int]


@dataclass(frozen=True, slots=True)
class RestoreReport:
    """A copy that was put in place, and where the database that it replaced is kept."""

    path: Path
    kept: Path | None
    made_at: datetime
    tables: dict[str, int]


def backup(target: Path, *, source: Path | None = None, progress: Progress | None = None) -> BackupReport:
    """Copy the live database to `target` while raglan goes on working, and prove the copy.

    `progress` is called with pages done and pages in all. An existing file is never overwritten.
    """
    source = source or _live_database()
    manifest_path = manifest_of(target)
    for path in (target, manifest_path):
        if path.exists():
            raise BackupRefused(f"{path} exists already. Choose another name; a backup is never overwritten.")
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = partial_of(target)
    try:
        copied = _copy_snapshot(source, partial, progress)
        tables = _prove(partial)
        if tables != copied:
            raise BackupRefused("The copy does not hold the same rows as the database. Nothing was kept of it.")
        manifest = Manifest(made_at=now(), bytes=partial.stat().st_size, sha256=sha256_of(partial), tables=tables)
        make_private(partial)
        sync(partial)
        # The manifest first: a copy in place always has one, a manifest alone is visibly nothing.
        write_durably(manifest_path, manifest.model_dump_json(indent=2))
        fault_point("backup.before_rename")
        partial.rename(target)
        sync(target.parent)
    except sqlite3.DatabaseError as error:
        raise BackupRefused(f"{source} cannot be read, so there is no backup: {error}") from error
    finally:
        _remove_with_companions(partial)
    return BackupReport(target, manifest_path, manifest.bytes, manifest.sha256, tables)


def restore(source: Path, data_dir: Path, force: bool = False) -> RestoreReport:
    """Put a proven copy in place as the database of `data_dir`, which no raglan may be using.

    With `force` it takes the place of an existing database, which is kept beside it.
    """
    if connection.vendor != "sqlite" and data_dir.resolve() == config().data_dir.resolve():
        raise BackupRefused(USE_BASE_BACKUP)
    manifest = read_manifest(source)
    _compare(source, manifest)
    with lock.acquire(data_dir):
        live = data_dir / SQLITE_NAME
        if live.exists() and not force:
            raise BackupRefused(
                f"There is a database at {live} already. Say --force to replace it; it will be kept beside the new one."
            )
        partial = partial_of(live)
        try:
            copy_file(source, partial)
            make_private(partial)
            _compare(partial, manifest)
            if _prove(partial) != manifest.tables:
                raise BackupRefused(f"{source} does not hold the rows that its manifest names.")
            kept = _put_in_place(partial, live, manifest, source)
        finally:
            _remove_with_companions(partial)
    return RestoreReport(live, kept, manifest.made_at, manifest.tables)


def manifest_of(copy: Path) -> Path:
    """Give the path of the manifest that belongs to a copy."""
    return copy.with_name(f"{copy.name}.json")


def read_manifest(copy: Path) -> Manifest:
    """Read the manifest beside a copy."""
    path = manifest_of(copy)
    if not copy.is_file():
        raise BackupRefused(f"There is no backup at {copy}.")
    try:
        return Manifest.model_validate_json(path.read_bytes())
    except FileNotFoundError:
        raise BackupRefused(f"The manifest {path} is missing, so the backup cannot be proved.") from None
    except ValidationError:
        raise BackupRefused(f"The manifest {path} cannot be read, so the backup cannot be proved.") from None


def restored_mark(data_dir: Path) -> RestoredMark | None:
    """Tell whether this data folder holds a restored copy that has not been told to page yet.

    A mark that cannot be read counts as one: silence that asks is better than pages from the past.
    """
    try:
        return RestoredMark.model_validate_json((data_dir / RESTORED).read_bytes())
    except FileNotFoundError:
        return None
    except ValidationError:
        return RestoredMark(restored_at=now(), made_at=now(), source="unknown")


def end_quiet_start(data_dir: Path) -> None:
    """Let a restored raglan page again; a person has looked at what is due."""
    (data_dir / RESTORED).unlink(missing_ok=True)
    sync(data_dir)


def _live_database() -> Path:
    if connection.vendor != "sqlite":
        raise BackupRefused(USE_BASE_BACKUP)
    path = Path(str(connection.settings_dict["NAME"]))
    if not path.is_file():
        raise BackupRefused(f"There is no database at {path} yet.")
    return path


def _copy_snapshot(source: Path, target: Path, progress: Progress | None) -> dict[str, int]:
    """Copy one state of the source, and count its rows in that same state."""
    with closing(sqlite3.connect(source, timeout=20, isolation_level=None)) as live:
        # One reading transaction around it all: without it every commit by a writer starts the copy anew.
        live.execute("BEGIN")
        tables = _count_rows(live)
        with closing(sqlite3.connect(target, isolation_level=None)) as copy:
            copy.execute("PRAGMA synchronous = OFF")  # synced once, at the end
            live.backup(copy, pages=PAGES_IN_A_STEP, progress=_told(progress))
            # A single file, readable on read-only media; the server switches back to WAL when it opens it.
            copy.execute("PRAGMA journal_mode = DELETE")
        live.execute("ROLLBACK")
    return tables


def _told(progress: Progress | None) -> Callable[[int, int, int], object] | None:
    if progress is None:
        return None
    return lambda _status, remaining, total: progress(total - remaining, total)


def _prove(path: Path) -> dict[str, int]:
    """Check the whole file and count the rows of its tables."""
    try:
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, isolation_level=None)) as copy:
            faults = [str(row[0]) for row in copy.execute("PRAGMA integrity_check(3)")]
            if faults != ["ok"]:
                raise BackupRefused(f"The copy is damaged: {faults[0]}")
            return _count_rows(copy)
    except sqlite3.DatabaseError as error:
        raise BackupRefused(f"The copy is damaged: {error}") from error


def _count_rows(database: sqlite3.Connection) -> dict[str, int]:
    query = "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT GLOB 'sqlite_*' ORDER BY name"
    names = [str(row[0]) for row in database.execute(query).fetchall()]
    return {name: _count(database, name) for name in names}


def _count(database: sqlite3.Connection, table: str) -> int:
    row = database.execute(f"SELECT count(*) FROM {_quoted(table)}").fetchone()  # noqa: S608 -- its own table names, quoted
    return int(row[0])


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _compare(path: Path, manifest: Manifest) -> None:
    if path.stat().st_size != manifest.bytes or sha256_of(path) != manifest.sha256:
        raise BackupRefused(f"{path.name} is not the file that its manifest describes: it was changed or cut short.")


def _put_in_place(partial: Path, live: Path, manifest: Manifest, source: Path) -> Path | None:
    """Swap the databases so that a crash at any point leaves a whole one, and never a restored one that pages."""
    kept = _keep(live) if live.exists() else None
    fault_point("restore.kept")
    mark = RestoredMark(
        restored_at=now(), made_at=manifest.made_at, source=str(source), kept=None if kept is None else kept.name
    )
    write_durably(live.parent / RESTORED, mark.model_dump_json(indent=2))
    fault_point("restore.marked")
    # A log that outlived its database would be replayed into the new one.
    _remove_companions(live)
    partial.rename(live)
    sync(live.parent)
    return kept


def _keep(live: Path) -> Path:
    """Give the present database a second name, under which it stays, and fold its log into it.

    Merely opening a damaged database may throw its log away, so that is copied first.
    """
    kept = live.with_name(f"{live.name}.replaced-{now():%Y%m%dT%H%M%SZ}-{secrets.token_hex(2)}")
    log, kept_log = (path.with_name(f"{path.name}-wal") for path in (live, kept))
    if log.exists():
        copy_file(log, kept_log)
    os.link(live, kept)
    try:
        if _fold_log(live):
            kept_log.unlink(missing_ok=True)
    except BackupRefused:
        kept.unlink()
        kept_log.unlink(missing_ok=True)
        raise
    sync(live.parent)
    return kept


def _fold_log(live: Path) -> bool:
    """Write the log back into the database and leave WAL mode, which only its sole user can; False if it is damaged."""
    try:
        with closing(sqlite3.connect(live, timeout=1, isolation_level=None)) as database:
            (mode,) = database.execute("PRAGMA journal_mode = DELETE").fetchone()
    except sqlite3.DatabaseError as error:
        if error.sqlite_errorcode != sqlite3.SQLITE_BUSY:
            return False
        mode = "wal"
    if mode != "delete":
        raise BackupRefused(f"Another program has {live} open. End it first.")
    return True


def _remove_companions(path: Path) -> None:
    for suffix in COMPANIONS:
        path.with_name(f"{path.name}{suffix}").unlink(missing_ok=True)


def _remove_with_companions(path: Path) -> None:
    path.unlink(missing_ok=True)
    path.with_name(f"{path.name}-journal").unlink(missing_ok=True)
    _remove_companions(path)
