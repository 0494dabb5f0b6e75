"""A real raglan and a real Matrix homeserver: an incident with both, through the end of either."""

import re
import signal
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from typing import cast
from urllib.parse import quote
from urllib.request import Request, urlopen

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from raglan.chat import ports
from raglan.core.errors import DeliveryError
from raglan.integrations.matrix import sync
from raglan.integrations.matrix.platform import Matrix
from raglan.integrations.matrix.wire import Answered, Wire
from tests.support.server import Running, person_token, serving, session_cookie, set_up_web_team, until
from tests.support.synapse import Account, Synapse, homeserver

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(400)]
Found = dict[str, object]


@pytest.fixture(scope="module")
def matrix() -> Iterator[Synapse]:
    with homeserver() as server:
        yield server


@pytest.fixture
def raglan() -> Iterator[Running]:
    with serving(demo="1") as running:
        set_up_web_team(running)
        yield running


def connect(raglan: Running, matrix: Synapse) -> int:
    """Connect the homeserver, with Mara known there."""
    settings = {"url": matrix.url, "token": matrix.account("raglan").token, "rooms": "private"}
    body = {"platform": "matrix", "name": "Matrix", "settings": settings}
    made = cast("Found", raglan.api("POST", "/chat", body))
    mara = {"address": matrix.account("mara").id, "person_id": raglan.people["mara"]}
    raglan.api("POST", f"/chat/{made['id']}/names", mara)
    until(lambda: listens(raglan), every=0.1)  # the room of an earlier test's incident 1 may be entered at once
    return cast("int", made["id"])


def listens(raglan: Running) -> bool:
    """Tell whether the line knows where news begins."""
    with closing(sqlite3.connect(raglan.data_dir / "data" / "raglan.sqlite3")) as database:
        return bool(database.execute("SELECT cursor FROM chat_workspace").fetchone()[0])


def declare(raglan: Running, matrix: Synapse) -> tuple[int, Account, str]:
    """Let Mara declare an incident, and enter its room in chat; return both."""
    token, mara = person_token(raglan, "mara"), matrix.account("mara")
    made = cast("Found", raglan.api("POST", "/incidents", {"title": "Apache is down"}, token=token))
    room = until(lambda: mara.enter(f"#inc-{made['id']}:raglan.test"), every=0.3)  # who is invited may
    return cast("int", made["id"]), mara, str(room)


def say(raglan: Running, incident: int, text: str, token: str) -> None:
    raglan.api("POST", f"/incidents/{incident}/entries", {"text": text, "key": text.replace(" ", "-")}, token=token)


def timeline(raglan: Running, incident: int) -> list[tuple[str, str, str]]:
    found = cast("list[Found]", raglan.api("GET", f"/incidents/{incident}/timeline"))
    return [(str(entry["kind"]), str(entry["author"]), str(entry["text"])) for entry in found]


def is_away(raglan: Running) -> bool:
    (found,) = cast("list[Found]", raglan.api("GET", "/chat"))
    return found["away_since"] is not None


def screen(raglan: Running, path: str) -> str:
    request = Request(f"{raglan.url}{path}", headers={"Cookie": session_cookie(raglan)})
    with urlopen(request, timeout=60) as answer:
        return str(answer.read().decode())


def test_an_incident_goes_on_through_the_end_of_either(raglan: Running, matrix: Synapse) -> None:
    connect(raglan, matrix)
    incident, mara, room = declare(raglan, matrix)
    token = person_token(raglan, "mara")
    say(raglan, incident, "said here", token)
    mara.say(room, "said there")
    mara.say(room, "!doing restart httpd on web0012")
    until(lambda: any("is doing: restart httpd" in text for text in mara.messages(room)), every=0.3)
    until(lambda: "Mara Novak: said here" in mara.messages(room))
    until(lambda: ("note", "Mara Novak", "said there") in timeline(raglan, incident))
    until(lambda: ("doing", "Mara Novak", "restart httpd on web0012") in timeline(raglan, incident))

    matrix.kill()
    lines = [f"line {number}" for number in range(12)]
    for text in lines:
        say(raglan, incident, text, token)
    until(lambda: is_away(raglan), every=0.3)
    assert "Matrix is away since" in screen(raglan, f"/incidents/{incident}/")
    matrix.start()
    until(lambda: len([text for text in mara.messages(room) if "line" in text]) >= 2, every=0.3)
    raglan.stop(signal.SIGKILL)  # in the middle of the backlog
    mara.say(room, "said while raglan was gone")
    raglan.start_again()
    until(lambda: f"Mara Novak: {lines[-1]}" in mara.messages(room), every=0.3)
    told = [text.removeprefix("Mara Novak: ") for text in mara.messages(room) if "line" in text]
    assert told == lines
    until(lambda: not is_away(raglan), every=0.3)
    until(lambda: ("note", "Mara Novak", "said while raglan was gone") in timeline(raglan, incident), every=0.3)
    said = [text for _, _, text in timeline(raglan, incident)]
    assert len(said) == len(set(said))


