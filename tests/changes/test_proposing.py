"""A change is proposed with what its author expects, turns from state to state, and is found again."""

import json
from datetime import timedelta

import pytest
from django.test import Client

from raglan.changes import proposing, queries
from raglan.changes.models import Change, PsaNote
from raglan.core import timeline, timers
from raglan.core.clock import now
from raglan.core.errors import BadInput, Conflict
from raglan.core.models import Timer
from raglan.people import actions as people
from raglan.people import sealing
from raglan.people.access import Scope
from raglan.testing import world

pytestmark = pytest.mark.django_db
BY = proposing.Teller("Mara", "raglan")
NOTHING = proposing.Expected("nothing", "nothing")


def proposed(**more: object) -> Change:
    given = {"title": "Raise the pin of httpd", "packages": [("httpd", "2.4.6-45")], **more}
    return proposing.propose(proposing.Proposal(**given), by=BY)  # type: ignore[arg-type]  # a test states only what matters


@pytest.mark.parametrize(
    ("field", "proposal"),
    [
        ("title", proposing.Proposal(" ", expected=NOTHING)),
        ("packages", proposing.Proposal("A pin")),
        ("packages", proposing.Proposal("A pin", [("", "2")])),
        ("units", proposing.Proposal("A pin", [("httpd", "2")], proposing.Expected("version", "restart"))),
        ("existing_words", proposing.Proposal("A flag", expected=proposing.Expected("nothing", "words"))),
        ("on_new", proposing.Proposal("A flag", expected=proposing.Expected("much", "nothing"))),
        ("clusters", proposing.Proposal("A", expected=proposing.Expected("nothing", "nothing", clusters=["a"] * 101))),
    ],
)
def test_what_can_not_be_kept_is_named(field: str, proposal: proposing.Proposal) -> None:
    with pytest.raises(BadInput) as refused:
        proposing.propose(proposal, by=BY)
    assert refused.value.field == field
    assert not Change.objects.exists()


def test_a_change_turns_only_where_it_can() -> None:
    change = proposed()
    with pytest.raises(Conflict):
        proposing.turn(change, "done", actor="raglan")
    for state in ("under_way", "stopped", "under_way", "done", "done"):
        change = proposing.turn(change, state, actor="raglan")
    assert (change.state, change.started_at is None, change.ended_at is None) == ("done", False, False)
    with pytest.raises(Conflict):
        proposing.turn(change, "taken_back", actor="raglan")


@pytest.mark.parametrize("over", ["done", "taken_back"])
def test_a_change_that_was_called_over_by_mistake_is_under_way_again(over: str) -> None:
    change = proposing.turn(proposed(), "under_way", actor="raglan")
    began = change.started_at
    proposing.turn(change, over, actor="raglan", words="oops")
    change = proposing.turn(change, "under_way", actor="raglan")
    assert (change.state, change.started_at, change.ended_at, change.state_words) == ("under_way", began, None, "")
    assert change.is_open


def test_what_waits_is_not_shown_as_having_changed_anything() -> None:
    change = proposed()
    assert list(queries.around(now())) == []
    proposing.turn(change, "under_way", actor="raglan")
    assert list(queries.around(now())) == [change]


def test_only_one_person_takes_a_change_on() -> None:
    change = proposing.keep_found("curl moves", key="a", packages=[("curl", "8")], started_at=now())
    mara, jun = world.person(), world.person("Jun Tan")
    proposing.take_on(change, by=mara)
    proposing.take_on(change, by=mara)
    with pytest.raises(Conflict):
        proposing.take_on(change, by=jun)
    change.refresh_from_db()
    assert change.author == mara


def test_what_was_like_it_is_found_by_package() -> None:
    first, other = proposed(), proposed(title="Another", packages=[("curl", "8")])
    trap = proposing.Trap("Pins do not hold", "raised a pin", "all went", packages=("HTTPD",))
    note = proposing.write_psa(trap, by=BY)
    second = proposed(title="Again")

    assert queries.alike(["httpd"], but=second.pk) == [first]
    assert queries.alike(["curl"]) == [other]
    assert queries.notes_about(["httpd"]) == [note]
    assert queries.notes_about(["curl"]) == queries.notes_about([]) == []


def test_those_that_a_note_was_chosen_for_are_told_by_mail_once_and_all_may_read_it(client: Client) -> None:
    mara, bo, ada = (world.person(name) for name in ("Mara Keller", "Bo Silva", "Ada Lamb"))
    team = world.team(mara, bo)
    by = proposing.Teller(mara.name, mara, mara)

    def told(audience: str) -> list[str]:
        proposing.write_psa(proposing.Trap("Pins do not hold", "raised a pin", "all went", audience=audience), by=by)
        for timer in Timer.objects.filter(kind=timeline.REACT).order_by("pk"):
            timeline.react(timers.Due(timer.pk, timer.kind, timer.subject, timer.due_at, 1, timer.payload))
            timer.delete()
        mails = Timer.objects.filter(kind="people.mail").order_by("pk")
        letters = [json.loads(sealing.unseal(str(mail.payload["sealed"]))) for mail in mails]
        mails.delete()
        assert {letter["subject"] for letter in letters} <= {"PSA: Pins do not hold"}
        return sorted(letter["to"] for letter in letters)

    assert told("") == []
    assert told(team.slug) == [bo.email]
    assert told("everybody") == sorted([bo.email, ada.email])
    with pytest.raises(BadInput):
        told("nobody-there")
    client.force_login(ada)
    typed = {"title": "Again", "did": "x", "happened": "y", "audience": team.slug}
    assert client.post("/changes/notes/", typed).status_code == 302
    assert f"told {team.slug}" in client.get("/changes/notes/").content.decode()
    assert client.post("/changes/notes/", {**typed, "audience": "else"}).status_code == 422
    answer = client.post("/api/v1/psa-notes", typed, "application/json")
    assert (answer.status_code, answer.json()["audience"]) == (201, team.slug)


