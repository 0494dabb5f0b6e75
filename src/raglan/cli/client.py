"""A small REST client on the standard library alone: one request, one answer, one clear line when it fails."""

import importlib
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from pathlib import Path
from urllib.parse import urlencode, urlsplit

import click

TIMEOUT_S = 10
DEFAULT_URL = "http://127.0.0.1:8000"
NO_ORDERS = dict.fromkeys([*range(9), *range(11, 32), *range(127, 160)], "\ufffd")
Json = dict[str, "Json"] | list["Json"] | str | int | float | bool | None


@dataclass(frozen=True, slots=True)
class Connection:
    """Where raglan is, and the token that opens it."""

    url: str
    token: str


def connection() -> Connection:
    """Return the connection from RAGLAN_URL and RAGLAN_TOKEN, else from the settings file of this user."""
    kept = _settings_file()
    url = os.environ.get("RAGLAN_URL") or kept.get("url") or DEFAULT_URL
    token = os.environ.get("RAGLAN_TOKEN") or kept.get("token") or ""
    if not token:
        raise click.ClickException(
            "There is no token. Make one on the screen You, then set RAGLAN_TOKEN or write it to "
            f'{_settings_path()} as: token = "…"'
        )
    return Connection(url.rstrip("/"), token)


def _settings_path() -> Path:
    home = os.environ.get("XDG_CONFIG_HOME")
    return (Path(home) if home else Path.home() / ".config") / "raglan" / "cli.toml"


def _settings_file() -> dict[str, str]:
    path = _settings_path()
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return {}
    toml = importlib.import_module("tomllib")  # only where there is a file: it costs a tenth of the start
    try:
        return {str(name): str(value) for name, value in toml.loads(text).items()}
    except ValueError as error:
        raise click.ClickException(f"{path} is not TOML: {error}") from None


def get(path: str, **query: str) -> Json:
    """Ask raglan for something."""
    return _request("GET", path + (f"?{urlencode(query)}" if query else ""), None)


def post(path: str, body: Mapping[str, Json]) -> dict[str, Json]:
    """Tell raglan something; the answer is an object."""
    answer = _request("POST", path, {name: value for name, value in body.items() if value is not None})
    if not isinstance(answer, dict):
        raise click.ClickException("raglan answered with something else than an object.")
    return answer


def put(path: str, body: Mapping[str, Json]) -> Json:
    """Let something be as told."""
    return _request("PUT", path, body)


def _request(method: str, path: str, body: Mapping[str, Json] | None) -> Json:
    to = connection()
    parts = urlsplit(to.url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise click.ClickException(f"RAGLAN_URL is {to.url}; write it as https://raglan.example.org")
    secure = parts.scheme == "https"
    door = (HTTPSConnection if secure else HTTPConnection)(parts.hostname, parts.port, timeout=TIMEOUT_S)
    headers = {"Authorization": f"Bearer {to.token}", "Accept": "application/json", "Content-Type": "application/json"}
    try:
        content = None if body is None else json.dumps(body).encode()
        door.request(method, f"{parts.path}/api/v1{path}", body=content, headers=headers)
        answer = door.getresponse()
        status, text = answer.status, answer.read()
    except (OSError, HTTPException) as error:
        raise click.ClickException(f"raglan at {to.url} does not answer: {error or type(error).__name__}") from None
    finally:
        door.close()
    return _understand(status, text, to.url)


def _harmless(value: Json) -> Json:
    """Return an answer without signs by which a terminal takes orders: hosts and alerts may name anything."""
    if isinstance(value, str):
        return value.translate(NO_ORDERS)
    if isinstance(value, list):
        return [_harmless(item) for item in value]
    return {name: _harmless(item) for name, item in value.items()} if isinstance(value, dict) else value


def _understand(status: int, text: bytes, url: str) -> Json:
    try:
        value: Json = _harmless(json.loads(text)) if text else None
    except ValueError:
        raise click.ClickException(f"{url} answered {status}, and not as raglan does. Is RAGLAN_URL right?") from None
    if status >= 400:
        message = value.get("message") if isinstance(value, dict) else None
        raise click.ClickException(f"{message or 'raglan refused'} ({status})")
    return value
