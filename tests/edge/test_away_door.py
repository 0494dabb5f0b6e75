"""Answers to pages of last resort: only a POST with an own token counts, and each way of asking has its answer."""

import asyncio
from pathlib import Path

import pytest

from raglan.core import secrets
from raglan.core.clock import now
from raglan.edge.answers import Message
from raglan.edge.last_resort import sending
from raglan.edge.last_resort.cases import Asked, Grouped, Opened, Sending, Stepped
from raglan.edge.last_resort.door import Door
from raglan.edge.last_resort.pager import Pager
from raglan.edge.spool import Spool
from raglan.testing import world  # noqa: F401 -- makes Django ready

CASE, MARA, BO = "0011223344556677", 7, 8


@pytest.fixture
def pager(tmp_path: Path) -> Pager:
    found = Pager(tmp_path / "last", Spool(tmp_path / "spool", most_mb=1), after_s=1, silent_since=lambda: -100.0)
    at = now()
    asked = (Asked(MARA, "Mara Keller", "on call"), Asked(BO, "Bo Silva", "on call"))
    found.diary.add(
        [
            Opened(CASE, None, at),
            Grouped(CASE, "key", "print", "Apache <b>is</b> down", "critical"),
            Stepped(CASE, 0, at, None, asked),
            Sending(CASE, 0, MARA, "Mara Keller", 0, "email", at, 1),
        ]
    )
    return found


def ask(pager: Pager, method: str, path: str) -> tuple[int, dict[str, str], str]:
    """Ask the door once, as a server would."""
    said: list[Message] = []

    async def receive() -> Message:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Message) -> None:
        said.append(message)

    door = Door(pager)
    scope = {"type": "http", "method": method, "path": path, "query_string": b"", "headers": [(b"host", b"a")]}
    try:
        asyncio.run(door(scope, receive, send))
    finally:
        door.close()
    headers = {name.decode().lower(): value.decode() for name, value in said[0]["headers"]}
    return said[0]["status"], headers, b"".join(part.get("body", b"") for part in said[1:]).decode()


def link(person: int = MARA, more: str = "") -> str:
    return f"/away/{sending.token(CASE, person)}/{more}"


def test_looking_changes_nothing_and_shows_what_it_is_about(pager: Pager) -> None:
    for method in ("GET", "HEAD", "GET"):
        status, headers, page = ask(pager, method, link())
        assert (status, headers["cache-control"], headers["referrer-policy"]) == (200, "no-store", "same-origin")
    assert "Apache &lt;b&gt;is&lt;/b&gt; down" in page
    assert "pass it on" in page
    assert pager.diary.cases.all[CASE].answers == []


def test_the_button_takes_it_and_a_second_time_changes_nothing_more(pager: Pager) -> None:
    mine = link()  # a token names the second that it was made in
    status, headers, _ = ask(pager, "POST", mine)
    assert (status, headers["location"]) == (303, mine)
    assert "You have it" in ask(pager, "GET", link())[2]
    assert "I’ll join" in ask(pager, "GET", link(BO))[2]
    assert not pager.diary.cases.all[CASE].is_open


def test_passing_on_makes_the_next_step_due_once_all_have(pager: Pager) -> None:
    mine = link(MARA)
    assert ask(pager, "POST", f"{mine}pass-on/")[1]["location"] == mine
    page = ask(pager, "GET", mine)[2]
    assert "It goes on to the next person" in page
    assert "I have it" in page
    assert pager.diary.cases.all[CASE].next_at is None
    assert ask(pager, "POST", link(BO, "pass/"))[::2] == (200, "Passed on.\n")
    assert pager.diary.cases.all[CASE].next_at is not None


def test_a_button_of_a_message_gets_a_sentence(pager: Pager) -> None:
    assert ask(pager, "POST", link(MARA, "have/"))[::2] == (200, "You have it.\n")
    for way in ("have/", "pass/", "pass-on/"):
        assert ask(pager, "GET", link(MARA, way))[0] == 405
    assert ask(pager, "PUT", link())[0] == 405
    assert ask(pager, "POST", link(MARA, "something/"))[0] == 404


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_forged_token_or_one_for_something_else_leads_nowhere(pager: Pager, method: str) -> None:
    other = secrets.sign("reply", f"{CASE}:{MARA}")
    for token in ("", "forged", f"{sending.token(CASE, MARA)}x", other, "a" * 5_000, "é"):
        assert ask(pager, method, f"/away/{token}/")[0] in (404, 414)
    assert pager.diary.cases.all[CASE].answers == []


def test_an_answer_to_what_another_node_sent_is_kept(pager: Pager, tmp_path: Path) -> None:
    path = f"/away/{sending.token('f' * 16, MARA)}/"
    assert "This node did not send the message" in ask(pager, "GET", path)[2]
    assert ask(pager, "POST", path)[0] == 303
    assert [one.case for one in pager.diary.cases.strange] == ["f" * 16]
    assert (tmp_path / "last" / "diary").stat().st_mode & 0o777 == 0o600