def test_a_note_is_kept_once_by_its_key_and_everybody_is_told_once_an_hour_by_a_person(client: Client) -> None:
    client.force_login(world.person())
    typed = {"title": "Again", "did": "x", "happened": "y", "audience": "everybody", "key": "one"}

    def post(**words: str) -> tuple[int, dict[str, object]]:
        answer = client.post("/api/v1/psa-notes", {**typed, **words}, "application/json")
        return answer.status_code, answer.json()

    first = post()
    assert first[0] == 201
    assert post()[1]["id"] == first[1]["id"]
    refused = post(key="two")
    assert (refused[0], refused[1]["field"]) == (429, "audience")
    assert post(key="two", audience="")[0] == 201
    assert client.post("/changes/notes/", {**typed, "key": "three"}).status_code == 422
    with pytest.raises(BadInput, match="only a person"):
        proposing.write_psa(proposing.Trap("Again", "x", "y", audience="everybody"), by=BY)
    for title in ("Again", "Again", "Another"):
        again = {**typed, "title": title, "audience": "", "key": "shown with the form"}
        assert client.post("/changes/notes/", again).status_code == 302
    assert PsaNote.objects.count() == 4
    world.CLOCK.move(timedelta(hours=1, minutes=1))
    assert post(key="three")[0] == 201


def test_a_pipeline_proposes_by_token_and_a_person_goes_on_with_it(client: Client) -> None:
    mara = world.person()
    _, secret = people.issue_token(None, name="ci", scopes=[Scope.READ, Scope.RESPOND], days=1, actor="raglan")
    ci = {"HTTP_AUTHORIZATION": f"Bearer {secret}"}
    body = {
        "title": "Raise the pin",
        "packages": [{"name": "httpd", "version": "2.4.6-45"}],
        "expected": {"on_existing": "nothing", "units": ["httpd.service"]},
        "link": "https://ci.example.test/1",
        "key": "9f3c1e",
    }
    answers = [client.post("/api/v1/changes/proposed", body, "application/json", **ci) for _ in range(2)]  # type: ignore[arg-type]  # headers
    assert [answer.status_code for answer in answers] == [201, 201]
    told = answers[0].json()
    assert told == answers[1].json()
    assert (told["state"], told["author"], told["expected"]["on_existing"]) == ("proposed", None, "nothing")

    client.force_login(mara)
    path = f"/changes/{told['id']}/"
    assert b"It is mine" in client.get(path).content
    for act in ("author/", "state/"):
        assert client.post(path + act, {"state": "under_way"}).status_code == 302
    page = client.get(path).content.decode()
    assert "Mara Keller" in page
    assert "nothing happens" in page
    refused = client.post(f"/api/v1/changes/{told['id']}/state", {"state": "proposed"}, "application/json", **ci)  # type: ignore[arg-type]  # headers
    assert refused.status_code == 422


def test_the_form_keeps_what_was_typed_and_says_what_is_missing(client: Client) -> None:
    client.force_login(world.person())
    typed = {"title": "Raise the pin", "on_existing": "restart", "on_new": "version", "packages": "httpd 2.4.6-45"}
    refused = client.post("/changes/new/", typed)
    assert refused.status_code == 422
    assert b"name the units that restart" in refused.content.lower()
    whole = {**typed, "units": "httpd.service", "clusters": "web, api"}
    looked = client.post("/changes/new/", {**whole, "do": "look"}).content.decode()
    assert "No host that raglan knows is meant." in looked
    assert not Change.objects.exists()
    client.post("/changes/new/", {**whole, "do": "save"})
    change = queries.change(Change.objects.get().pk)
    assert change.expectation.clusters == ["web", "api"]
    assert [(one.name, one.version) for one in change.packages.all()] == [("httpd", "2.4.6-45")]
    shown = client.get("/changes/").content.decode()
    assert shown.index("Waiting") < shown.index("Raise the pin") < shown.index("Lately")


def test_a_note_is_written_on_its_screen(client: Client) -> None:
    client.force_login(world.person())
    change = proposed()
    note = {"title": "Pins do not hold", "did": "x", "happened": "y", "packages": "httpd"}
    assert client.post(f"/changes/notes/?change={change.pk}", note).status_code == 302
    assert b"Pins do not hold" in client.get("/changes/notes/").content
    assert b"Pins do not hold" in client.get(f"/changes/{change.pk}/").content
