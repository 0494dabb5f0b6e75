"""Words that a small form could not take show once more beside the reason; what no page takes back can be copied."""

import re
from datetime import timedelta

import pytest
from django.contrib.sessions.backends.db import SessionStore
from django.http import HttpRequest
from django.test import Client, RequestFactory

from raglan.changes import automation
from raglan.changes.automation_models import AutomationCard
from raglan.core.errors import BadInput, Conflict
from raglan.incidents import actions, hand
from raglan.outside import asking
from raglan.people.models import Person
from raglan.testing import world
from raglan.ui import typed
from tests.changes.test_automation import card, mara

pytestmark = pytest.mark.django_db
__all__ = ["card", "mara"]


@pytest.fixture
def browser(mara: Person) -> Client:
    client = Client()
    client.force_login(mara)
    return client


def test_a_wrong_day_of_what_was_practised_is_said_beside_it_and_costs_no_words(
    browser: Client, card: AutomationCard
) -> None:
    answered = automation.answered([card])[card.pk]
    question = next(one.question.value for one in answered if one.state != "empty")
    path = f"/changes/automation/{card.slug}/"
    body = {"question": question, "words": "Drained by <hand>", "on": "2026-02-30", "do": "worked"}
    page = browser.post(f"{path}act/", body, follow=True).content.decode()
    assert 'value="Drained by &lt;hand&gt;"' in page
    assert re.search(rf'id="d-{question}"[^>]* value="2026-02-30" aria-invalid="true"', page)
    assert re.search(rf'id="d-{question}_error">.*?A day is written as', page)
    assert "Drained" not in browser.get(path).content.decode()


def test_words_on_what_was_changed_by_hand_stay(browser: Client, mara: Person) -> None:
    room = actions.declare("Slow", by=mara)
    told = hand.tell(room, hand.Told("web1", "sshd", "Opened a port", key="k"), by=mara)
    path = f"/incidents/{room.pk}/hand-changes/"
    page = browser.post(f"{path}{told.pk}/", {"state": "lost", "words": "into the code"}, follow=True).content.decode()
    assert 'value="into the code"' in page


def test_words_on_a_task_stay_beside_the_reason(browser: Client, mara: Person) -> None:
    room = actions.declare("Slow", by=mara)
    task = actions.add_task(room, actions.ToDo("Ask the shop", key="k"), by=mara)
    words = "x" * 1_999 + " y" * 300
    page = browser.post(f"/tasks/{task.pk}/done/", {"words": words}, follow=True).content.decode()
    assert words in page
    assert 'id="id_words_error"' in page


def test_an_answer_that_is_too_long_stays(browser: Client, mara: Person) -> None:
    room = actions.declare("Slow", by=mara)
    question = asking.ask(room, "Is it safe?", by=mara, key="k")
    page = browser.post(f"/outside/questions/{question.pk}/answer/", {"answer": "yes " * 900}, follow=True)
    assert f'value="{("yes " * 900)}"' in page.content.decode()
    assert f'id="a{question.pk}_error"' in page.content.decode()


def test_a_service_that_is_not_known_stays_in_its_field(browser: Client, mara: Person) -> None:
    world.service("checkout")
    room = actions.declare("Slow", by=mara)
    page = browser.post(f"/incidents/{room.pk}/about/", {"name": "chekout"}, follow=True).content.decode()
    assert re.search(r'id="about"[^>]* value="chekout" aria-invalid="true"', page)


def test_words_for_which_there_is_no_form_stand_on_the_page_that_says_why(browser: Client, mara: Person) -> None:
    room = actions.declare("Slow", by=mara)
    actions.stand_down(room, by=mara)
    body = {"name": "the graphs <of> mail", "csrfmiddlewaretoken": "a b", "entry_key": "k k"}
    answer = browser.post(f"/incidents/{room.pk}/tools/", body)
    page = answer.content.decode()
    assert answer.status_code == 409
    assert '<pre class="code" id="typed-1">the graphs &lt;of&gt; mail</pre>' in page
    assert "typed-2" not in page


def test_two_tabs_that_are_refused_one_after_the_other_both_have_their_words(browser: Client, mara: Person) -> None:
    room = actions.declare("Slow", by=mara)
    one, two = (actions.add_task(room, actions.ToDo(text), by=mara) for text in ("Ask the shop", "Ask the bank"))
    first, second = "x" * 1_999 + " of one", "x" * 1_999 + " of two"
    browser.post(f"/tasks/{one.pk}/done/", {"words": first})
    browser.post(f"/tasks/{two.pk}/done/", {"words": second})
    assert first in browser.get(f"/tasks/{one.pk}/").content.decode()
    assert second in browser.get(f"/tasks/{two.pk}/").content.decode()
    assert first not in browser.get(f"/tasks/{one.pk}/").content.decode()


