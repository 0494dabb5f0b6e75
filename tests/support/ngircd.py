"""A real IRC server for tests: ngIRCd in a process of its own, on loopback, and people who talk there."""

import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from tests.support.ports import free_port

READY_S = 60
CONFIG = """
[Global]
Name = irc.raglan.test
Info = for tests
Listen = 127.0.0.1
Ports = {port}
ServerUID = root
ServerGID = root
Password = {password}
[Limits]
ConnectRetry = 60
MaxConnectionsIP = 0
MaxNickLength = 20
MaxPenaltyTime = 0
[Options]
DNS = no
Ident = no
PAM = no
CloakHost = example.test
"""
PASSWORD = "for-tests-only"


@dataclass
class Ngircd:
    """One server."""

    folder: Path
    port: int
    process: "subprocess.Popen[bytes] | None" = None

    def start(self) -> None:
        """Start, and wait until it answers."""
        program = shutil.which("ngircd", path="/usr/sbin:/usr/bin:/usr/local/sbin:/usr/local/bin")
        assert program, "There is no ngIRCd here: `apt-get install ngircd`."
        with (self.folder / "log").open("ab") as log:
            command = [program, "-n", "-f", str(self.folder / "ngircd.conf")]
            self.process = subprocess.Popen(command, stdout=log, stderr=log)
        until = time.monotonic() + READY_S
        while time.monotonic() < until and self.process.poll() is None:
            with suppress(OSError), socket.create_connection(("127.0.0.1", self.port), timeout=1):
                return
            time.sleep(0.02)
        raise AssertionError(f"ngIRCd did not get ready:\n{(self.folder / 'log').read_text()[-3000:]}")

    def kill(self) -> None:
        """End it at once."""
        if self.process is not None:
            self.process.kill()
            self.process.wait(60)


@dataclass
class Guest:
    """Somebody on the server, with what they have read."""

    server: Ngircd
    nick: str
    lines: list[str] = field(default_factory=list)

    def enter(self, *rooms: str) -> "Guest":
        """Sign on and enter channels."""
        self._socket = socket.create_connection(("127.0.0.1", self.server.port), timeout=60)
        self._file = self._socket.makefile("r", encoding="utf-8", newline="\r\n")
        self._send(f"PASS {PASSWORD}", f"NICK {self.nick}", f"USER {self.nick} 0 * :{self.nick}")
        for room in rooms:
            self._send(f"JOIN {room}")
        self.read()
        return self

    def say(self, room: str, text: str) -> None:
        """Say a line, and wait until the server has it."""
        self._send(f"PRIVMSG {room} :{text}")
        self.read()

    def read(self) -> list[str]:
        """Return all that was said so far in channels that they are in."""
        self._send("PING :here")
        while not (line := self._file.readline()).rstrip().endswith("here"):
            if line.startswith("PING"):
                self._send(line.replace("PING", "PONG").strip())
            if not line:
                raise AssertionError("the server is gone")
            self.lines.append(line.strip())
        return [line.partition(" PRIVMSG ")[2].partition(" :")[2] for line in self.lines if " PRIVMSG " in line]

    def topic(self, room: str) -> str:
        """Return what stands above a channel."""
        self._send(f"TOPIC {room}")
        self.read()
        return next(line.split(" :", 1)[1] for line in reversed(self.lines) if f" 332 {self.nick} {room} " in line)

    def leave(self) -> None:
        """Go."""
        self._file.close()
        self._socket.close()

    def _send(self, *lines: str) -> None:
        self._socket.sendall("".join(f"{line}\r\n" for line in lines).encode())


@contextmanager
def irc_server() -> Iterator[Ngircd]:
    """Run a server in a folder of its own."""
    folder = Path(tempfile.mkdtemp(prefix="raglan-ngircd-"))
    server = Ngircd(folder, free_port())
    (folder / "ngircd.conf").write_text(CONFIG.format(port=server.port, password=PASSWORD))
    try:
        server.start()
        yield server
    finally:
        server.kill()
        shutil.rmtree(folder, ignore_errors=True)
