"""One phone call by a baresip of its own, which is told what to do over a loopback socket.

A call is a process: it holds no state that the next one could trip over, and it ends by itself after `LONGEST_S` even
when raglan is gone.
"""

import atexit
import json
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

from raglan.core.errors import DeliveryError

MODULES = ("/usr/lib/baresip/modules", "/usr/lib/x86_64-linux-gnu/baresip/modules", "/usr/local/lib/baresip/modules")
LONGEST_S = 100
START_S = 5.0
CONFIG = """module_path {modules}
ctrl_tcp_listen 127.0.0.1:{port}
audio_player aufile,{folder}/heard.wav
audio_source aufile,{words}
call_max_calls 1
call_local_timeout 40
rtp_ports {rtp}
module g711.so
module aufile.so
module_app account.so
module_app menu.so
module_app ctrl_tcp.so
"""


_running: "set[subprocess.Popen[bytes]]" = set()


def _hang_up_all() -> None:
    """End every call when raglan ends: a voice that takes no answer helps nobody."""
    for process in list(_running):
        process.terminate()


atexit.register(_hang_up_all)


@dataclass(frozen=True, slots=True)
class Account:
    """Who we are to the telephone system."""

    address: str  # sip:raglan@pbx.example.org
    password: str = ""
    outbound: str = ""
    rtp: str = "42000-42999"

    @property
    def line(self) -> str:
        """The account as baresip reads it."""
        user = self.address.partition(":")[2].partition("@")[0]
        parts = [f"<{self.address}>", "regint=0"]
        if self.password:
            parts += [f"auth_user={user}", f"auth_pass={self.password}"]
        if self.outbound:
            parts.append(f'outbound="{self.outbound}"')
        return ";".join(parts)


@dataclass(frozen=True, slots=True)
class Event:
    """What happened on the line."""

    kind: str
    param: str


@dataclass
class Line:
    """A running baresip with its control socket. Use it as a context; leaving it hangs up and ends the process."""

    account: Account
    words: Path
    _folder: TemporaryDirectory[str] = field(default_factory=lambda: TemporaryDirectory(prefix="raglan-call-"))
    _process: "subprocess.Popen[bytes] | None" = None
    _control: socket.socket | None = None
    _place: socket.socket | None = None
    _read: bytearray = field(default_factory=bytearray)

    def __enter__(self) -> "Line":
        """Start the program and connect to it. Raises DeliveryError."""
        folder, self._place = Path(self._folder.name), _keep_port()
        port = int(self._place.getsockname()[1])
        modules = next((path for path in MODULES if Path(path).is_dir()), MODULES[0])
        values = {"modules": modules, "port": port, "folder": folder, "words": self.words, "rtp": self.account.rtp}
        (folder / "config").write_text(CONFIG.format(**values))
        (folder / "accounts").write_text(self.account.line + "\n")
        (folder / "contacts").write_text("")
        try:
            self._process = subprocess.Popen(
                ["timeout", "--kill-after=2", str(LONGEST_S), "baresip", "-f", str(folder)],
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
            _running.add(self._process)
            self._control = _connect(port)
        except OSError as error:
            self.__exit__()
            raise DeliveryError(f"baresip could not be started: {error}", permanent=False) from None
        return self

    def __exit__(self, *_: object) -> None:
        """Hang up, end the program, remove what it was told."""
        if self._control is not None:
            with suppress(OSError):
                self.tell("hangup")
            self._control.close()
        if self._process is not None:
            self._process.terminate()
            _running.discard(self._process)
            try:
                self._process.wait(3)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait(3)
            if self._process.stdin:
                self._process.stdin.close()
        if self._place is not None:
            self._place.close()
        self._folder.cleanup()

    def tell(self, command: str, params: str = "") -> None:
        """Give a command."""
        data = json.dumps({"command": command, "params": params, "token": command}).encode()
        if self._control is not None:
            self._control.sendall(b"%d:%s," % (len(data), data))

    def events(self, until: float) -> Iterator[Event]:
        """Give what happens until a time (monotonic seconds) or the end of the program."""
        while self._control is not None and (left := until - time.monotonic()) > 0:
            while (told := self._take()) is not None:
                if told.get("event"):
                    yield Event(str(told.get("type", "")), str(told.get("param", "")))
                elif told.get("ok") is False:
                    yield Event("REFUSED", str(told.get("data", "")))
            self._control.settimeout(min(left, 1.0))
            try:
                piece = self._control.recv(65536)
            except TimeoutError:
                continue
            except OSError:
                return
            if not piece:
                return
            self._read += piece

    def _take(self) -> dict[str, object] | None:
        """Return the next message: a netstring of JSON."""
        size, mark, _ = self._read.partition(b":")
        if not mark or not size.isdigit() or len(self._read) < len(size) + 2 + int(size):
            return None
        start, end = len(size) + 1, len(size) + 1 + int(size)
        body = bytes(self._read[start:end])
        del self._read[: end + 1]
        told: dict[str, object] = json.loads(body)
        return told


def _keep_port() -> socket.socket:
    """Take a port of loopback that nobody else is given until the socket is closed.

    It never listens, so that the program can: both allow the address to be used again.
    """
    place = socket.socket()
    place.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    place.bind(("127.0.0.1", 0))
    return place


def _connect(port: int) -> socket.socket:
    """Connect to a program that is starting. Raises OSError."""
    end = time.monotonic() + START_S
    while True:
        try:
            return socket.create_connection(("127.0.0.1", port), timeout=1)
        except ConnectionRefusedError:
            if time.monotonic() > end:
                raise
            time.sleep(0.05)