def test_the_founding_story_is_told_in_two_browsers_and_on_a_homeserver(
    raglan: Running, matrix: Synapse, browser: Browser
) -> None:
    connect(raglan, matrix)
    author, primary = (signed_in(browser, raglan, name) for name in ("Ike Okafor", "Mara Novak"))
    author.goto("/heads-up/")
    author.get_by_label("What did you do or see?").fill(MINE)
    author.get_by_role("button", name="Give the heads-up").click()
    author.wait_for_url(re.compile(r"/incidents/\d+/$"))
    incident = int(author.url.rstrip("/").rpartition("/")[2])
    primary.goto(f"/incidents/{incident}/")
    expect(thread(primary).get_by_text("it is mine, here is why")).to_be_visible()
    expect(primary.locator("#live")).to_contain_text("Live", timeout=30_000)
    helper = matrix.account("mara")
    primary.get_by_role("button", name="Take the lead").click()
    room = str(until(lambda: helper.enter(f"#inc-{incident}:raglan.test"), every=0.3))

    write(author, "Promoted to staging and production together; the restart fails on web0012, and it is spreading")
    until(lambda: any("it is spreading" in text for text in helper.messages(room)), every=0.3)
    write(author, "Can Chef be stopped?", "Ask for help")
    helper.say(room, "!ruled-out stop Chef: there is no quick way fleet-wide")
    helper.say(room, "!ruled-out go back a version: the old package is gone from the mirror")
    helper.say(room, "!doing trying one more run on this box, web0388")
    for page in (author, primary):
        expect(thread(page).get_by_text("the old package is gone from the mirror")).to_be_visible(timeout=30_000)
        expect(thread(page).get_by_text("trying one more run on this box")).to_be_visible(timeout=30_000)
    primary.get_by_text("A tool is not reachable for me").click()
    primary.get_by_label("Which one").fill("Dashboards")
    primary.get_by_role("button", name="Put it on the list").click()
    author.get_by_role("button", name="Nor for me: Dashboards").click(timeout=30_000)
    helper.say(room, "!found a second run on web0388: httpd starts. Nobody knows why yet")
    expect(thread(author).get_by_text("httpd starts. Nobody knows why yet")).to_be_visible(timeout=30_000)
    write(primary, RISK, "Decided")
    until(lambda: any("this is the first run" in text for text in helper.messages(room)), every=0.3)
    write(author, "Pages load as always from outside. Does anybody see something else?", "Ask to verify")
    primary.get_by_role("button", name="Yes, me too").first.click(timeout=30_000)
    expect(thread(author).get_by_text("1 sees it too")).to_be_visible(timeout=30_000)
    found = raglan.api("GET", f"/incidents/{incident}/timeline")
    assert isinstance(found, list)
    asked = next(entry["id"] for entry in found if entry["kind"] == "verify")
    raglan.api("POST", f"/entries/{asked}/answers", {"answer": "yes"})
    expect(thread(author).get_by_text("2 see it too")).to_be_visible(timeout=30_000)
    primary.goto(f"/incidents/{incident}/close/")
    primary.get_by_label("How did it end?").fill("All machines serve again; two people agree.")
    primary.get_by_role("button", name="Close the incident").click()
    expect(author.locator(".facts").get_by_text("Closed", exact=True)).to_be_visible(timeout=30_000)
    until(lambda: any("two people agree" in text for text in helper.messages(room)), every=0.3)
    said = [text for _, _, text in timeline(raglan, incident)]
    assert len(said) == len(set(said))
    assert said.index(MINE) < said.index(RISK)


def test_a_step_of_a_policy_tells_a_room_of_people_where_a_sign_takes_the_page(
    raglan: Running, matrix: Synapse
) -> None:
    mara = matrix.account("mara")
    made = mara.call("POST", "/createRoom", {"preset": "public_chat", "room_alias_name": "operations"})
    room, alias = str(made["room_id"]), "#operations:raglan.test"
    chat = connect(raglan, matrix)
    step = {"targets": [{"type": "team", "id": "web"}, {"type": "chat", "id": chat, "room": alias}]}
    raglan.api("POST", "/policies", {"name": "Told", "slug": "told", "steps": [step], "overrule": "a test"})

    def page(title: str) -> int:
        return cast("int", cast("Found", raglan.api("POST", "/pages", {"title": title, "policy": "told"}))["id"])

    def asked(number: int) -> Found:
        return cast("Found", raglan.api("GET", f"/pages/{number}"))

    def told(number: int) -> str:
        return " ".join(f"{one['state']} {one['error']}".strip() for one in cast("list[Found]", asked(number)["told"]))

    first = page("Apache is down")
    until(lambda: told(first) == "handed_over", every=0.3)
    line = until(lambda: next((text for text in mara.messages(room) if "“Apache is down”" in text), ""), every=0.3)
    assert line.startswith("Page: “Apache is down”, since ")
    assert line.endswith(f"!ack {first} · or react with 👍 I have it")
    mara.react(room, event_of(mara, room, line), "👍")
    until(lambda: asked(first)["acknowledged_by"] == "Mara Novak", every=0.3)
    until(lambda: "Mara Novak has “Apache is down”." in mara.messages(room), every=0.3)

    matrix.kill()
    second = page("Disk is full")
    until(lambda: told(second).startswith("waiting "), every=0.3)  # and says why
    assert cast("list[Found]", asked(second)["reached"])  # people are paged all the same
    matrix.start()
    until(lambda: told(second) == "handed_over", every=0.3)
    raglan.api("POST", f"/pages/{second}/acknowledge", token=person_token(raglan, "mara"))
    until(lambda: any("“Disk is full”: Mara Novak has it." in text for text in mara.messages(room)), every=0.3)
    said = [text for text in mara.messages(room) if text.startswith(("Page: ", "Mara Novak has"))]
    assert len(said) == len(set(said)) == 4


