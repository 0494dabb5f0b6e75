import json
import sqlite3
import threading
from contextlib import closing
from pathlib import Path

import pytest
from django.db import connections

from raglan.core import backup as backups
from raglan.core import faults
from raglan.core.backup import BackupRefused, backup, end_quiet_start, restore, restored_mark
from raglan.core.db import atomic, lock
from tests.support.probe import note, notes, rows_of, run

pytestmark = pytest.mark.usefixtures("as_default")


@pytest.fixture
def as_default(sqlite: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the tests' own SQLite be the one that raglan serves, whichever database the suite runs on."""
    monkeypatch.setattr(backups, "connection", connections[sqlite])


@pytest.fixture
def copy(sqlite: str, tmp_path: Path) -> Path:
    """A backup with two rows."""
    for text in ("one", "two"):
        note(sqlite, text)
    return backup(tmp_path / "backups" / "copy.sqlite3").path


def names_in(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def rewrite(copy: Path, **changes: object) -> None:
    manifest = backups.manifest_of(copy)
    manifest.write_text(json.dumps({**json.loads(manifest.read_text()), **changes}))


def test_a_backup_holds_every_row_and_says_so(copy: Path) -> None:
    assert rows_of(copy, "SELECT text FROM note ORDER BY id") == [("one",), ("two",)]
    assert backups.read_manifest(copy).tables == {"note": 2}
    assert names_in(copy.parent) == {"copy.sqlite3", "copy.sqlite3.json"}


def test_a_backup_can_be_read_by_its_owner_only(copy: Path) -> None:
    assert {path.stat().st_mode & 0o777 for path in copy.parent.iterdir()} == {0o600}


def test_a_backup_while_others_write_ends_and_is_one_state(sqlite: str, tmp_path: Path) -> None:
    run(sqlite, "CREATE TABLE twin (id INTEGER PRIMARY KEY, filler BLOB)")
    stop, started = threading.Event(), threading.Event()

    def write() -> None:
        while not stop.is_set():
            with atomic(sqlite):
                note(sqlite, "x" * 2000)
                run(sqlite, "INSERT INTO twin (filler) VALUES (zeroblob(2000))")
            started.set()
        connections[sqlite].close()

    writers = [threading.Thread(target=write) for _ in range(3)]
    for writer in writers:
        writer.start()
    assert started.wait(60)
    reports = [backup(tmp_path / "out" / f"{number}.sqlite3") for number in range(4)]
    started.clear()
    assert started.wait(60)  # whoever writes may not have come to it meanwhile
    reports.append(backup(tmp_path / "out" / "4.sqlite3"))
    stop.set()
    for writer in writers:
        writer.join()

    assert all(report.tables["note"] == report.tables["twin"] > 0 for report in reports)
    assert reports[-1].tables["note"] > reports[0].tables["note"]


def test_every_commit_during_the_copy_does_not_start_it_anew(
    sqlite: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(backups, "PAGES_IN_A_STEP", 1)
    for _ in range(20):
        note(sqlite, "x" * 5000)
    steps: list[tuple[int, int]] = []

    def write_between_steps(done: int, total: int) -> None:
        steps.append((done, total))
        note(sqlite, "meanwhile")

    report = backup(tmp_path / "copy.sqlite3", progress=write_between_steps)

    assert report.tables == {"note": 20}
    assert [done for done, _ in steps] == list(range(1, steps[-1][1] + 1))


def test_an_existing_file_is_never_overwritten(copy: Path) -> None:
    before = copy.read_bytes()
    with pytest.raises(BackupRefused, match="exists already"):
        backup(copy)

    assert copy.read_bytes() == before


def test_a_crash_before_the_end_leaves_no_copy_that_looks_whole(sqlite: str, tmp_path: Path) -> None:
    with faults.crash_at(1, name="backup.before_rename"), pytest.raises(faults.Crash):
        backup(tmp_path / "out" / "copy.sqlite3")

    assert not (tmp_path / "out" / "copy.sqlite3").exists()


def test_a_damaged_database_is_not_backed_up_as_if_it_were_whole(tmp_path: Path) -> None:
    broken = tmp_path / "broken.sqlite3"
    with closing(sqlite3.connect(broken)) as database:
        database.execute("CREATE TABLE note (id INTEGER PRIMARY KEY, text TEXT)")
        database.executemany("INSERT INTO note (text) VALUES (?)", [("x" * 3000,)] * 50)
        database.commit()
    with broken.open("r+b") as file:
        file.seek(4096 * 3)
        file.write(b"\xff" * 4096)

    with pytest.raises(BackupRefused, match=r"cannot be read|damaged"):
        backup(tmp_path / "copy.sqlite3", source=broken)
    assert not (tmp_path / "copy.sqlite3").exists()


def test_postgresql_is_sent_to_its_own_tools(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class PostgreSQL:
        vendor = "postgresql"

    class Here:
        data_dir = tmp_path

    monkeypatch.setattr(backups, "connection", PostgreSQL())
    monkeypatch.setattr(backups, "config", Here)

    with pytest.raises(BackupRefused, match="pg_basebackup"):
        backup(tmp_path / "copy.sqlite3")
    with pytest.raises(BackupRefused, match="pg_basebackup"):
        restore(tmp_path / "copy.sqlite3", tmp_path)


def test_a_restored_copy_equals_the_database_it_was_made_from(sqlite: str, copy: Path, tmp_path: Path) -> None:
    note(sqlite, "later")

    report = restore(copy, tmp_path / "new")

    assert rows_of(report.path, "SELECT id, text FROM note") == [(1, "one"), (2, "two")]
    assert (report.kept, report.tables) == (None, {"note": 2})


def test_a_restored_copy_starts_quietly_until_told_otherwise(copy: Path, tmp_path: Path) -> None:
    folder = tmp_path / "new"
    folder.mkdir()
    assert restored_mark(folder) is None

    report = restore(copy, folder)

    mark = restored_mark(folder)
    assert mark is not None
    assert mark.made_at == report.made_at
    end_quiet_start(folder)
    assert restored_mark(folder) is None


def test_a_mark_that_cannot_be_read_still_means_quiet(tmp_path: Path) -> None:
    (tmp_path / backups.RESTORED).write_text("{")

    assert restored_mark(tmp_path) is not None


def test_an_existing_database_is_replaced_only_by_force_and_kept_with_all_its_rows(
    sqlite: str, copy: Path, tmp_path: Path
) -> None:
    note(sqlite, "only in the log")
    with pytest.raises(BackupRefused, match="--force"):
        restore(copy, tmp_path)
    assert notes(sqlite) == ["one", "two", "only in the log"]

    connections[sqlite].close()
    report = restore(copy, tmp_path, force=True)

    assert report.kept is not None
    assert rows_of(report.kept, "SELECT count(*) FROM note") == [(3,)]
    assert rows_of(report.path, "SELECT count(*) FROM note") == [(2,)]


def test_a_database_too_damaged_to_open_is_kept_as_it_is(copy: Path, tmp_path: Path) -> None:
    folder = tmp_path / "new"
    folder.mkdir()
    (folder / "raglan.sqlite3").write_bytes(b"not a database" * 1000)
    (folder / "raglan.sqlite3-wal").write_bytes(b"its log")

    report = restore(copy, folder, force=True)

    assert report.kept is not None
    assert report.kept.read_bytes().startswith(b"not a database")
    assert report.kept.with_name(f"{report.kept.name}-wal").read_bytes() == b"its log"
    assert rows_of(report.path, "SELECT count(*) FROM note") == [(2,)]


def test_nothing_is_restored_under_a_running_raglan(copy: Path, tmp_path: Path) -> None:
    with lock.acquire(tmp_path), pytest.raises(lock.DataFolderInUse, match="Stop it first"):
        restore(copy, tmp_path, force=True)

    assert restored_mark(tmp_path) is None


def test_nothing_is_restored_under_a_program_that_has_the_database_open(
    sqlite: str, copy: Path, tmp_path: Path
) -> None:
    assert notes(sqlite) == ["one", "two"]
    before = names_in(tmp_path)

    with pytest.raises(BackupRefused, match="Another program"):
        restore(copy, tmp_path, force=True)

    assert names_in(tmp_path) == before | {lock.NAME}
    assert notes(sqlite) == ["one", "two"]


def test_the_log_of_a_killed_raglan_is_kept_with_its_database(copy: Path, tmp_path: Path) -> None:
    folder = tmp_path / "new"
    restore(copy, folder)
    with closing(sqlite3.connect(folder / "raglan.sqlite3", isolation_level=None)) as killed:
        killed.execute("PRAGMA journal_mode = WAL")
        killed.execute("INSERT INTO note (text) VALUES ('three')")
        files = {path.name: path.read_bytes() for path in folder.glob("raglan.sqlite3*")}
    for name, content in files.items():
        (folder / name).write_bytes(content)

    kept = restore(copy, folder, force=True).kept

    assert kept is not None
    assert rows_of(kept, "SELECT count(*) FROM note") == [(3,)]


def test_a_copy_that_was_changed_is_refused(copy: Path, tmp_path: Path) -> None:
    with closing(sqlite3.connect(copy)) as database:
        database.execute("UPDATE note SET text = 'other' WHERE id = 1")
        database.commit()

    with pytest.raises(BackupRefused, match="changed or cut short"):
        restore(copy, tmp_path / "new")
    assert not (tmp_path / "new" / "raglan.sqlite3").exists()


def test_a_copy_without_the_rows_of_its_manifest_is_refused(copy: Path, tmp_path: Path) -> None:
    rewrite(copy, tables={"note": 3})

    with pytest.raises(BackupRefused, match="does not hold the rows"):
        restore(copy, tmp_path / "new")
    assert names_in(tmp_path / "new") == {lock.NAME}


def test_a_copy_without_a_readable_manifest_is_refused(copy: Path, tmp_path: Path) -> None:
    rewrite(copy, sha256=None)
    with pytest.raises(BackupRefused, match="cannot be read"):
        restore(copy, tmp_path / "new")

    backups.manifest_of(copy).unlink()
    with pytest.raises(BackupRefused, match="is missing"):
        restore(copy, tmp_path / "new")
    with pytest.raises(BackupRefused, match="no backup at"):
        restore(copy.with_name("other"), tmp_path / "new")


@pytest.mark.parametrize("point", ["restore.marked", "restore.kept"])
def test_a_crash_while_restoring_leaves_the_old_database_whole(
    sqlite: str, copy: Path, tmp_path: Path, point: str
) -> None:
    note(sqlite, "only here")
    connections[sqlite].close()
    with faults.crash_at(1, name=point), pytest.raises(faults.Crash):
        restore(copy, tmp_path, force=True)

    assert rows_of(tmp_path / "raglan.sqlite3", "SELECT count(*) FROM note") == [(3,)]
    assert (restored_mark(tmp_path) is not None) is (point == "restore.marked")
