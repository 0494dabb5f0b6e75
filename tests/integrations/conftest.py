from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from raglan.config import Config, config
from raglan.core import http, smtp
from raglan.integrations.apprise import channel as apprise
from raglan.integrations.email import channel as email
from raglan.integrations.email import reply
from raglan.integrations.ntfy import channel as ntfy
from raglan.integrations.sip import channel as sip
from raglan.integrations.twilio import call, sms, views, wire
from raglan.paging.ports import Message


@pytest.fixture
def options(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Change options of this process."""

    given: dict[str, object] = {}

    def change(**values: object) -> None:
        given.update(values)
        changed: Config = config().model_copy(update=given)
        for module in (http, smtp, apprise, email, reply, sip, ntfy, call, sms, views, wire):
            monkeypatch.setattr(module, "config", lambda: changed)

    return change


@pytest.fixture
def message() -> Callable[..., Message]:
    """What paging asks a channel to hand over."""

    def make(**values: object) -> Message:
        ordinary: dict[str, object] = {
            "key": "12:0.0:3:email:0",
            "page_id": 12,
            "person_name": "Mara Keller",
            "title": "Apache is not running on web-014",
            "text": "Since the roll-out of 14:02.",
            "severity": "critical",
            "since": datetime(2026, 11, 23, 14, 5, tzinfo=UTC),
            "why": "on call for Web duty: it is their turn",
            "link": "https://raglan.example.test/p/abc/",
            "next_words": "If nobody answers, Bo Silva is paged in 5 min.",
            "may_repeat": False,
            "is_test": False,
        }
        return Message(**{**ordinary, **values})  # type: ignore[arg-type]  # fields by name

    return make


@pytest.fixture
def payload() -> Callable[[str], bytes]:
    """Read a recorded body."""

    def read(name: str) -> bytes:
        return (Path(__file__).parent / "payloads" / f"{name}.json").read_bytes()

    return read
