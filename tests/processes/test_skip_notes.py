"""Skip notes: nothing of who gave one is kept anywhere, and no tally or change of a tally shows a single one."""

import logging
from collections.abc import Callable
from datetime import timedelta
from itertools import pairwise

import pytest
from django.db import connection
from django.test import Client

from raglan.core import timers
from raglan.core.clock import CLOCK, now
from raglan.core.errors import BadInput, Conflict, Overloaded
from raglan.core.models import Event, Timer
from raglan.people import actions as people
from raglan.people.models import Person
from raglan.processes import actions, skipping
from raglan.processes.models import Process, ProcessStep, SkipNote
from raglan.processes.numbers import middle
from raglan.processes.skipping import Skipped, Tally
from raglan.testing import world

Why = SkipNote.Why
Rows = dict[str, list[tuple[object, ...]]]
WHERE = {"REMOTE_ADDR": "203.0.113.77", "HTTP_USER_AGENT": "Telltale/9.1"}


def everything() -> Rows:
    """Return every row of every table."""
    with connection.cursor() as cursor:
        found: Rows = {}
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f'SELECT * FROM "{table}"')
            found[table] = sorted(cursor.fetchall(), key=repr)
    return found


def changes(act: Callable[[], object]) -> Rows:
    """Do something; return the rows that are new or other than before, by table."""
    before = everything()
    act()
    after = everything()
    news = {table: [row for row in rows if row not in before[table]] for table, rows in after.items()}
    return {table: rows for table, rows in news.items() if rows}


def step(process: Process, place: int = 1) -> ProcessStep:
    return process.steps.get(place=place)


def give(process: Process, times: int = 1, said: Skipped | None = None, *, place: int = 1) -> None:
    for _ in range(times):
        skipping.note(step(process, place), said or Skipped(Why.TOO_SLOW))


def night() -> None:
    CLOCK.move(timedelta(days=1))
    skipping.settle()


def tally(process: Process, place: int = 1) -> Tally:
    return skipping.tallies(process)[place - 1]


def by_screen(browser: Client, process: Process) -> None:
    body = {"step": "1", "why": "blocked", "minutes": "37", "words": "the queue was long"}
    answer = browser.post(f"/processes/{process.slug}/skip/", body, **WHERE)  # type: ignore[arg-type]
    assert (answer.status_code, answer["Location"]) == (302, f"/processes/{process.slug}/?noted")
    assert not answer.cookies, "a message would be kept for whoever gave it"


def by_rest(browser: Client, process: Process, secret: str) -> None:
    body = {"step": 1, "why": "blocked", "minutes": 37, "words": "the queue was long"}
    headers = {"Authorization": f"Bearer {secret}"}
    path = f"/api/v1/processes/{process.slug}/skip-notes"
    answer = browser.post(path, body, content_type="application/json", headers=headers, **WHERE)  # type: ignore[arg-type]
    assert answer.status_code == 202
    assert answer.json().keys() == {"kept", "message"}


@pytest.fixture
def secret(mara: Person, browser: Client, process: Process) -> str:
    """A token that was used a moment ago: when it was used last is kept to the minute, whatever it was used for."""
    _, found = people.issue_token(mara, name="Laptop", scopes=["read", "respond"], days=30, actor=mara)
    browser.get(f"/api/v1/processes/{process.slug}", headers={"Authorization": f"Bearer {found}"})
    return found


@pytest.mark.parametrize("way", ["screen", "rest"])
def test_a_note_leaves_one_row_and_nothing_else(
    browser: Client, mara: Person, process: Process, secret: str, way: str, caplog: pytest.LogCaptureFixture
) -> None:
    browser.get(f"/processes/{process.slug}/skip/", **WHERE)  # type: ignore[arg-type]
    events, due = Event.objects.count(), Timer.objects.count()
    caplog.set_level(logging.DEBUG)
    caplog.clear()

    def act() -> None:
        by_screen(browser, process) if way == "screen" else by_rest(browser, process, secret)

    (table, rows), *others = changes(act).items()

    assert (table, len(rows), others) == ("processes_skipnote", 1, [])
    assert (Event.objects.count(), Timer.objects.count()) == (events, due)
    note = SkipNote.objects.get()
    assert sorted(map(str, rows[0])) == sorted(
        map(str, [note.pk, step(process).pk, "blocked", "the queue was long", 37, now().date(), "fresh"])
    )
    said = "\n".join(
        f"{record.getMessage()} {record.__dict__}" for record in caplog.records if "sql" not in record.__dict__
    )
    for trace in (mara.name, mara.email, f"person:{mara.pk}", "203.0.113.77", "Telltale", "skip", "blocked", secret):
        assert trace not in said


def test_no_column_can_hold_a_person_or_a_time() -> None:
    kinds = {field.name: field.get_internal_type() for field in SkipNote._meta.get_fields()}

    assert kinds == {
        "id": "BigIntegerField",
        "step": "ForeignKey",
        "why": "CharField",
        "words": "CharField",
        "minutes": "PositiveIntegerField",
        "day": "DateField",
        "state": "CharField",
    }


def test_keys_say_nothing_of_the_order(process: Process) -> None:
    found = []
    for _ in range(20):
        give(process)
        found.append(SkipNote.objects.exclude(pk__in=found).values_list("pk", flat=True).get())

    assert found != sorted(found)
    assert max(found) > 2**52


def test_the_day_is_forgotten_at_night(process: Process) -> None:
    give(process)
    skipping.settle()
    assert SkipNote.objects.get().day == now().date()

    night()
    assert (SkipNote.objects.get().day, SkipNote.objects.get().state) == (None, "waiting")


