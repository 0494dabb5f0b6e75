"""The demonstration's one click works on this machine only, also when a proxy stands on it."""

import re
from http.client import HTTPConnection
from urllib.parse import urlsplit

import pytest

from tests.support.server import serving, set_up_web_team

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(400)]


def test_whoever_comes_through_a_proxy_is_not_signed_in_by_a_click() -> None:
    with serving() as running:
        set_up_web_team(running)
        parts = urlsplit(running.url)
        for headers, wanted in (({}, True), ({"X-Forwarded-For": "203.0.113.9"}, False), ({"Via": "1.1 p"}, False)):
            connection = HTTPConnection(parts.hostname or "", parts.port, timeout=60)
            connection.request("GET", "/account/login/", headers=headers)
            html = connection.getresponse().read().decode()
            connection.close()
            assert bool(re.search("Demonstration", html)) is wanted
