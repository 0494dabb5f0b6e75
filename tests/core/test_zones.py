"""The names of time zones are looked up once."""

import zoneinfo

import pytest

from raglan.core import zones


def test_the_files_of_the_zones_are_opened_once(monkeypatch: pytest.MonkeyPatch) -> None:
    zones.names.cache_clear()
    monkeypatch.setattr(zones, "available_timezones", lambda looks=[]: looks.append(1) or {str(len(looks))})
    try:
        assert (zones.names(), zones.names()) == ({"1"}, {"1"})
    finally:
        zones.names.cache_clear()


def test_all_zones_of_this_machine_are_known() -> None:
    assert zones.names() == zoneinfo.available_timezones()
    assert "Europe/Berlin" in zones.names()
