"""An entry is corrected by whoever wrote it, and others say that it helped."""

from collections.abc import Callable

import pytest
from django.test import Client

from raglan.core import timeline
from raglan.core.errors import BadInput, Conflict, NotAllowed
from raglan.incidents import actions, queries
from raglan.incidents.actions import Said
from raglan.incidents.models import Entry, Helped, Incident
from raglan.people.models import Person
from tests.incidents.conftest import Call

Kind = Entry.Kind
Browser = Callable[[Person], Client]


@pytest.fixture
def entry(incident: Incident, mara: Person) -> Entry:
    """What Mara found, with a slip in it."""
    return actions.post(incident, Said(Kind.FOUND, "httpd runs on web0021"), by=mara)


def test_the_earlier_texts_stay_readable_in_their_order(entry: Entry, mara: Person) -> None:
    for text in ("httpd runs on web0012", "httpd runs on web0012 and web0013"):
        actions.correct(entry, text, by=mara)

    found = queries.entry(entry.pk)
    assert found.text == "httpd runs on web0012 and web0013"
    assert [(item.number, item.text) for item in found.earlier.all()] == [
        (1, "httpd runs on web0021"),
        (2, "httpd runs on web0012"),
    ]


def test_what_raglan_tells_is_not_put_otherwise(incident: Incident, mara: Person, browser: Browser) -> None:
    """What users were said to feel at that time stays as it was recorded, whoever changed it."""
    actions.rename(incident, incident.title, severity=Incident.Severity.SEV1, by=mara)
    told = Entry.objects.get(kind=Kind.MACHINE, author=mara)

    with pytest.raises(Conflict, match="nobody wrote it"):
        actions.correct(told, "Users feel nothing", by=mara)
    own = browser(mara)
    assert f'/entries/{told.pk}/" aria-label="Correct' not in own.get(f"/incidents/{incident.pk}/").content.decode()
    assert "Correct it" not in own.get(f"/entries/{told.pk}/").content.decode()


def test_the_same_words_again_are_no_correction(entry: Entry, mara: Person) -> None:
    actions.correct(entry, "  httpd runs on web0021 ", by=mara)

    assert queries.entry(entry.pk).corrected_at is None
    assert [event.kind for event in timeline.about(entry)] == ["entry.posted"]


def test_only_whoever_wrote_it_corrects_it(entry: Entry, bo: Person) -> None:
    with pytest.raises(NotAllowed, match="Only whoever wrote"):
        actions.correct(entry, "Other words", by=bo)


@pytest.mark.parametrize("text", [" ", "x" * 20_001])
def test_a_correction_needs_words_and_not_too_many(entry: Entry, mara: Person, text: str) -> None:
    with pytest.raises(BadInput):
        actions.correct(entry, text, by=mara)


def test_a_closed_room_is_corrected_no_more(entry: Entry, mara: Person) -> None:
    actions.stand_down(entry.incident, by=mara)

    with pytest.raises(Conflict, match="Reopen it"):
        actions.correct(entry, "Other words", by=mara)


def test_what_helped_is_said_once_and_can_be_taken_back(entry: Entry, bo: Person) -> None:
    for _ in range(2):
        actions.mark_helped(entry, by=bo)
    assert [item.person for item in queries.entry(entry.pk).helped.all()] == [bo]

    for _ in range(2):
        actions.take_helped_back(entry, by=bo)

    assert not Helped.objects.exists()
    kinds = [event.kind for event in timeline.about(entry)]
    assert kinds == ["entry.posted", "entry.helped", "entry.helped_back"]


def test_nobody_marks_what_they_wrote_themselves(entry: Entry, mara: Person) -> None:
    with pytest.raises(Conflict, match="somebody else"):
        actions.mark_helped(entry, by=mara)


def test_what_a_machine_says_is_not_marked(incident: Incident, bo: Person) -> None:
    entry = actions.post(incident, Said(Kind.MACHINE, "171 hosts are back", author_words="Change watch"), by=None)

    with pytest.raises(Conflict):
        actions.mark_helped(entry, by=bo)


def test_what_helped_is_still_marked_after_the_end(entry: Entry, mara: Person, bo: Person) -> None:
    actions.stand_down(entry.incident, by=mara)

    actions.mark_helped(entry, by=bo)

    assert Helped.objects.count() == 1


def test_the_room_shows_both_and_counts_nothing_for_a_person(
    entry: Entry, mara: Person, bo: Person, browser: Browser
) -> None:
    actions.correct(entry, "httpd runs on web0012", by=mara)
    browser(bo).post(f"/entries/{entry.pk}/helped/")

    shown = browser(mara).get(f"/incidents/{entry.incident_id}/").content.decode()

    assert "marked by Bo Silva" in shown
    assert "httpd runs on web0021" in shown
    assert f"/entries/{entry.pk}/helped/" not in shown  # one does not mark one's own


def test_a_correction_on_its_screen_keeps_refused_words(
    entry: Entry, mara: Person, bo: Person, browser: Browser
) -> None:
    address = f"/entries/{entry.pk}/"
    assert browser(mara).post(address, {"text": " "}).status_code == 422
    assert "Correct it" not in browser(bo).get(address).content.decode()
    assert browser(bo).post(address, {"text": "Mine"}).status_code == 403

    assert browser(mara).post(address, {"text": "httpd runs on web0012"}).status_code == 302

    assert "httpd runs on web0021" in browser(bo).get(address).content.decode()


def test_the_same_over_rest(entry: Entry, mara: Person, bo: Person, rest: Call) -> None:
    path = f"/entries/{entry.pk}"
    rest(mara, "POST", f"{path}/correct", {"text": "httpd runs on web0012"})
    assert rest(bo, "POST", f"{path}/correct", {"text": "Mine"}) == (403, "not_allowed")
    rest(bo, "POST", f"{path}/helped")

    told = rest(bo, "GET", path)

    assert (told["text"], told["helped"]) == ("httpd runs on web0012", ["Bo Silva"])
    assert [item["text"] for item in told["earlier"]] == ["httpd runs on web0021"]
    assert rest(bo, "DELETE", f"{path}/helped")["helped"] == []
