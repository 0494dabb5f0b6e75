"""Events of changes are enough: told to an older copy of the state, they give the stored one."""

from dataclasses import asdict
from datetime import UTC, datetime, timedelta

import pytest

from raglan.changes import actions, events, grouping, proposing, queries
from raglan.changes.models import Change, ChangePackage, Expectation, PsaNote, RolloutGroup
from raglan.core import timeline
from raglan.core.clock import now
from raglan.testing import replay, world

pytestmark = pytest.mark.django_db
TOLD = ("key", "title", "origin", "told_by", "at", "received_at", "links", "details")
WATCHED = ("state", "author_id", "is_found", "note", "started_at", "ended_at", "state_words")
NOTE = ("key", "title", "did", "happened", "expected", "spot", "packages", "audience", "change_id", "author_id", "at")
EXPECTED = tuple(asdict(proposing.Expected()))
AT = datetime(2026, 11, 23, 14, 5, tzinfo=UTC)


def stored() -> replay.State:
    packages = ChangePackage.objects.values_list("change", "name", "version")
    return {
        "changes": replay.rows(Change, (*TOLD, *WATCHED)),
        "expectations": replay.rows(Expectation, EXPECTED),
        "packages": {(change, name): {"version": version} for change, name, version in packages},
        "groups": {(row.change_id, row.position): asdict(group) for row, group in grouped()},
        "notes": replay.rows(PsaNote, NOTE),
    }


def grouped() -> list[tuple[RolloutGroup, grouping.Group]]:
    rows = list(RolloutGroup.objects.select_related("change").order_by("change", "position"))
    return [(row, queries.groups_of(row.change)[row.position]) for row in rows]


def tell_proposed(state: replay.State, said: events.ChangeProposed) -> None:
    own = {"change", "packages", "expectation", "author", "groups"}
    plain = replay.fresh(Change, (*TOLD, *WATCHED)) | {"author_id": said.author}
    state["changes"][said.change] = {"pk": said.change, **plain, **said.model_dump(exclude=own)}
    if said.expectation:
        state["expectations"][said.change] = {"pk": said.change, **said.expectation}
    for place, group in enumerate(said.groups):
        state["groups"][(said.change, place)] = dict(group)
    for name, version in said.packages:
        state["packages"][(said.change, name)] = {"version": version}


def tell(state: replay.State, event: timeline.Happened, said: timeline.EventPayload) -> None:
    """Let a copy of the state hear of one event."""
    changes = state["changes"]
    match said:
        case events.ChangeRecorded():
            plain = replay.fresh(Change, WATCHED)
            changes[said.change] = {"pk": said.change, **plain, **said.model_dump(exclude={"change"})}
        case events.ChangeProposed():
            tell_proposed(state, said)
        case events.ChangeTurned():
            moved = said.model_dump(include={"state", "at", "started_at", "ended_at"})
            changes[said.change] |= {**moved, "state_words": said.words}
        case events.ChangeTakenOn():
            changes[said.change]["author_id"] = said.author
        case events.PsaNoteWritten():
            links = {"change_id": said.change, "author_id": said.author}
            state["notes"][said.note] = {
                "pk": said.note,
                **links,
                **said.model_dump(exclude={"note", "change", "author"}),
            }


def recording() -> None:
    links = [{"href": "https://ci.example.test/1", "text": "build"}] * 30
    told = actions.Told("Deploy " + "x" * 400, "ci", AT, links, {f"n{n}": "v" * 2_000 for n in range(100)})
    for _ in range(2):
        actions.record(told, told_by="ci", actor="raglan")
    actions.record(actions.Told("Without a time"), told_by="ci", actor="raglan")


def test_events_told_to_an_older_copy_give_the_stored_state() -> None:
    assert replay.differences(stored, tell, recording) == {}
    assert Change.objects.count() == 2


def proposing_and_turning() -> None:
    mara = world.person()
    by = proposing.Teller("ci", "token:1")
    expected = proposing.Expected("version", "nothing", "", "as it was", ("httpd.service",), ("web",), (), ("prod",))
    proposal = proposing.Proposal(
        "Raise the pin",
        [("httpd", "2.4.6-45")],
        expected,
        "https://ci.test/1",
        key="9f3c1e",
        groups=[grouping.Group("first", "web1", soak_min=30)],
    )
    change = proposing.propose(proposal, by=by)
    assert proposing.propose(proposal, by=by) == change
    proposing.turn(change, "under_way", actor=mara)
    proposing.take_on(change, by=mara)
    proposing.turn(change, "stopped", actor=mara, words="It upgrades existing hosts.")
    proposing.write_psa(proposing.Trap("Pins", "raised one", "all went", change=change), by=by)
    proposing.keep_found("curl moves", key="curl", packages=[("curl", "8")], started_at=AT)
    proposing.keep_found("curl moves", key="curl", packages=[("curl", "8")], started_at=AT)


def test_events_of_proposals_give_the_stored_state() -> None:
    assert replay.differences(stored, tell, proposing_and_turning) == {}
    assert [change.is_found for change in Change.objects.order_by("pk")] == [False, True]


def test_the_same_change_told_by_another_is_another() -> None:
    for who in ("ci", "mara"):
        actions.record(actions.Told("Deploy", at=AT), told_by=who, actor="raglan")

    assert Change.objects.count() == 2


def test_only_what_changed_in_the_day_before_is_shown_beside_an_alert() -> None:
    for hours in (-30, -23, -1, 5):
        told = actions.Told(f"{hours} h", at=now() + timedelta(hours=hours))
        actions.record(told, told_by="ci", actor="raglan")

    assert [change.title for change in queries.around(now())] == ["-1 h", "-23 h"]