def test_words_of_a_conflict_stand_where_they_can_be_used_and_wait_nowhere_else(browser: Client, mara: Person) -> None:
    room, bo = actions.declare("Slow", by=mara), world.person("Bo")
    task = actions.add_task(room, actions.ToDo("Ask the shop", owner=bo), by=mara)
    path = f"/tasks/{task.pk}/"
    taken = browser.post(f"{path}take/", {"words": "it was empty"}, follow=True)
    assert taken.request["PATH_INFO"] == path
    assert 'value="it was empty"' in taken.content.decode()

    actions.end_task(task, "done", by=bo, words="Asked")
    late = browser.post(f"{path}done/", {"words": "it was full"}, follow=True)
    assert late.request["PATH_INFO"] == f"/incidents/{room.pk}/"
    assert "You wrote: “it was full”" in late.content.decode()
    actions.reopen_task(task, by=bo)
    assert "it was full" not in browser.get(path).content.decode()


def test_a_service_named_for_a_closed_room_is_not_called_unknown(browser: Client, mara: Person) -> None:
    world.service("checkout")
    room = actions.declare("Slow", by=mara)
    actions.stand_down(room, by=mara)
    page = browser.post(f"/incidents/{room.pk}/about/", {"name": "checkout"})
    assert page.status_code == 409
    assert "No service here is called" not in page.content.decode()


def test_of_refused_forms_the_last_eight_are_kept_for_an_hour(monkeypatch: pytest.MonkeyPatch) -> None:
    at = typed.now()
    monkeypatch.setattr(typed, "now", lambda: at)
    session = SessionStore()
    for number in range(9):
        _refused(session, f"form-{number}", f"words of {number}")
    back = _back(session)
    assert not typed.take(back, "form-0")
    assert typed.take(back, "form-1").words == {"words": "words of 1"}

    _refused(session, "long", "x " * 190_000)
    _refused(session, "longer", "y " * 190_000)
    assert [bool(typed.take(back, name)) for name in ("form-2", "long", "longer")] == [False, True, True]

    _refused(session, "old", "two words")
    monkeypatch.setattr(typed, "now", lambda: at + timedelta(hours=1, seconds=1))
    assert not typed.take(back, "old")


def _refused(session: SessionStore, form: str, words: str) -> None:
    request = RequestFactory().post("/x/", {"words": words})
    request.session = session
    request._messages = _Heard()  # type: ignore[attr-defined] # where django.contrib.messages keeps its storage
    typed.refuse(request, form, BadInput("words", "too long"), "/x/")


def _back(session: SessionStore) -> HttpRequest:
    request = RequestFactory().get("/x/")
    request.session = session
    return request


def test_secrets_and_keys_are_not_kept_and_another_form_takes_nothing() -> None:
    session = SessionStore()
    request = RequestFactory().post("/x/", {"words": "two words", "secret": "s e", "api_token": "t t", "key": "k"})
    request.session = session
    request._messages = _Heard()  # type: ignore[attr-defined] # where django.contrib.messages keeps its storage
    typed.refuse(request, "one", Conflict("Somebody was faster."), "/x/")
    assert request._messages.said == ["Somebody was faster. You wrote: “two words”"]  # type: ignore[attr-defined]
    back = RequestFactory().get("/x/")
    back.session = session
    assert not typed.take(back, "another")
    found = typed.take(back, "one")
    assert (found.words, found.wrong, found.why) == ({"words": "two words"}, "", "Somebody was faster.")
    assert not typed.take(back, "one")
    typed.refuse(request, "one", BadInput("words", "too long"), "/x/")
    assert (typed.take(back, "one").wrong, request._messages.said[-1]) == ("words", "Not kept: too long.")  # type: ignore[attr-defined]


class _Heard:
    """Takes messages as Django's storage does."""

    def __init__(self) -> None:
        self.said: list[str] = []

    def add(self, level: int, message: str, extra_tags: str = "") -> None:
        """Take one."""
        self.said.append(message)


def test_words_that_are_too_old_go_with_the_next_page_that_has_a_form(monkeypatch: pytest.MonkeyPatch) -> None:
    at = typed.now()
    monkeypatch.setattr(typed, "now", lambda: at)
    session = SessionStore()
    _refused(session, "old", "words of one")
    monkeypatch.setattr(typed, "now", lambda: at + timedelta(minutes=30))
    _refused(session, "newer", "words of another")
    monkeypatch.setattr(typed, "now", lambda: at + timedelta(hours=1, seconds=1))

    assert not typed.take(_back(session), "a third form")

    assert list(session[typed.KEY]) == ["newer"]
