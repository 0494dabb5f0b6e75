"""The desk on screens and over REST."""

import json

import pytest
from django.test import Client

from raglan.incidents.models import Incident
from raglan.outside import asking, queries
from raglan.outside.models import Question, StatusUpdate
from raglan.people.models import Person
from raglan.testing import world

HOSTILE = "<script>alert(1)</script>\"'><img src=x onerror=alert(1)>"


@pytest.fixture
def at(room: Incident) -> str:
    return f"/incidents/{room.pk}/outside/"


def test_an_update_is_written_looked_at_and_said(browser: Client, at: str, room: Incident) -> None:
    start = browser.get(f"{at}say/").context["form"].initial
    written = {"stage": "found", "text": "It is Apache.", "next_word": "30", "key": start["key"], "seen": "0"}
    early = browser.post(f"{at}say/", {**written, "do": "say"})
    assert (early.status_code, StatusUpdate.objects.count()) == (200, 0)  # nobody has looked at it
    assert "So they will read it" in early.content.decode()
    looked = early.context["form"]["looked"].value()
    other = browser.post(f"{at}say/", {**written, "text": "Other", "looked": looked, "do": "say"})
    assert (other.status_code, StatusUpdate.objects.count()) == (200, 0)
    assert browser.post(f"{at}say/", {**written, "looked": looked, "do": "say"}).status_code == 302
    assert queries.updates(room).get().text == "It is Apache."


def test_two_at_once_see_each_other(browser: Client, at: str, room: Incident) -> None:
    written = {"stage": "found", "text": "Mine", "next_word": "0", "seen": "0", "key": "mine"}
    looked = browser.post(f"{at}say/", written).context["form"]["looked"].value()
    browser.post(f"/api/v1/incidents/{room.pk}/updates", {"stage": "looking", "text": "Theirs"}, "application/json")
    late = browser.post(f"{at}say/", {**written, "looked": looked, "do": "say"})
    assert (late.status_code, "Theirs" in late.content.decode()) == (422, True)
    assert late.context["form"]["seen"].value() == "1"
    browser.post(f"{at}say/", {**written, "seen": "1", "looked": looked, "do": "say"})
    assert [one.text for one in queries.updates(room)] == ["Mine", "Theirs"]


def test_what_people_write_is_only_text(browser: Client, at: str, room: Incident, bo: Person) -> None:
    question = asking.ask(room, HOSTILE, by=bo, key="q")
    browser.post(f"/outside/questions/{question.pk}/answer/", {"answer": HOSTILE})
    said = {"stage": "over", "text": HOSTILE, "next_word": "0", "seen": "0", "key": "k"}
    preview = browser.post(f"{at}say/", said)
    looked = preview.context["form"]["looked"].value()
    browser.post(f"{at}say/", {**said, "looked": looked, "do": "say"})
    browser.post(f"{at}hand-over/", {"person": str(room.declared_by_id), "note": HOSTILE})
    for html in (preview.content.decode(), browser.get(at).content.decode()):
        assert "&lt;script&gt;alert(1)&lt;/script&gt;" in html
        assert "<script>alert" not in html
        assert "<img" not in html


def test_a_viewer_asks_and_responders_see_one_quiet_line(
    browser: Client, at: str, room: Incident, vera: Person
) -> None:
    viewer = Client()
    viewer.force_login(vera)
    assert viewer.post(f"{at}ask/", {"text": "Can we sell?", "key": "q"}).status_code == 302
    browser.post(f"{at}hold/", {"do": "take"})
    browser.post(f"{at}hold/", {"do": "promise", "next_word": "30"})
    html = browser.get(f"/incidents/{room.pk}/").content.decode()
    assert "Bo Silva holds the outside; next word" in html
    assert "Can we sell?" not in html
    assert "Can we sell?" in browser.get(f"{at}part/questions/").content.decode()
    assert viewer.post(f"{at}hold/", {"do": "take"}).status_code == 403


