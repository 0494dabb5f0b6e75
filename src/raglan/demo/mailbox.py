"""A small mailbox for the demo: takes mail over SMTP and keeps the last ones as files. It sends nothing on."""

import contextlib
import re
import socketserver
import threading
from pathlib import Path
from types import TracebackType
from typing import Self

KEEP = 200
MAX_MAIL = 1_000_000
MAX_LINE = 1_000
MAX_RECIPIENTS = 100
IDLE_S = 60
_PATH = re.compile(r"(?:FROM|TO):\s*<([^<>\s]*)>", re.IGNORECASE)
Answer = tuple[int, str]
_PLAIN: dict[str, Answer] = {
    "RSET": (250, "Ok"),
    "NOOP": (250, "Ok"),
    "VRFY": (252, "Cannot say, will take it"),
    "QUIT": (221, "Bye"),
}


class Mailbox:
    """An SMTP server on loopback. Use as a context manager, or call `start` and `stop`."""

    def __init__(self, folder: Path, *, host: str = "127.0.0.1", port: int = 0, keep: int = KEEP) -> None:
        self.folder = folder
        self._keep = keep
        self._lock = threading.Lock()
        self._host, self._port = host, port
        self._server: _Server | None = None
        self._thread: threading.Thread | None = None

    @property
    def port(self) -> int:
        """Return the port on which it listens; known once started."""
        return int(self._server.server_address[1]) if self._server else self._port

    @property
    def url(self) -> str:
        """Return the address for `smtp_url`."""
        return f"smtp://{self._host}:{self.port}"

    def start(self) -> Self:
        """Listen. Mail that an earlier start kept stays, up to the limit."""
        self.folder.mkdir(parents=True, exist_ok=True)
        self._server = _Server(self, self._host, self._port)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.1,), name="mailbox", daemon=True)
        self._thread.start()
        return self

    def stop(self) -> None:
        """Stop listening; the mails stay."""
        if self._server is not None and self._thread is not None:
            self._server.shutdown()
            self._server.server_close()
            self._thread.join()
            self._server = None

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def mails(self) -> list[Path]:
        """Return the kept mails, oldest first."""
        return sorted(self.folder.glob("*.eml"))

    def store(self, mail: bytes, *, sender: str, recipients: list[str]) -> Path:
        """Keep a mail, with the envelope on top, and let the oldest beyond the limit go."""
        with self._lock:
            kept = self.mails()
            number = int(kept[-1].name.partition("-")[0]) + 1 if kept else 1
            first = re.sub(r"[^A-Za-z0-9.@-]+", "_", recipients[0])[:80]
            path = self.folder / f"{number:06d}-{first}.eml"
            envelope = f"Return-Path: <{sender}>\r\nX-Envelope-To: {', '.join(recipients)}\r\n"
            unfinished = path.with_suffix(".part")
            unfinished.write_bytes(envelope.encode() + mail)
            unfinished.replace(path)
            for old in [*kept, path][: -self._keep]:
                old.unlink(missing_ok=True)
            return path


class _Server(socketserver.ThreadingTCPServer):
    """One thread for each connection."""

    allow_reuse_address = True
    daemon_threads = True
    block_on_close = False

    def __init__(self, mailbox: Mailbox, host: str, port: int) -> None:
        self.mailbox = mailbox
        super().__init__((host, port), _Session)

    def handle_error(self, request: object, client_address: object) -> None:
        """Stay silent: a client that goes away in the middle is no news."""


class _Session(socketserver.StreamRequestHandler):
    """One conversation."""

    timeout = IDLE_S
    disable_nagle_algorithm = True  # answers are small; waiting to fill a packet costs 40 ms each
    server: _Server
    sender: str | None
    recipients: list[str]

    def handle(self) -> None:
        """Greet, then answer line by line until the client quits or goes away."""
        self._reset()
        self._say((220, "raglan demo mailbox"))
        with contextlib.suppress(TimeoutError, ConnectionError):
            while (line := self.rfile.readline(MAX_LINE + 1)) and self._turn(line):
                pass

    def _turn(self, line: bytes) -> bool:
        if len(line) > MAX_LINE:
            self._say((500, "Line too long"))
            return False
        verb, _, rest = line.decode("utf-8", "replace").strip().partition(" ")
        verb = verb.upper()
        if verb == "DATA":
            return self._data()
        if verb in ("EHLO", "HELO"):
            self._greet(extended=verb == "EHLO")
        else:
            self._say(self._answer(verb, rest))
        return verb != "QUIT"

    def _greet(self, *, extended: bool) -> None:
        self._reset()
        more = ("8BITMIME", "SMTPUTF8", f"SIZE {MAX_MAIL}") if extended else ()
        lines = ["raglan", *more]
        for line in lines[:-1]:
            self.wfile.write(f"250-{line}\r\n".encode())
        self._say((250, lines[-1]))

    def _answer(self, verb: str, rest: str) -> Answer:
        match verb:
            case "MAIL":
                return self._mail(rest)
            case "RCPT":
                return self._rcpt(rest)
            case "RSET":
                self._reset()
        return _PLAIN.get(verb, (502, "Not known here"))

    def _mail(self, rest: str) -> Answer:
        found = _PATH.match(rest)
        if found is None:
            return 501, "Say MAIL FROM:<address>"
        if self.sender is not None:
            return 503, "One mail at a time"
        self.sender = found[1]
        return 250, "Ok"

    def _rcpt(self, rest: str) -> Answer:
        found = _PATH.match(rest)
        if self.sender is None:
            return 503, "MAIL comes first"
        if found is None or not found[1]:
            return 501, "Say RCPT TO:<address>"
        if len(self.recipients) >= MAX_RECIPIENTS:
            return 452, "Too many recipients"
        self.recipients.append(found[1])
        return 250, "Ok"

    def _data(self) -> bool:
        if self.sender is None or not self.recipients:
            self._say((503, "MAIL and RCPT come first"))
            return True
        self._say((354, "Go on; end with a single dot"))
        mail = self._read_mail()
        if mail is None:
            return False
        if len(mail) > MAX_MAIL:
            answer = (552, "Too large")
        else:
            kept = self.server.mailbox.store(mail, sender=self.sender, recipients=self.recipients)
            answer = (250, f"Ok, kept as {kept.stem}")
        self._reset()
        self._say(answer)
        return True

    def _read_mail(self) -> bytes | None:
        """Read up to the single dot; None when the client goes away first. What is beyond the limit is dropped."""
        lines: list[bytes] = []
        size = 0
        while line := self.rfile.readline(MAX_MAIL):
            if line in (b".\r\n", b".\n"):
                return b"".join(lines) if size <= MAX_MAIL else b" " * (MAX_MAIL + 1)
            line = line[1:] if line.startswith(b".") else line
            size += len(line)
            if size <= MAX_MAIL:
                lines.append(line)
        return None

    def _reset(self) -> None:
        self.sender, self.recipients = None, []

    def _say(self, answer: Answer) -> None:
        code, words = answer
        self.wfile.write(f"{code} {words}\r\n".encode())
