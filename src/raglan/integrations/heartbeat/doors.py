"""Reads beats: `…/ping/NAME`, by GET, POST, PUT or HEAD, with what it says behind it or in the query.

`/start`, `/fail`, `/log` and an exit status are healthchecks' words; `/run`, `/complete` are Cronitor's; `?status=up`,
`down`, `in_progress`, `ok`, `error` are those of Uptime Kuma and of Sentry's crons.
"""

from collections.abc import Sequence
from urllib.parse import unquote

from raglan.alerts import heartbeats
from raglan.alerts.heartbeats import Sort
from raglan.alerts.ports import Answer, Decoded, IntakeRequest, Outcome, SourceKey
from raglan.core.decode import clean_text
from raglan.core.errors import BadInput
from raglan.integrations import shape

METHODS = ("GET", "POST", "PUT", "HEAD")
WORDS = {
    **dict.fromkeys(("", "ping", "beat", "ok", "up", "complete", "success"), Sort.BEAT),
    **dict.fromkeys(("start", "run", "in_progress"), Sort.START),
    **dict.fromkeys(("fail", "failed", "error", "down"), Sort.FAIL),
    "log": Sort.LOG,
}
KEPT = 100_000


class Ping:
    """One beat a request."""

    kinds: Sequence[str] = ("heartbeat",)

    def takes(self, method: str, path: str) -> bool:
        """`/ping/NAME` behind the token, or `/ping/TOKEN/NAME`."""
        return method in METHODS and path.startswith("/ping/")

    def token(self, request: IntakeRequest) -> str:
        """The token in the short form of the address."""
        return request.path.split("/")[2]

    def reply(self, source: SourceKey, request: IntakeRequest) -> Answer:
        """Take the beat. Raises BadInput, NotFound."""
        slug, word = _taken_apart(request)
        query = shape.query(request.query)
        word = word or clean_text(next((query[name][-1] for name in ("status", "state") if name in query), ""))
        words = clean_text(request.body[:KEPT].decode("utf-8", "replace")) or clean_text(query.get("msg", [""])[-1])
        heartbeats.take(source, slug, _sort(word.lower()), words=words, create_it=query.get("create") == ["1"])
        return Answer(200, b"OK")

    def decode(self, source: SourceKey, request: IntakeRequest) -> Decoded:
        """Nothing is left to decode."""
        return Decoded([])

    def answer(self, decoded: Decoded, outcome: Outcome) -> Answer:
        """200."""
        return Answer(200, b"OK")

    def refuse(self, error: BadInput) -> Answer:
        """In plain words, for a log of cron."""
        return Answer(error.status, error.sentence.encode())


def _taken_apart(request: IntakeRequest) -> tuple[str, str]:
    parts = [clean_text(unquote(part)) for part in request.path.rstrip("/").split("/")[2:]]
    parts = parts if request.token else parts[1:]
    if not 1 <= len(parts) <= 2 or not parts[0]:
        raise BadInput("", "write the address as /ping/NAME, with /start, /fail, /log or an exit status behind it")
    return parts[0], parts[1] if len(parts) > 1 else ""


def _sort(word: str) -> Sort:
    if word in WORDS:
        return WORDS[word]
    if word.isascii() and word.isdecimal() and len(word) <= 3 and int(word) <= 255:
        return Sort.BEAT if int(word) == 0 else Sort.FAIL
    raise BadInput("", f"raglan does not know the word {word[:40]}")