def test_what_is_not_understood_is_kept_and_explained(browser: Client, at: str, room: Incident) -> None:
    assert browser.post(f"{at}ask/", {"text": " "}).status_code == 422
    assert browser.post(f"{at}say/", {"stage": "no", "text": "", "next_word": "30"}).status_code == 422
    assert browser.post(f"{at}hold/", {"do": "promise", "next_word": "7"}).status_code == 400
    assert browser.post(f"{at}hold/", {"do": "dance"}).status_code == 400
    assert browser.get(f"{at}part/nothing/").status_code == 404
    assert browser.post("/outside/questions/7/answer/", {"answer": "x"}).status_code == 404


def test_rest_does_what_the_desk_does(browser: Client, room: Incident, mara: Person) -> None:
    base = f"/api/v1/incidents/{room.pk}"

    def send(method: str, path: str, body: dict[str, object] | None = None) -> dict[str, object]:
        answer = browser.generic(method, f"{base}{path}", json.dumps(body or {}), "application/json")
        assert answer.status_code in (200, 201), answer.content
        return dict(answer.json())

    assert send("POST", "/outside/hold")["holder"] == "Bo Silva"
    assert send("POST", "/outside/hold", {"person_id": mara.pk})["holder_id"] == mara.pk
    assert send("POST", "/outside/let-go")["holder"] is None
    assert send("PUT", "/outside/promise", {"minutes": 20})["next_word_at"]
    asked = send("POST", "/questions", {"text": "Until when?", "key": "q"})
    later = browser.post(f"/api/v1/questions/{asked['id']}/answer", {}, "application/json").json()
    assert (asked["state"], later["state"]) == (Question.State.WAITING, Question.State.NEXT)
    word: dict[str, object] = {"stage": "watching", "text": "Until four.", "next_word_minutes": 60, "key": "u"}
    assert send("POST", "/updates/preview", word)["stage_words"] == "It should be well again; we are watching"
    said = send("POST", "/updates", word)
    assert browser.get(f"{base}/updates").json() == [said]
    assert browser.get(f"{base}/questions?state=answered").json()[0]["answered_in"] == said["id"]
    other = browser.post(f"{base}/updates", {**word, "key": "v", "seen": 0}, "application/json")
    assert other.status_code == 409


def test_an_update_begins_with_words_that_are_ready(browser: Client, at: str, room: Incident, bo: Person) -> None:
    manager = Client()
    manager.force_login(world.person("Kei Sato", role=Person.Role.MANAGER))
    words = {"name": "Slow, first word", "stage": "found", "headline": "Slow", "text": f"{HOSTILE} is slow."}
    assert manager.post("/setup/status/words/", {**words, "text": " "}).status_code == 422
    assert manager.post("/setup/status/words/", words).status_code == 302
    one = queries.wordings().get()
    html = browser.get(f"{at}say/").content.decode()
    assert f"?with={one.pk}" in html
    form = browser.get(f"{at}say/?with={one.pk}").context["form"]
    assert (form["stage"].value(), form["text"].value()) == ("found", words["text"])
    assert "<script>alert" not in browser.get(f"{at}say/?with={one.pk}").content.decode()
    assert browser.get(f"{at}say/?with=999").status_code == 404
    assert manager.post(f"/setup/status/words/{one.pk}/", {**words, "name": "Slow"}).status_code == 302
    rest = "/api/v1/wordings"
    made = manager.post(rest, {**words, "stage": "over"}, "application/json").json()
    assert [item["name"] for item in browser.get(rest).json()] == ["Slow", "Slow, first word"]
    changed = manager.put(f"{rest}/{made['id']}", {**words, "name": "Over"}, "application/json").json()
    assert changed["name"] == "Over"
    assert browser.delete(f"{rest}/{made['id']}").status_code == 403
    assert manager.delete(f"{rest}/{made['id']}").status_code == 204
    assert manager.post(f"/setup/status/words/{one.pk}/", {"do": "remove"}).status_code == 302
    assert browser.get(rest).json() == []
