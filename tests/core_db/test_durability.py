from pathlib import Path

import pytest
from django.db import connections

from raglan.core.db.check import NotDurable, file_system_of, verify_durability
from raglan.core.db.settings import databases
from tests.support import pg
from tests.support.probe import registered, run

MOUNTS = """\
22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw
40 22 0:41 / /srv rw - nfs4 files:/srv rw
41 40 8:2 / /srv/fast\\040disk rw shared:3 master:1 - xfs /dev/sdb1 rw
"""


def test_sqlite_is_opened_as_promised(sqlite: str) -> None:
    pragmas = ("journal_mode", "synchronous", "foreign_keys", "busy_timeout", "wal_autocheckpoint", "mmap_size")

    assert [run(sqlite, f"PRAGMA {name}")[0][0] for name in pragmas] == ["wal", 2, 1, 20000, 2000, 0]


def test_sqlite_as_we_open_it_is_durable(sqlite: str) -> None:
    assert verify_durability(connections[sqlite], allow_data_loss=False) == []


@pytest.mark.parametrize(
    ("pragma", "complaint"),
    [
        ("synchronous = NORMAL", "synchronous is NORMAL"),
        ("synchronous = OFF", "synchronous is OFF"),
        ("journal_mode = DELETE", "journal_mode is delete"),
        ("foreign_keys = OFF", "foreign_keys is off"),
    ],
)
def test_sqlite_that_may_lose_rows_is_refused(sqlite: str, pragma: str, complaint: str) -> None:
    run(sqlite, f"PRAGMA {pragma}")

    with pytest.raises(NotDurable, match=complaint):
        verify_durability(connections[sqlite], allow_data_loss=False)


def test_data_loss_can_be_allowed_but_is_named(sqlite: str) -> None:
    run(sqlite, "PRAGMA synchronous = OFF")

    assert len(verify_durability(connections[sqlite], allow_data_loss=True)) == 1


def test_a_network_file_system_is_refused(sqlite: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("raglan.core.db.check.file_system_of", lambda _path: "nfs4")

    with pytest.raises(NotDurable, match="network file system"):
        verify_durability(connections[sqlite], allow_data_loss=False)


@pytest.mark.parametrize(
    ("path", "file_system"),
    [("/var/lib/raglan", "ext4"), ("/srv", "nfs4"), ("/srv/raglan", "nfs4"), ("/srv/fast disk/raglan", "xfs")],
)
def test_the_nearest_mount_point_names_the_file_system(tmp_path: Path, path: str, file_system: str) -> None:
    mounts = tmp_path / "mountinfo"
    mounts.write_text(MOUNTS)

    assert file_system_of(Path(path), mounts) == file_system


def test_postgresql_as_it_comes_is_durable(postgresql: str) -> None:
    assert verify_durability(connections[postgresql], allow_data_loss=False) == []


def test_postgresql_that_does_not_wait_for_its_disk_is_refused(postgresql: str) -> None:
    run(postgresql, "SET synchronous_commit = off")

    with pytest.raises(NotDurable, match="synchronous_commit is off"):
        verify_durability(connections[postgresql], allow_data_loss=False)


@pytest.mark.usefixtures("postgresql")
def test_postgresql_without_fsync_is_refused() -> None:
    careless = pg.Server({"fsync": "off", "full_page_writes": "off", "synchronous_standby_names": "ghost"})
    try:
        with registered("careless", databases(careless.url(), Path())["default"]) as alias:
            run(alias, "SET synchronous_commit = local")
            complaints = verify_durability(connections[alias], allow_data_loss=True)
    finally:
        careless.stop()

    assert [complaint.split(" is ")[0] for complaint in complaints] == [
        "PostgreSQL's fsync",
        "PostgreSQL's full_page_writes",
        "PostgreSQL's synchronous_commit",
    ]
