"""The hand-over note: written by whoever goes, given to whoever comes, with what is open then."""

import json

import pytest

from raglan.core.clock import CLOCK
from raglan.core.errors import BadInput, NotAllowed
from raglan.core.models import Event, Timer
from raglan.oncall import handover, queries
from raglan.oncall.models import HandoverNote, Schedule
from raglan.people import sealing
from raglan.people.models import Person
from raglan.testing import world
from tests.oncall.builders import DAY, HOUR, MONDAY, rota
from tests.oncall.test_covers_and_notices import NEXT, look
from tests.oncall.test_rest import Api
from tests.oncall.test_screens import signed_in, text_of

WORDS = "The disk of web-014 is slow.\nAsk Rowan before you restart it."


def begun() -> list[str]:
    """Return the mails that tell of the beginning of a shift."""
    rows = Timer.objects.filter(kind="people.mail").order_by("pk")
    letters = [json.loads(sealing.unseal(str(row.payload["sealed"]))) for row in rows]
    return [letter["text"] for letter in letters if "you are on call now" in letter["subject"]]


def until_next() -> None:
    CLOCK.move(NEXT - MONDAY - HOUR)
    for _ in range(8):
        look()


def test_whoever_comes_gets_the_note_with_what_is_open_and_only_once(mara: Person, ike: Person) -> None:
    web = rota(mara, ike)
    handover.write_note(web, WORDS, by=mara)
    world.page(world.policy((60, [web])))
    until_next()
    [text] = begun()
    assert f"Mara Novak writes:\n{WORDS}" in text
    assert text.index("Mara Novak writes") < text.index("What is open now")
    assert HandoverNote.objects.get().given_at is not None
    assert Event.objects.get(kind="schedule.handover_given").data["people"] == [ike.pk]
    assert "The disk of web-014 is slow." in text_of(signed_in(ike).get("/on-call/web/"))
    CLOCK.move(7 * DAY)
    look()
    assert [WORDS in text for text in begun()] == [True, False]


def test_only_whoever_is_on_call_writes_it_and_it_can_be_taken_back(mara: Person, ike: Person) -> None:
    web = rota(mara, ike)
    with pytest.raises(NotAllowed):
        handover.write_note(web, WORDS, by=ike)
    with pytest.raises(BadInput):
        handover.write_note(web, "x" * 2001, by=mara)
    for text in (WORDS, WORDS, "", ""):
        handover.write_note(web, text, by=mara)
    assert not HandoverNote.objects.exists()
    assert Event.objects.filter(kind="schedule.handover_written").count() == 2


def test_who_stays_on_call_does_not_use_up_their_own_note(mara: Person, ike: Person) -> None:
    web = rota(mara, ike)
    handover.write_note(web, WORDS, by=mara)
    assert handover.waiting(web, [mara.pk]) == []
    notes = handover.waiting(web, [ike.pk])
    for _ in range(2):
        handover.give(web, notes, [ike.pk])
    assert Event.objects.filter(kind="schedule.handover_given").count() == 1


def test_the_screen_and_rest_show_and_keep_it(mara: Person, ike: Person) -> None:
    rota(mara, ike)
    client = signed_in(mara)
    assert "Nothing is open." in text_of(client.get("/on-call/web/handover/"))
    assert client.post("/on-call/web/handover/", {"text": "x" * 2001}).status_code == 422
    assert client.post("/on-call/web/handover/", {"text": WORDS}).status_code == 302
    assert WORDS in client.get("/on-call/web/handover/").content.decode()
    other = signed_in(ike)
    assert "Whoever is on call now writes the note." in text_of(other.get("/on-call/web/handover/"))
    assert other.post("/on-call/web/handover/", {"text": "mine"}).status_code == 403
    status, seen = Api(ike, ["read"]).get("/schedules/web/handover")
    assert (status, [note["text"] for note in seen["notes"]]) == (200, [WORDS])  # type: ignore[index]  # an object
    api = Api(mara, ["read", "respond"])
    assert api.send("put", "/schedules/web/handover", {"text": ""})[1] == {"open": [], "notes": []}
    assert Api(mara, ["read"]).send("put", "/schedules/web/handover", {"text": "x"})[0] == 403
    assert queries.schedule("web") == Schedule.objects.get()
