import json
import logging
from collections.abc import Iterator

import pytest
from aiosmtpd import smtp

from raglan.core import logs


@pytest.mark.parametrize(
    ("text", "secret"),
    [
        ("GET /integrations/abcdef0123456789/alertmanager", "abcdef0123456789"),
        ("GET /p/eyJ0b2tlbiI6MX0:abc:def/ 200", "eyJ0b2tlbiI6MX0:abc:def"),
        ("/setup/first/one-time-token/ was opened", "one-time-token"),
        ("/invitation/one-time-token/", "one-time-token"),
        ("/on-call/calendars/Zq3xVfeedsecret.ics", "Zq3xVfeedsecret"),
        ("HEAD /ping/abcdef0123456789/backup/start", "abcdef0123456789"),
        ("POST /a/have/1f-0123456789abcdef01234567/", "1f-0123456789abcdef01234567"),
        ("/twilio/key/1f-0123456789abcdef01234567/ 403", "1f-0123456789abcdef01234567"),
        ("/v1/json/integrations/webhooks/netdata?apiKey=abcdef0123456789&x=1", "abcdef0123456789"),
        ("/live/?topics=now&link=eyJ0b2tlbiI6MX0:abc", "eyJ0b2tlbiI6MX0"),
        ("mail for alerts+abcdef0123456789abcdef0123456789@example.test", "abcdef0123456789"),
        ("rcpt TO:<headsup+abcdef0123456789abcdef0123456789.web.db@example.test>", "abcdef0123456789"),
        ("rcpt TO:<bounces+mail.person.1f.2a-abcdefghijklmnopqrst@example.test>", "abcdefghijklmnopqrst"),
        ("Authorization: Bearer rgl_abcd1234_verysecretpart", "verysecretpart"),
        ("smtp://user:hunter2@mail.example.test:25", "hunter2"),
        ("postgresql://raglan:hunter2@db/raglan failed", "hunter2"),
    ],
)
def test_secrets_are_taken_out(text: str, secret: str) -> None:
    assert secret not in logs.redact(text)
    assert "…" in logs.redact(text)


def test_what_helps_to_find_a_token_stays() -> None:
    assert logs.redact("rgl_abcd1234_verysecretpart") == "rgl_abcd1234_…"
    assert logs.redact("smtp://user:hunter2@mail.example.test:25") == "smtp://…@mail.example.test:25"


def test_ordinary_text_stays_as_it_is() -> None:
    text = "page 12 of https://raglan.example.test/incidents/3/ at mara@example.test"

    assert logs.redact(text) == text


def test_a_line_is_json_with_its_fields() -> None:
    record = logging.makeLogRecord({"name": "raglan.x", "levelname": "INFO", "msg": "a timer failed", "kind": "x"})

    line = json.loads(logs.JsonFormatter().format(record))

    assert (line["level"], line["logger"], line["message"], line["kind"]) == ("info", "raglan.x", "a timer failed", "x")


def test_secrets_in_fields_and_exceptions_are_taken_out_too() -> None:
    try:
        raise RuntimeError("could not reach smtp://user:hunter2@mail.example.test")
    except RuntimeError as error:
        details = (type(error), error, error.__traceback__)
    record = logging.makeLogRecord({"msg": "failed", "path": "/p/secret-link/", "exc_info": details})

    text = logs.JsonFormatter().format(record)

    assert "hunter2" not in text
    assert "secret-link" not in text
    assert "\n" not in text


@pytest.fixture
def root() -> Iterator[logging.Logger]:
    """The root of all loggers, put back as it was."""
    logger = logging.getLogger()
    handlers, level = list(logger.handlers), logger.level
    yield logger
    logger.handlers[:] = handlers
    logger.setLevel(level)


@pytest.mark.usefixtures("root")
@pytest.mark.parametrize(
    ("level", "told"),
    [("info", [("warning", "odd")]), ("debug", [("debug", "heard"), ("debug", "said"), ("warning", "odd")])],
)
def test_each_line_of_a_mail_that_comes_in_is_told_at_debug(
    level: str, told: list[tuple[str, str]], capsys: pytest.CaptureFixture[str]
) -> None:
    logs.configure(level)
    smtp.log.info("heard")
    smtp.log.debug("said")
    smtp.log.warning("odd")

    lines = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    assert [(line["level"], line["message"]) for line in lines] == told


@pytest.mark.usefixtures("root")
def test_an_odd_request_is_a_warning_of_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure("info")
    try:
        raise RuntimeError("a strange host")
    except RuntimeError:
        logging.getLogger("django.security.DisallowedHost").error("refused", exc_info=True)
        logging.getLogger("raglan.x").error("broken", exc_info=True)

    odd, own = (json.loads(line) for line in capsys.readouterr().err.splitlines())
    assert (odd["level"], odd["message"], "exception" in odd) == ("warning", "refused", False)
    assert (own["level"], "exception" in own) == ("error", True)
