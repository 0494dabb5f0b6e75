"""`raglan doctor` says so when the sign of life goes the way of our own pages."""

import pytest

from raglan.cli import checkup
from raglan.config import config
from raglan.testing import world

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _options(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(config(), "smtp_url", "smtp://mail.example.net:25")
    monkeypatch.setattr(config(), "public_url", "https://raglan.example.org")


@pytest.mark.parametrize(
    ("url", "shared"),
    [
        ("https://mail.example.net/ping", "mail"),
        ("https://ping.example.net/raglan", "mail"),
        ("https://raglan.example.org/ping", "raglan itself"),
        ("https://hooks.example.com/ping", "webhook"),
    ],
)
def test_a_way_that_our_pages_go_too_is_wrong(monkeypatch: pytest.MonkeyPatch, url: str, shared: str) -> None:
    world.way(world.person(), "webhook", "https://hooks.example.com/mara")
    monkeypatch.setattr(config(), "sign_of_life_url", url)

    with pytest.raises(checkup.Wrong, match=shared):
        checkup.LOOKS["sign of life"]()


def test_a_way_of_its_own_is_fine_and_none_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(config(), "sign_of_life_url", "https://watch.example.com/ping")
    assert "none of our own pages" in checkup.LOOKS["sign of life"]()

    monkeypatch.setattr(config(), "sign_of_life_url", "")
    assert "not set up" in checkup.LOOKS["sign of life"]()
