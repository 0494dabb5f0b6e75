"""Experiments are judged once, with a reason; claims run out by themselves and lock nothing. Events are enough."""

from datetime import timedelta

import pytest
from django.test import Client

from raglan.core import timeline
from raglan.core.clock import CLOCK, now
from raglan.core.errors import BadInput, Conflict, NotAllowed
from raglan.core.models import Timer
from raglan.people.models import Person
from raglan.processes import actions, events, experiments, kitchen
from raglan.processes.experiments import Judgement
from raglan.processes.kitchen import Wanted
from raglan.processes.models import Claim, Experiment, Process
from raglan.testing import replay, world

TRIED = ("process_id", "variant", "weeks", "began_on", "due_on", "begun_by_id", "state", "used", "caught", "reason",
         "ended_on", "ended_by_id")  # fmt: skip
CLAIM = ("place", "what", "person_id", "minutes", "state", "asked_at", "began_at", "expires_at", "ended_at", "end")
KEEP = Judgement("keep", "by two teams", "one bad module", "it is quicker")


def stored() -> replay.State:
    return {"experiments": replay.rows(Experiment, TRIED), "claims": replay.rows(Claim, CLAIM)}


def tell(state: replay.State, event: timeline.Happened, said: timeline.EventPayload) -> None:
    """Let a copy of the state hear of one event."""
    match said:
        case events.ExperimentBegun():
            own = said.model_dump(exclude={"experiment", "process", "person"})
            links: replay.Row = {"pk": said.experiment, "process_id": said.process, "begun_by_id": said.person}
            state["experiments"][said.experiment] = {**replay.fresh(Experiment, TRIED), **own, **links}
        case events.ExperimentEnded():
            own = said.model_dump(exclude={"experiment", "person"})
            state["experiments"][said.experiment].update({**own, "ended_by_id": said.person})
        case events.ClaimMade():
            own = said.model_dump(exclude={"claim", "person"})
            row = {**replay.fresh(Claim, CLAIM), **own, "pk": said.claim, "person_id": said.person}
            state["claims"][said.claim] = row
        case events.ClaimBegun():
            state["claims"][said.claim].update({**said.model_dump(exclude={"claim"}), "state": "in"})
        case events.ClaimExtended():
            state["claims"][said.claim]["expires_at"] = said.expires_at
        case events.ClaimEnded():
            state["claims"][said.claim].update({**said.model_dump(exclude={"claim"}), "state": "over"})


def test_events_told_to_an_older_copy_give_the_stored_state(process: Process, mara: Person, bo: Person) -> None:
    def act() -> None:
        tried = experiments.begin(process, "Without the reservation", weeks=2, writer=actions.by(mara))
        experiments.end(tried, KEEP, writer=actions.by(bo))
        here = kitchen.claim(Wanted("staging", 60), by=mara)
        waits = kitchen.claim(Wanted("Staging ", 30, "httpd"), by=bo)
        kitchen.extend(here, 90, by=mara)
        kitchen.leave(here, by=mara)
        kitchen.begin(waits, by=bo)
        world.fast_forward(timedelta(minutes=31))

    assert replay.differences(stored, tell, act) == {}
    assert [one.end for one in Claim.objects.order_by("pk")] == ["left", "ran_out"]


def test_an_experiment_is_due_when_its_weeks_are_over(process: Process, mara: Person) -> None:
    tried = experiments.begin(process, "Without the reservation", weeks=2, writer=actions.by(mara))
    assert list(experiments.due()) == []
    CLOCK.move(timedelta(weeks=2))
    assert list(experiments.due()) == [tried]

    experiments.end(tried, KEEP, writer=actions.by(mara))
    assert list(experiments.due()) == []
    with pytest.raises(Conflict):
        experiments.end(tried, KEEP, writer=actions.by(mara))


