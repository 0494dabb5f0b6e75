"""The port between the mail listener and the parts that read mail."""

from collections.abc import Iterator

import pytest

from raglan.core import mail_in
from raglan.core.mail_in import Mail


@pytest.fixture
def handlers() -> Iterator[list[mail_in.Handler]]:
    """The registered handlers, put back afterwards."""
    kept = list(mail_in._handlers)
    mail_in._handlers.clear()
    yield mail_in._handlers
    mail_in._handlers[:] = kept


def letter(recipient: str) -> Mail:
    return Mail(recipient, "mara@example.test", "Re: a page", "ok")


def test_the_first_handler_that_takes_a_mail_has_it(handlers: list[mail_in.Handler]) -> None:
    asked: list[str] = []
    mail_in.register_mail_handler(lambda mail: asked.append("first"))
    mail_in.register_mail_handler(lambda mail: f"taken {mail.tag('reply')}")
    mail_in.register_mail_handler(lambda mail: asked.append("third"))

    assert mail_in.take(letter("reply+abc@raglan.example.test")) == "taken abc"
    assert asked == ["first"]


def test_mail_that_nobody_takes_is_told_from_mail_that_was_taken(handlers: list[mail_in.Handler]) -> None:
    assert mail_in.take(letter("reply+abc@raglan.example.test")) is None


@pytest.mark.parametrize(
    ("recipient", "token"),
    [
        ("reply+abc@raglan.example.test", "abc"),
        ("Reply+aBc@raglan.example.test", "aBc"),
        ("reply+a+b@raglan.example.test", "a+b"),
        ("reply+@raglan.example.test", None),
        ("reply@raglan.example.test", None),
        ("alerts+abc@raglan.example.test", None),
        ("", None),
    ],
)
def test_the_token_is_the_part_behind_the_plus(recipient: str, token: str | None) -> None:
    assert letter(recipient).tag("reply") == token