def test_a_tally_says_nothing_below_five_notes(process: Process) -> None:
    for expected in (0, 0, 0, 0, 5):
        give(process, said=Skipped(Why.TOO_SLOW, 20, "waited"))
        night()
        found = tally(process)
        assert (found.notes, found.minutes, list(found.words)) == (
            (expected, 20, ["waited"]) if expected else (0, None, [])
        )


def test_a_tally_does_not_move_when_a_note_is_given(process: Process) -> None:
    give(process, 5)
    night()
    before = tally(process)
    give(process, 40)

    assert tally(process) == before


def test_a_tally_grows_by_five_or_more(process: Process) -> None:
    seen = []
    for _ in range(30):
        give(process, 2)
        night()
        seen.append(tally(process).notes)

    steps = {after - before for before, after in pairwise(seen)}
    assert min(steps - {0}) >= 5
    assert seen[-1] == 60


def test_reasons_are_shown_in_steps_of_five(process: Process) -> None:
    give(process, 7)
    give(process, 4, Skipped(Why.OTHER))
    night()

    assert [(one.words, one.at_least) for one in tally(process).reasons] == [("Too slow", 5)]


def test_minutes_are_the_rounded_middle_of_five_or_more(process: Process) -> None:
    give(process, 4, Skipped(Why.TOO_SLOW, 33))
    give(process)
    give(process, 5, Skipped(Why.TOO_SLOW, 33), place=2)
    night()

    assert (tally(process).minutes, tally(process, 2).minutes) == (None, 35)


def test_growing_is_told_by_nobody_at_night(process: Process, mara: Person) -> None:
    give(process, 6)
    newest = Event.objects.order_by("-pk").first()
    night()

    told = Event.objects.filter(pk__gt=newest.pk if newest else 0).order_by("pk").get()
    assert (told.kind, told.actor, told.data) == (
        "process.tally_grew",
        "raglan",
        {"step": step(process).pk, "notes": 6},
    )


def test_it_is_settled_every_night_whether_there_are_notes_or_not(db: None) -> None:
    timers.schedule(skipping.SETTLE, subject="processes", due_at=now())
    world.fire_all()

    due = Timer.objects.get(kind=skipping.SETTLE).due_at
    assert now() < due <= now() + timedelta(days=1)
    assert (due.hour, due.minute) == (0, 10)


def test_after_a_rethink_the_tally_begins_anew(process: Process, mara: Person) -> None:
    give(process, 5)
    night()
    actions.rethink(process, "Two steps became one", writer=actions.by(mara))

    assert (tally(process).notes, tally(process).earlier) == (0, 5)


def test_a_step_keeps_its_notes_in_other_words(process: Process, mara: Person) -> None:
    give(process, 5)
    night()
    draft = actions.Draft("Change a cookbook", "Same", skipping_steps("Book an environment", "Run it on one host"))
    actions.rewrite(process, draft, seen_version=1, writer=actions.by(mara))

    assert [(one.step.title, one.notes) for one in skipping.tallies(process)] == [
        ("Book an environment", 5),
        ("Run it on one host", 0),
    ]


def test_a_step_that_comes_back_has_its_notes_again(process: Process, mara: Person) -> None:
    give(process, 5)
    night()
    first = step(process)
    for version, titles in (
        (1, ("Run it on one host", "Look at it")),
        (2, ("Look at it", "Reserve the test environment")),
    ):
        draft = actions.Draft("Change a cookbook", "Same", skipping_steps(*titles))
        actions.rewrite(process, draft, seen_version=version, writer=actions.by(mara))

    assert [(one.step.title, one.notes) for one in skipping.tallies(process)][1] == (first.title, 5)


def test_what_is_not_in_use_takes_no_note(process: Process, mara: Person) -> None:
    gone = actions.remove(process, writer=actions.by(mara))
    with pytest.raises(Conflict):
        give(gone)


def skipping_steps(*titles: str) -> list[actions.StepDraft]:
    return [actions.StepDraft(title) for title in titles]


@pytest.mark.parametrize(
    ("said", "field"),
    [(Skipped("lazy"), "why"), (Skipped(Why.OTHER, -1), "minutes"), (Skipped(Why.OTHER, words="x" * 141), "words")],
)
def test_a_note_that_can_not_be_kept_is_refused(process: Process, said: Skipped, field: str) -> None:
    with pytest.raises(BadInput) as error:
        skipping.note(step(process), said)
    assert error.value.field == field


def test_nobody_can_fill_the_tally_without_end(process: Process) -> None:
    with pytest.raises(Overloaded):
        give(process, skipping.MOST_A_DAY + 1)


def test_a_note_that_is_refused_is_in_no_line_of_the_log(
    browser: Client, process: Process, secret: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    refused = browser.post(f"/processes/{process.slug}/skip/", {"step": "1", "why": "lazy"})
    path = f"/api/v1/processes/{process.slug}/skip-notes"
    headers = {"Authorization": f"Bearer {secret}"}
    also = browser.post(path, {"step": 1, "why": "lazy"}, content_type="application/json", headers=headers)

    assert (refused.status_code, also.status_code) == (422, 422)
    assert [record.getMessage() for record in caplog.records if "skip" in record.getMessage()] == []


def test_the_middle_is_between_two_where_there_are_two() -> None:
    assert [middle([3, 1, 2]), middle([4, 1, 2, 3]), middle([7])] == [2, 2.5, 7]
