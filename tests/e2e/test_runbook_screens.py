"""The library, processes beside it and following in a room, in every look; a skip note leaves no trace in the log."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser

from tests.support.browser import Pages, look_at, open_pages, sign_in
from tests.support.server import Running, person_token, serving, set_up_web_team

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(400)]
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


@pytest.fixture(scope="module")
def written(raglan: Running, going: str) -> None:
    """Write what the screens of processes show, and what was changed by hand."""
    token, process = person_token(raglan, "mara"), "/processes/change-a-cookbook"
    step = {"title": "Reserve the test environment", "minutes": 40}
    said = {"words": "I wait two hours", "described_as": "somebody who does it weekly"}
    for path, body in (
        ("/processes", {"title": "Change a cookbook", "outcome": "Surprises show first", "steps": [step]}),
        (f"{process}/experiments", {"variant": "Without the reservation", "weeks": 4}),
        (f"{process}/interviews", {"question": "Where do people wait?"}),
        (f"{process}/interviews/1/themes", {"title": "Waits"}),
        (f"{process}/interviews/1/themes/1/quotes", said),
        ("/kitchen", {"place": "staging", "what": "httpd"}),
        ("/automation", {"title": "Chef", "acts_on": "all web hosts", "answers": {"stop": "Hold the fleet"}}),
        ("/automation/chef/practised/stop", {"words": "In the drill"}),
        (
            f"{going.split('runbooks/', maxsplit=1)[0]}hand-changes",
            {"place": "web17", "thing": "httpd", "words": "back"},
        ),
    ):
        raglan.api("POST", path, body, token=token)


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
        "/processes/change-a-cookbook/?noted",
        "/processes/change-a-cookbook/skip/",
        "/processes/change-a-cookbook/interviews/1/",
        "/processes/change-a-cookbook/interviews/kit/",
        "/processes/kitchen/",
        "/changes/automation/chef/",
        "{room}../hand-changes/",
    ],
)
@pytest.mark.usefixtures("written")
def test_a_screen_is_for_everyone(pages: Pages, going: str, address: str) -> None:
    room = going.split("runbooks/", maxsplit=1)[0] + "runbooks/"
    assert look_at(pages, address.format(going=going, room=room)) == {}


def test_a_skip_note_is_in_no_line_of_the_log(raglan: Running, written: None) -> None:
    token, before = person_token(raglan, "mara"), raglan.log.read_bytes()
    note = {"step": 1, "why": "blocked", "minutes": 40, "words": "the queue was two hours long"}
    raglan.api("POST", "/processes/change-a-cookbook/skip-notes", note, token=token)

    said = raglan.log.read_bytes()[len(before) :].decode().lower()
    assert [trace for trace in ("skip", "cookbook", "two hours", "mara", "127.0.0.1") if trace in said] == []
