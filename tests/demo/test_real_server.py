"""The story on a real raglan: a client process with tokens against a running server, mails over SMTP."""

import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from raglan.demo import company
from raglan.demo.acts import figures_words
from raglan.demo.levers import INVENTED, LEVERS
from raglan.demo.model import CLUSTERS, simulate
from tests.support.server import Running, serving

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("story")]
Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Told:
    """What a server holds once the story was told."""

    lines: str
    room: Row
    timeline: list[Row]
    groups: list[Row]
    pages: list[Row]
    review: Row
    mails: list[tuple[str, str]]
    progress: Row
    runs: list[Row]


@pytest.fixture(scope="module")
def running() -> Iterator[Running]:
    with serving() as made:
        yield made


@pytest.fixture(scope="module")
def told(running: Running) -> Told:
    lines = play(running)
    [room] = rows(running, "/incidents")
    review = running.api("GET", f"/incidents/{room['id']}/review")
    assert isinstance(review, dict)
    [change] = [row for row in rows(running, "/changes") if row["title"].startswith("Pin httpd")]
    progress = running.api("GET", f"/changes/{change['id']}/progress")
    assert isinstance(progress, dict)
    return Told(
        lines=lines,
        room=room,
        timeline=rows(running, f"/incidents/{room['id']}/timeline?limit=500"),
        groups=rows(running, "/alert-groups"),
        pages=rows(running, "/pages?state=all"),
        review=review,
        mails=[(str(mail["To"]), str(mail["Subject"])) for mail in running.mailbox.mails],
        progress=progress,
        runs=rows(running, "/runs?limit=500"),
    )


def play(running: Running, *arguments: str) -> str:
    command = [sys.executable, "-m", "raglan.demo", "--speed", "max", *arguments]
    env = os.environ | {"RAGLAN_URL": running.url, "RAGLAN_TOKEN": running.token}
    played = subprocess.run(command, env=env, capture_output=True, text=True, timeout=250, check=False)
    assert played.returncode == 0, played.stdout[-2000:] + played.stderr[-2000:] + running.log.read_text()[-4000:]
    return played.stdout


def rows(running: Running, path: str) -> list[Row]:
    found = running.api("GET", path)
    assert isinstance(found, list)
    return found


def test_the_whole_story_is_told(told: Told) -> None:
    assert figures_words(simulate().figures) in told.lines
    assert INVENTED in told.lines
    for surprise in ("not taken", "no page that waits", "no alerts to put"):
        assert surprise not in told.lines


def test_the_room_holds_what_people_said_and_what_the_change_watch_counted(told: Told) -> None:
    authors = [entry["author"] for entry in told.timeline]
    assert (told.timeline[0]["kind"], authors[0]) == ("heads_up", "Rowan Ellis")
    assert {"Ike Okafor", "Noor Haddad", "Mara Novak", "Jun Tan", "Lior Berg", "Change watch"} <= set(authors)
    assert not [entry["text"] for entry in told.timeline if entry["ask_state"] in ("waiting", "taken")]
    watch = [entry["text"] for entry in told.timeline if entry["author"] == "Change watch"]
    assert watch[-1] == f"{figures_words(simulate().figures)} {INVENTED}"
    assert (told.room["state"], told.room["service_state"], told.room["lead"]) == ("closed", "fine", "Noor Haddad")


def test_hundreds_of_alerts_are_one_group_and_one_page(told: Told) -> None:
    groups = {group["title"]: group for group in told.groups}
    assert len(groups) == 3
    assert groups["httpd in web: too few machines serve"]["alert_count"] > 200
    assert {(group["state"], group["firing_count"]) for group in told.groups} == {("closed", 0)}
    assert len({group["page_id"] for group in told.groups}) == 3


def test_pages_left_by_mail_and_were_answered(told: Told) -> None:
    to_ike = [subject for address, subject in told.mails if address == "ike@example.test"]
    assert any("Heads-up from Rowan Ellis" in subject for subject in to_ike)
    assert any("httpd in web" in subject for subject in to_ike)
    assert "dee@example.test" in {address for address, _ in told.mails}
    assert {page["acknowledged_by"] for page in told.pages} == {"Ike Okafor", "Dee Kaya"}


def test_the_review_draft_has_the_timeline_and_first_answers(told: Told) -> None:
    assert len(told.review["moments"]) == len(told.timeline)
    replies = [reply["person"] for question in told.review["questions"] for reply in question["replies"]]
    assert len(replies) == 7


def test_raglan_saw_the_change_on_each_machine(told: Told) -> None:
    counts = told.progress["counts"]
    assert (counts["differs"], counts["back"], counts["total"]) == (0, 393, 400)  # differed, and are well again
    first = told.progress["surprises"][0]
    assert first["words"].startswith("httpd 2.2.31-1 → 2.2.32-1 on an existing host")
    assert {group["name"]: group["counts"]["total"] for group in told.progress["clusters"]} == dict(CLUSTERS)
    assert {run["outcome"] for run in told.runs} == {"failed", "changed", "unchanged"}


def test_playing_again_reuses_the_company(running: Running, told: Told) -> None:
    play(running, "--lever", "one-machine-first")
    people = rows(running, "/people")
    assert len(people) == len(company.PEOPLE) + 1
    assert len(rows(running, "/services")) == len(company.SERVICES)
    assert [row["title"] for row in rows(running, "/processes")] == [company.PROCESS["title"]]
    assert [row["title"] for row in rows(running, "/automation")] == [company.AUTOMATION["title"]]
    assert [row["place"] for row in rows(running, "/kitchen")] == [company.CLAIM["place"]]
    assert {policy["version"] for policy in rows(running, "/policies") if policy["slug"].endswith("-on-call")} == {1}
    assert [room["state"] for room in rows(running, "/incidents")] == ["closed", "closed"]
    tokens = [token for person in people for token in rows(running, f"/people/{person['id']}/tokens")]
    assert not [token for token in tokens if token["name"] == "The story"]


def test_those_who_wait_were_told_and_answered(running: Running, told: Told) -> None:
    room = told.room["id"]
    updates = rows(running, f"/incidents/{room}/updates")
    assert [(one["stage"], one["by"]) for one in updates] == [
        ("over", "Wren Abbott"),
        ("found", "Wren Abbott"),
        ("looking", "Wren Abbott"),
    ]
    questions = rows(running, f"/incidents/{room}/questions")
    assert {question["state"] for question in questions} == {"answered"}


def test_a_hold_at_minute_four_stops_what_spreads() -> None:
    """Each machine asks the gate over the network; those that were told to stop go on serving."""
    lever = next(lever for lever in LEVERS if lever.slug == "stop-at-4")
    serve = simulate(lever.settings).figures.lowest
    with serving() as made:
        assert figures_words(simulate(lever.settings).figures) in play(made, "--lever", lever.slug)
        [change] = [row for row in rows(made, "/changes") if row["title"].startswith("Pin httpd")]
        progress = made.api("GET", f"/changes/{change['id']}/progress")
        assert isinstance(progress, dict)
        counts = progress["counts"]
        assert (counts["total"], counts["differs"], counts["waiting"]) == (400, 400 - serve, serve)
