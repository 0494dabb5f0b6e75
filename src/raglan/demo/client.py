"""HTTP to a running raglan: JSON in and out, a token, plain retries. Standard library only; proxies are not asked."""

import json
import time
from collections.abc import Callable, Mapping, Sequence
from http.client import HTTPConnection, HTTPException, HTTPResponse, HTTPSConnection
from urllib.parse import urlsplit

Json = None | bool | int | float | str | Sequence["Json"] | Mapping[str, "Json"]
TIMEOUT_S = 15
TRIES = 30
WAIT_S = 1.0


class Refused(Exception):
    """The server answered, and its answer was no."""

    def __init__(self, status: int, sentence: str, field: str = "") -> None:
        super().__init__(f"{status}: {sentence}")
        self.status, self.sentence, self.field = status, sentence, field


class Unreachable(Exception):
    """No answer, however often it was tried."""


class Client:
    """One caller with one token."""

    def __init__(self, url: str, token: str, *, sleep: Callable[[float], None] = time.sleep) -> None:
        parts = urlsplit(url if "//" in url else f"//{url}", scheme="http")
        if parts.hostname is None or parts.scheme not in ("http", "https"):
            raise ValueError(f"{url} is not an address of a server")
        self._make = HTTPSConnection if parts.scheme == "https" else HTTPConnection
        self._host, self._port, self._prefix = parts.hostname, parts.port, parts.path.rstrip("/")
        self._token = token
        self._sleep = sleep

    def get(self, path: str) -> Json:
        """Read below /api/v1."""
        return self.call("GET", f"/api/v1{path}")

    def post(self, path: str, body: Mapping[str, Json] | None = None) -> Mapping[str, Json]:
        """Write below /api/v1."""
        return _object(self.call("POST", f"/api/v1{path}", body or {}))

    def put(self, path: str, body: Json) -> Json:
        """Replace below /api/v1."""
        return self.call("PUT", f"/api/v1{path}", body)

    def delete(self, path: str) -> None:
        """Remove below /api/v1."""
        self.call("DELETE", f"/api/v1{path}")

    def rows(self, path: str) -> list[Mapping[str, Json]]:
        """Read a list of objects below /api/v1."""
        found = self.get(path)
        return [_object(row) for row in found] if isinstance(found, Sequence) and not isinstance(found, str) else []

    def call(self, method: str, path: str, body: Json = None) -> Json:
        """Send a request; a server that is away or full is asked again. Raises Refused, Unreachable.

        Sending twice is harmless: entries carry a key, and the other requests of the story may be repeated.
        """
        return _read(*self._answered(method, path, body))

    def text(self, method: str, path: str) -> str:
        """Send a request that is answered in plain words. Raises Refused, Unreachable."""
        status, answer = self._answered(method, path, None)
        if status >= 400:
            raise Refused(status, answer.decode("utf-8", "replace")[:200])
        return answer.decode()

    def _answered(self, method: str, path: str, body: Json) -> tuple[int, bytes]:
        trouble = ""
        for _ in range(TRIES):
            try:
                status, headers, answer = self._once(method, path, body)
            except (OSError, HTTPException) as error:
                trouble = str(error)
                self._sleep(WAIT_S)
                continue
            if status not in (429, 503):
                return status, answer
            trouble = f"{status}"
            self._sleep(_wait(headers.get("retry-after", "")))
        raise Unreachable(f"{method} {path}: {trouble}")

    def _once(self, method: str, path: str, body: Json) -> tuple[int, dict[str, str], bytes]:
        connection = self._make(self._host, self._port, timeout=TIMEOUT_S)
        headers = {"Authorization": f"Bearer {self._token}", "Accept": "application/json"}
        content = None
        if method in ("POST", "PUT"):
            content = json.dumps(body, separators=(",", ":")).encode()
            headers["Content-Type"] = "application/json"
        try:
            connection.request(method, self._prefix + path, body=content, headers=headers)
            answer: HTTPResponse = connection.getresponse()
            return answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read()
        finally:
            connection.close()


def _wait(said: str) -> float:
    return min(float(said), 10.0) if said.isdigit() else WAIT_S


def _read(status: int, answer: bytes) -> Json:
    try:
        body: Json = json.loads(answer) if answer.strip() else None
    except ValueError:
        body = None
    if status < 400:
        return body
    said = body if isinstance(body, Mapping) else {}
    text = said.get("message") or answer.decode("utf-8", "replace")[:200]
    raise Refused(status, str(text), str(said.get("field") or ""))


def _object(value: Json) -> Mapping[str, Json]:
    return value if isinstance(value, Mapping) else {}


def number(row: Mapping[str, Json], name: str = "id") -> int:
    """Return a number of an answer. Raises KeyError when the server left it out."""
    value = row[name]
    if not isinstance(value, int):
        raise KeyError(name)
    return value


def text(row: Mapping[str, Json], name: str) -> str:
    """Return a text of an answer, empty when it is absent."""
    value = row.get(name)
    return value if isinstance(value, str) else ""