def test_every_experiment_can_be_seen(browser: Client, process: Process, mara: Person) -> None:
    for number in range(25):
        experiments.begin(process, f"way {number:02}", weeks=2, writer=actions.by(mara))
    first, last = (browser.get(f"/processes/{process.slug}/?page={page}").content.decode() for page in (1, 2))
    assert "way 24" in first
    assert "way 04" not in first
    assert "1 of 2" in first
    assert "way 04" in last
    assert "way 00" in last
    path = f"/api/v1/processes/{process.slug}/experiments"
    assert [one["variant"] for one in browser.get(f"{path}?skip=23").json()] == ["way 01", "way 00"]
    CLOCK.move(timedelta(weeks=2))
    due = browser.get("/processes/").content.decode()
    assert all(f"way {number:02}" in due for number in range(25))
    told = browser.get("/api/v1/experiments/due?skip=20&limit=2").json()
    assert [one["variant"] for one in told] == ["way 20", "way 21"]


@pytest.mark.parametrize(
    ("judged", "field"), [(Judgement("win", "", "", "x"), "state"), (Judgement("drop", "", "", " "), "reason")]
)
def test_an_experiment_ends_with_a_word_and_a_reason(
    process: Process, mara: Person, judged: Judgement, field: str
) -> None:
    tried = experiments.begin(process, "Other", weeks=1, writer=actions.by(mara))
    with pytest.raises(BadInput) as error:
        experiments.end(tried, judged, writer=actions.by(mara))
    assert error.value.field == field


def test_whoever_comes_second_waits_or_goes_in_beside(mara: Person, bo: Person) -> None:
    kitchen.claim(Wanted("staging", 60), by=mara)

    assert kitchen.claim(Wanted("staging", 60), by=bo).state == "waiting"
    assert kitchen.claim(Wanted("staging", 60, beside=True), by=world.person("Ines Roy")).state == "in"
    assert kitchen.claim(Wanted("other", 60), by=bo).state == "in"


def test_the_same_person_again_has_the_same_claim(mara: Person) -> None:
    assert kitchen.claim(Wanted("staging", 60), by=mara) == kitchen.claim(Wanted("STAGING", 10), by=mara)


def test_whoever_waits_first_hears_when_nobody_is_there(mara: Person, bo: Person) -> None:
    here = kitchen.claim(Wanted("staging", 60), by=mara)
    beside = kitchen.claim(Wanted("staging", 60, beside=True), by=world.person("Ines Roy"))
    waits = kitchen.claim(Wanted("staging", 60), by=bo)
    kitchen.leave(here, by=mara)
    mails = Timer.objects.filter(kind="people.mail", subject=timeline.ref(waits))
    assert not mails.exists()

    kitchen.leave(beside, by=beside.person)
    assert mails.count() == 1


def test_only_whoever_made_a_claim_changes_it_and_it_runs_out(mara: Person, bo: Person) -> None:
    here = kitchen.claim(Wanted("staging", 60), by=mara)
    with pytest.raises(NotAllowed):
        kitchen.leave(here, by=bo)
    kitchen.extend(here, 120, by=mara)
    world.fast_forward(timedelta(minutes=61))
    assert kitchen.going(here.pk).state == "in"
    world.fast_forward(timedelta(minutes=60))
    assert (kitchen.going(here.pk).state, kitchen.going(here.pk).end) == ("over", "ran_out")


def test_it_is_said_how_long_claims_really_last(mara: Person) -> None:
    for minutes in (20, 30, 70):
        here = kitchen.claim(Wanted("staging", 60), by=mara)
        assert kitchen.places()[0].lasts is None
        world.fast_forward(timedelta(minutes=minutes))
        if here.expires_at > now():
            kitchen.leave(here, by=mara)

    assert kitchen.places()[0].lasts == kitchen.Lasts(claims=3, asked=60, lasted=30, ran_out=1)


def test_the_kitchen_works_by_its_buttons(browser: Client, mara: Person) -> None:
    browser.post("/processes/kitchen/", {"place": "staging", "minutes": "60", "what": "httpd"})
    pk = Claim.objects.get().pk
    assert "You are in staging." in browser.get("/processes/kitchen/").content.decode()
    part = browser.get("/processes/kitchen/?part=places").content.decode()
    assert "I am done" in part
    assert "<main" not in part
    for do in ("stay", "leave"):
        browser.post(f"/processes/kitchen/{pk}/", {"do": do, "minutes": "30"})
    assert Claim.objects.get().end == "left"
