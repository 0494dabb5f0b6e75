"""The client of the demo asks again when the server is away or full, and tells a refusal in the server's words."""

import http.client
from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from raglan.demo import company
from raglan.demo.client import TRIES, Client, Refused, Unreachable
from raglan.demo.pace import Pace, clock_words
from raglan.demo.world import last_handoff
from tests.demo.fake import ADMIN, Answer, FakeRaglan

ZONE = ZoneInfo(company.TIME_ZONE)


def test_a_full_server_is_asked_again_after_the_time_it_named(fake: FakeRaglan) -> None:
    answers = [Answer(503, {"message": "full"}), Answer(503, {"message": "full"})]
    fake.refuse = lambda call: answers.pop() if answers else None
    waited: list[float] = []
    assert Client(fake.url, ADMIN, sleep=waited.append).rows("/people") == []
    assert len(waited) == 2


def test_a_server_that_never_answers_is_given_up() -> None:
    waited: list[float] = []
    with pytest.raises(Unreachable, match="/api/v1/people"):
        Client("http://127.0.0.1:1", ADMIN, sleep=waited.append).get("/people")
    assert len(waited) == TRIES


def test_an_answer_that_breaks_off_is_asked_for_again(fake: FakeRaglan, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = http.client.HTTPConnection.getresponse
    broken = [http.client.RemoteDisconnected("gone"), ConnectionResetError("reset")]

    def breaks_twice(connection: http.client.HTTPConnection) -> http.client.HTTPResponse:
        if broken:
            raise broken.pop()
        return whole(connection)

    monkeypatch.setattr(http.client.HTTPConnection, "getresponse", breaks_twice)
    assert Client(fake.url, ADMIN, sleep=lambda seconds: None).rows("/people") == []


def test_a_refusal_carries_status_sentence_and_field(fake: FakeRaglan) -> None:
    fake.refuse = lambda call: Answer(422, {"message": "slug is taken", "field": "slug"})
    with pytest.raises(Refused) as refused:
        Client(fake.url, ADMIN).post("/teams", {})
    assert (refused.value.status, refused.value.sentence, refused.value.field) == (422, "slug is taken", "slug")


def test_an_address_below_a_path_is_kept(fake: FakeRaglan) -> None:
    Client(f"{fake.url}/inner/", ADMIN).get("/people")
    assert fake.calls[-1].path == "/inner/api/v1/people"


@pytest.mark.parametrize("url", ["", "ftp://127.0.0.1", "http://"])
def test_an_address_without_a_server_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match="is not an address"):
        Client(url, ADMIN)


@pytest.mark.parametrize(("speed", "waits"), [(1, 60.0), (10, 6.0), (60, 1.0)])
def test_time_is_scaled(speed: int, waits: float) -> None:
    slept: list[float] = []
    Pace(speed, sleep=slept.append, clock=lambda: 100.0).wait_for(60)
    assert slept == [waits]


def test_a_moment_that_is_past_is_not_waited_for() -> None:
    slept: list[float] = []
    times = iter([0.0, 100.0])
    Pace(1, sleep=slept.append, clock=lambda: next(times)).wait_for(60)
    Pace("max", sleep=slept.append).wait_for(10_000)
    assert slept == []


def test_patience_ends() -> None:
    slept: list[float] = []
    assert not Pace("max", sleep=slept.append).until(lambda: False, patience_s=1.0)
    assert sum(slept) == pytest.approx(1.0)


def test_a_speed_below_one_is_refused() -> None:
    with pytest.raises(ValueError, match="1 or more"):
        Pace(0)


@pytest.mark.parametrize(
    ("second", "words"), [(-5400, "T-90 min"), (0, "T+00:00"), (210, "T+03:30"), (1865, "T+31:05")]
)
def test_the_clock_of_the_story_is_written_plainly(second: int, words: str) -> None:
    assert clock_words(second) == words


@pytest.mark.parametrize(
    ("at", "day"),
    [
        (datetime(2026, 3, 6, 8, 59, tzinfo=ZONE), "2026-02-27"),
        (datetime(2026, 3, 6, 9, 0, tzinfo=ZONE), "2026-03-06"),
        # The clocks change on 8 March 2026 in New York.
        (datetime(2026, 3, 12, 12, 0, tzinfo=ZONE), "2026-03-06"),
        (datetime(2026, 3, 13, 8, 30, tzinfo=ZONE), "2026-03-06"),
    ],
)
def test_the_rota_begins_at_the_last_handoff(at: datetime, day: str) -> None:
    systems = next(team for team in company.TEAMS if team.slug == "systems")
    assert last_handoff(systems, at).isoformat() == day
