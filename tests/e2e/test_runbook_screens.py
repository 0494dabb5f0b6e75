"""The library and following in a room, in every look."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser

from tests.support.browser import Pages, look_at, open_pages, sign_in
from tests.support.server import Running, person_token, serving, set_up_web_team

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]
TEXT = "Only without Chef.\n\n1. Look at one host.\n\n   ```\n   systemctl status httpd\n   ```\n2. Start it.\n"


@pytest.fixture(scope="module")
def raglan() -> Iterator[Running]:
    with serving() as running:
        set_up_web_team(running)
        yield running


@pytest.fixture(scope="module")
def pages(raglan: Running, browser: Browser) -> Iterator[Pages]:
    yield from open_pages(browser, raglan.url, sign_in(browser, raglan.url, "Mara"))


@pytest.fixture(scope="module")
def going(raglan: Running) -> str:
    token = person_token(raglan, "mara")
    raglan.api("POST", "/runbooks", {"title": "Put Apache back", "text": TEXT, "services": ["httpd"]}, token=token)
    room = raglan.api("POST", "/incidents", {"title": "Apache is down", "services": ["httpd"]}, token=token)["id"]
    made = raglan.api("POST", f"/incidents/{room}/runbooks", {"runbook": "put-apache-back"}, token=token)
    return f"/incidents/{room}/runbooks/{made['id']}/"


@pytest.mark.parametrize(
    "address",
    [
        "/library/",
        "/library/runbooks/new/",
        "/library/runbooks/put-apache-back/",
        "/library/runbooks/put-apache-back/edit/",
        "/library/runbooks/put-apache-back/versions/",
        "{going}",
        "{room}",
    ],
)
def test_a_screen_is_for_everyone(pages: Pages, going: str, address: str) -> None:
    room = going.split("runbooks/", maxsplit=1)[0] + "runbooks/"
    assert look_at(pages, address.format(going=going, room=room)) == {}
