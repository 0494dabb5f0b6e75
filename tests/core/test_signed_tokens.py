"""Tokens are signed as Django signs them, only quicker: what one writes the other reads."""

from datetime import timedelta

import pytest
from django.conf import settings
from django.core import signing
from django.test import override_settings

from raglan.core import secrets

HOUR = timedelta(hours=1)


@pytest.mark.parametrize("value", ["1:2", "", "Jörg", 'a "quoted" \\ line\n', "\N{GRINNING FACE}"], ids=ascii)
def test_a_token_is_what_django_writes(value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("time.time", lambda: 1_800_000_000.7)

    token = secrets.sign("page", value)

    assert token == signing.TimestampSigner(salt="raglan.page").sign_object(value)
    assert secrets.unsign("page", token, max_age=HOUR) == value


def test_it_is_good_for_its_purpose_and_key_only() -> None:
    token = secrets.sign("page", "1:2")
    assert secrets.unsign("other", token, max_age=HOUR) is None

    keys = {"SECRET_KEY": "another key of this installation", "SECRET_KEY_FALLBACKS": []}
    with override_settings(**keys):
        assert secrets.unsign("page", token, max_age=HOUR) is None
    with override_settings(**{**keys, "SECRET_KEY_FALLBACKS": [settings.SECRET_KEY]}):
        assert secrets.unsign("page", token, max_age=HOUR) == "1:2"
        assert secrets.sign("page", "1:2") != token