def event_of(account: Account, room: str, text: str) -> str:
    """Return the event that holds a message."""
    found = account.call("GET", f"/rooms/{quote(room)}/messages?dir=b&limit=100")["chunk"]
    events = cast("list[Found]", found)
    return next(str(one["event_id"]) for one in events if cast("Found", one["content"]).get("body") == text)


MINE = "You are about to be paged: it is mine, here is why. I raised the pin of httpd, and it is upgraded everywhere."
RISK = "Force a second run everywhere by dsh. On a machine that has not had its first run, this is the first run."


def signed_in(browser: Browser, raglan: Running, name: str) -> Page:
    """Open a browser of its own for somebody."""
    page = browser.new_context(base_url=raglan.url).new_page()
    page.goto("/account/login/")
    page.get_by_role("button", name=re.compile(name)).click()
    page.wait_for_url(lambda url: "login" not in url)
    return page


def thread(page: Page) -> Locator:
    """Return the timeline on a screen."""
    return page.locator("#thread")


def write(page: Page, text: str, kind: str = "Note") -> None:
    """Post from the room's screen."""
    page.get_by_role("radio", name=kind, exact=True).check(force=True)
    page.get_by_label("Your entry").fill(text)
    page.get_by_role("button", name="Post to the room").click()


def test_nothing_that_a_homeserver_knows_is_lost_or_doubled(matrix: Synapse, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sync, "FEWER", (4, 1))  # so that a gap opens after five messages
    bo, own = matrix.account("bo"), matrix.account("raglan")  # that is in rooms of other tests, too
    line = Matrix().connect({"url": matrix.url, "token": own.token, "rooms": "private"})
    there = line.open_room(ports.Wanted("before", "Before", ""))
    line.invite(there.id, bo.id)
    bo.join(there.id)
    assert line.hear("", 0).messages == []
    for number in range(6):
        bo.say(there.id, f"before {number}")  # what was said before a line begins is not heard by it
    asked: list[str] = []
    get = Wire.get

    def note(wire: Wire, path: str, query: dict[str, str] | None = None, *, more_s: float = 0.0) -> Answered:
        asked.append(f"{path} {(query or {}).get('timeout', '')}")
        return get(wire, path, query, more_s=more_s)

    monkeypatch.setattr(Wire, "get", note)
    cursor = line.hear("", 0).cursor
    opened = line.open_room(ports.Wanted("gap", "A gap", "where it stands"))
    line.invite(opened.id, bo.id)
    assert line.open_room(ports.Wanted("gap", "A gap", "where it stands")) == opened
    bo.join(opened.id)
    line.invite(opened.id, bo.id)  # who is there already stays
    said = ports.Line("key-1", "<b>slow</b>", "Mara Novak:")
    assert line.post(opened.id, said) == line.post(opened.id, said)
    assert (bo.messages(opened.id), bo.topic(opened.id)) == (["Mara Novak: <b>slow</b>"], "where it stands")

    first = bo.say(opened.id, "0")
    for number in range(1, 11):
        bo.say(opened.id, str(number))
    changed = bo.correct(opened.id, first, "nought")
    gone = bo.say(opened.id, "dropped")
    bo.take_back(opened.id, gone)
    asked.clear()
    found = line.hear(cursor, 5)
    assert asked[0] == "/sync 5000"  # it waits for news
    assert f"/rooms/{quote(opened.id, safe='')}/messages " in asked  # and reads what one answer did not hold
    assert [one.text for one in found.messages if one.kind == ports.Kind.MESSAGE] == [str(one) for one in range(11)]
    assert [(one.id, one.about, one.text) for one in found.messages if one.kind == ports.Kind.EDIT] == [
        (changed, first, "nought")
    ]
    assert [one.about for one in found.messages if one.kind == ports.Kind.TAKEN_BACK] == [gone]
    bo.react(opened.id, first, "👍")
    (sign,) = line.hear(found.cursor, 5).messages
    assert (sign.kind, sign.about, sign.text, sign.author) == (ports.Kind.REACTION, first, "👍", bo.id)

    bo.call("POST", "/createRoom", {"room_alias_name": "taken"})
    with pytest.raises(DeliveryError) as refused:
        line.open_room(ports.Wanted("taken", "Not ours", ""))
    assert refused.value.permanent
