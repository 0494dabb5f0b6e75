"""Reads back what the database really does with a commit, before anything is promised to anyone."""

from collections.abc import Iterable, Iterator
from pathlib import Path

from django.db.backends.base.base import BaseDatabaseWrapper

from raglan.core.errors import RaglanError

# WAL keeps an index in shared memory, which these do not share or do not keep in order.
NETWORK_FILE_SYSTEMS = frozenset(
    (
        "9p",
        "afs",
        "beegfs",
        "ceph",
        "cifs",
        "fuse.ceph-fuse",
        "fuse.davfs",
        "fuse.glusterfs",
        "fuse.rclone",
        "fuse.s3fs",
        "fuse.sshfs",
        "fuse.vmhgfs-fuse",
        "glusterfs",
        "gpfs",
        "lustre",
        "ncpfs",
        "nfs",
        "nfs4",
        "ocfs2",
        "orangefs",
        "prl_fs",
        "smb3",
        "smbfs",
        "vboxsf",
        "vmhgfs",
    )
)
SYNCHRONOUS = ("OFF", "NORMAL", "FULL", "EXTRA")
MOUNTS = Path("/proc/self/mountinfo")


class NotDurable(RaglanError):
    """The database would acknowledge what it may lose."""

    code = "not_durable"
    status = 503


def verify_durability(connection: BaseDatabaseWrapper, allow_data_loss: bool) -> list[str]:
    """Check that a commit is on disk when it returns; raise `NotDurable` if not, unless data loss is allowed.

    Returns what was found wanting, one plain sentence each: empty when all is well.
    """
    checks = _postgresql if connection.vendor == "postgresql" else _sqlite
    complaints = list(checks(connection))
    if complaints and not allow_data_loss:
        raise NotDurable(complaints[0], complaints=complaints)
    return complaints


def _sqlite(connection: BaseDatabaseWrapper) -> Iterator[str]:
    journal_mode = str(_read(connection, "PRAGMA journal_mode")).lower()
    if journal_mode != "wal":
        yield f"SQLite's journal_mode is {journal_mode}, not wal: readers and writers would block each other."
    synchronous = int(str(_read(connection, "PRAGMA synchronous")))
    if synchronous < 2:
        yield (
            f"SQLite's synchronous is {SYNCHRONOUS[synchronous]}, not FULL: "
            "what was acknowledged would be lost when the power fails."
        )
    if str(_read(connection, "PRAGMA foreign_keys")) != "1":
        yield "SQLite's foreign_keys is off: rows could point at nothing."
    path = Path(str(connection.settings_dict["NAME"]))
    file_system = file_system_of(path)
    if file_system in NETWORK_FILE_SYSTEMS:
        yield f"{path} is on a network file system ({file_system}), where SQLite can lose or damage data."


def _postgresql(connection: BaseDatabaseWrapper) -> Iterator[str]:
    for name, loss in (
        ("fsync", "a crash of the server's machine could lose or damage everything"),
        ("full_page_writes", "a crash of the server's machine could damage pages"),
    ):
        if str(_read(connection, f"SHOW {name}")) == "off":
            yield f"PostgreSQL's {name} is off: {loss}."
    synchronous_commit = str(_read(connection, "SHOW synchronous_commit"))
    if synchronous_commit == "off":
        yield "PostgreSQL's synchronous_commit is off: what was acknowledged would be lost in a crash."
    elif synchronous_commit in ("local", "remote_write") and _read(connection, "SHOW synchronous_standby_names"):
        yield (
            f"PostgreSQL's synchronous_commit is {synchronous_commit} although there is a synchronous standby: "
            "what was acknowledged could be lost in a fail-over."
        )


def _read(connection: BaseDatabaseWrapper, query: str) -> object:
    with connection.cursor() as cursor:
        cursor.execute(query)
        row = cursor.fetchone()
    return None if row is None else row[0]


def file_system_of(path: Path, mounts: Path = MOUNTS) -> str:
    """Name the file system that holds a path, such as `ext4` or `nfs4`; empty where the system does not tell."""
    try:
        lines = mounts.read_text(encoding="utf-8", errors="surrogateescape").splitlines()
    except OSError:
        return ""
    places = (path.resolve(), *path.resolve().parents)
    depth, name = -1, ""
    for mount_point, file_system in _mounts(lines):
        # A later line covers an earlier one at the same place.
        if mount_point in places and len(mount_point.parts) >= depth:
            depth, name = len(mount_point.parts), file_system
    return name


def _mounts(lines: Iterable[str]) -> Iterator[tuple[Path, str]]:
    """Give mount point and file system of each line; spaces in names are written as octal numbers."""
    for line in lines:
        before, separator, after = line.partition(" - ")
        fields = before.split(" ")
        if separator and len(fields) > 4:
            mount_point = fields[4]
            for code, character in (("\\040", " "), ("\\011", "\t"), ("\\012", "\n"), ("\\134", "\\")):
                mount_point = mount_point.replace(code, character)
            yield Path(mount_point), after.split(" ")[0]
