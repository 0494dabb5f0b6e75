"""Telephones on loopback: a second baresip that takes a call and presses keys, or does not."""

import json
import socket
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from raglan.integrations.sip.line import MODULES
from tests.support.ports import free_port

CONFIG = """module_path {modules}
sip_listen 127.0.0.1:{sip}
ctrl_tcp_listen 127.0.0.1:{control}
audio_player aufile,{folder}/heard.wav
audio_source aufile,{folder}/silence.wav
call_max_calls 4
rtp_ports 43000-43999
module g711.so
module aufile.so
module_app account.so
module_app menu.so
module_app ctrl_tcp.so
"""


@dataclass
class Telephone:
    """One that rings at `address`; `mode` is auto (takes calls) or manual.

    `keys` are pressed after it was taken, and again as long as nobody seems to have heard them. One that `hangs_up`
    ends each call that it took.
    """

    address: str
    keys: str
    control: int
    hangs_up: bool = False
    events: list[str] = field(default_factory=list)
    ready: threading.Event = field(default_factory=threading.Event)
    _press_at: float | None = None  # seconds of the monotonic clock

    def live(self, stop: threading.Event) -> None:
        """Listen to what happens, press keys, hang up."""
        link = connect(self.control)  # the only one: a second connection would take its place
        link.settimeout(0.2)
        self.ready.set()
        read = bytearray()
        while not stop.is_set():
            try:
                piece = link.recv(65536)
            except TimeoutError:
                self._press(link)
                continue
            if not piece:
                break
            read += piece
            for told in messages(read):
                self.events.append(str(told.get("type", "")))
                self._hear(link, self.events[-1])
        link.close()

    def _hear(self, link: socket.socket, kind: str) -> None:
        if kind == "CALL_ESTABLISHED" and self.hangs_up:
            command(link, "hangup")
        elif kind == "CALL_ESTABLISHED" and self.keys:
            self._press_at = time.monotonic() + 1.0  # a person listens first
        elif kind == "CALL_CLOSED":
            self._press_at = None

    def _press(self, link: socket.socket) -> None:
        if self._press_at is None or time.monotonic() < self._press_at:
            return
        for key in self.keys:
            command(link, "sndcode", key)
            time.sleep(0.4)
        self._press_at = time.monotonic() + 5.0


def connect(port: int) -> socket.socket:
    for _ in range(1200):  # a minute: a busy machine starts it late
        try:
            return socket.create_connection(("127.0.0.1", port), timeout=1)
        except OSError:
            time.sleep(0.05)
    raise AssertionError("the telephone did not start")


def command(link: socket.socket, name: str, params: str = "") -> None:
    data = json.dumps({"command": name, "params": params, "token": name}).encode()
    link.sendall(b"%d:%s," % (len(data), data))


def messages(read: bytearray) -> Iterator[dict[str, object]]:
    while True:
        size, mark, _ = read.partition(b":")
        if not mark or len(read) < len(size) + 2 + int(size):
            return
        body = bytes(read[len(size) + 1 : len(size) + 1 + int(size)])
        del read[: len(size) + 2 + int(size)]
        yield json.loads(body)


@contextmanager
def telephone(keys: str = "", *, mode: str = "auto", hangs_up: bool = False) -> Iterator[Telephone]:
    """Run one telephone."""
    sip, control, stop = free_port(), free_port(), threading.Event()
    with tempfile.TemporaryDirectory(prefix="raglan-phone-") as name:
        folder = Path(name)
        modules = next(path for path in MODULES if Path(path).is_dir())
        (folder / "config").write_text(CONFIG.format(modules=modules, sip=sip, control=control, folder=folder))
        (folder / "accounts").write_text(f"<sip:mara@127.0.0.1:{sip};transport=udp>;regint=0;answermode={mode}\n")
        (folder / "contacts").write_text("")
        silence = ["sox", "-n", "-r", "8000", "-c", "1", "-b", "16", str(folder / "silence.wav"), "trim", "0", "90"]
        subprocess.run(silence, check=True, capture_output=True, timeout=60)
        process = subprocess.Popen(
            ["timeout", "--kill-after=2", "300", "baresip", "-f", str(folder)],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        phone = Telephone(f"sip:mara@127.0.0.1:{sip}", keys, control, hangs_up)
        thread = threading.Thread(target=phone.live, args=(stop,), daemon=True)
        thread.start()
        assert phone.ready.wait(70)
        try:
            yield phone
        finally:
            stop.set()
            thread.join(10)
            process.terminate()
            process.wait(60)
            if process.stdin:
                process.stdin.close()
