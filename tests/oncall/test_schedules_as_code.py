"""Schedules as code: read, explained without a server, exported, planned and imported."""

import json
import subprocess
import sys
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st

from raglan.cli import cli
from raglan.core.clock import CLOCK
from raglan.core.errors import BadInput
from raglan.core.models import Event
from raglan.oncall import actions, as_code, code_out, importing, queries, resolve, written
from raglan.oncall.models import Rotation, Schedule
from raglan.people import actions as people
from raglan.people.models import Person, Team
from raglan.testing import world
from tests.oncall.builders import DAY, HOUR, MONDAY, cover, draft, rota
from tests.oncall.test_layers_are_stored import OFFICE
from tests.oncall.test_rest import Api

FILE = """\
schedule: web
name: Web duty
time_zone: Europe/Berlin
layers:
  - starts: 2026-01-05
    turns: {every: 1, unit: weeks, on: Monday, at: "09:00"}
    people: [Mara Novak, Ike Okafor]
  - name: Office hours
    rank: 1
    starts: 2026-01-05
    turns: {every: 1, unit: days, at: "00:00"}
    active_days: true
    windows: ["Mon-Fri 09:00-17:00"]
    people:
      - [Mara Novak, Rowan Ellis]
      - Ike Okafor
overrides:
  - kind: replace_one
    person: Sol Adeyemi
    instead_of: Rowan Ellis
    from: 2026-01-05 09:00
    until: 2026-01-05 12:00
    reason: dentist
"""


def explained(text: str, *options: str, tmp: Path) -> tuple[int, str]:
    path = tmp / "web.yaml"
    path.write_text(text, encoding="utf-8")
    result = CliRunner().invoke(cli, ["oncall", "explain", "--file", str(path), *options])
    return result.exit_code, result.output


def test_a_file_says_who_is_on_call_and_why(tmp_path: Path) -> None:
    code, words = explained(FILE, "--at", "2026-01-05 10:00", tmp=tmp_path)
    assert code == 0
    assert words.splitlines() == [
        "Web duty, times in Europe/Berlin",
        "At Mon 05 Jan 2026 10:00:",
        "  Mara Novak: it is their turn in Office hours",
        "  Sol Adeyemi: takes this time in place of Rowan Ellis: dentist",
        "until Mon 05 Jan 2026 12:00, then Mara Novak, Rowan Ellis",
    ]


def test_a_file_is_explained_as_json(tmp_path: Path) -> None:
    code, words = explained(FILE, "--at", "2026-01-05 18:00", "--json", tmp=tmp_path)
    answer = json.loads(words)
    assert (code, answer["until"], answer["next"]) == (0, "2026-01-06T08:00:00+00:00", ["Ike Okafor"])
    assert answer["people"] == [
        {
            "name": "Mara Novak",
            "why": "it is their turn",
            "source": "rotation",
            "layer": "",
            "override": None,
            "instead_of": [],
        }
    ]


def test_all_shifts_and_gaps_are_listed_up_to_a_time(tmp_path: Path) -> None:
    code, words = explained(FILE, "--at", "2026-01-05 08:00", "--until", "2026-01-06 10:00", tmp=tmp_path)
    assert code == 0
    assert "Mon 05 Jan 2026 08:00 to Mon 05 Jan 2026 09:00\n  nobody\n" in words
    assert "Tue 06 Jan 2026 09:00 to Tue 06 Jan 2026 10:00\n  Ike Okafor: it is their turn in Office hours" in words


def test_explaining_needs_neither_django_nor_a_server(tmp_path: Path) -> None:
    path = tmp_path / "web.yaml"
    path.write_text(FILE, encoding="utf-8")
    code = (
        "import sys; from raglan.cli import cli\n"
        f"cli.main(['oncall', 'explain', '--file', {str(path)!r}, '--at', '2026-01-05 10:00'], standalone_mode=False)\n"
        "print([name for name in ('django', 'pydantic', 'ninja', 'icalendar') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("schedule: web", "schedule: Web!", "line 1: write small letters"),
        ("Europe/Berlin", "Mars/Base", "line 3: Mars/Base is not a time zone"),
        ("Europe/Berlin", "../../etc/passwd", "line 3: ../../etc/passwd is not a time zone"),
        ("unit: weeks", "unit: fortnights", "line 6: write one of hours, days, weeks, months, weekdays"),
        ("every: 1, unit: days", "every: 0, unit: days", "line 11: write a whole number from 1 to 366"),
        ('at: "09:00"', 'at: "25:00"', "line 6: '25:00' is not a time of day"),
        ("Mon-Fri 09:00", "Mon-Fry 09:00", "line 13: 'Fry' is not a weekday"),
        ("starts: 2026-01-05", "starts: soon", "line 5: write a date"),
        ("rank: 1", "rank: high", "line 9: write a whole number"),
        ("active_days: true", "active_days: yes", "line 12: write true or false"),
        ("rank: 1", "colour: red", "line 9: colour is not a field here"),
        ("rank: 1", "rank: 1\n    rank: 2", "line 10: rank stands here twice"),
        ("rank: 1", "rank: &a 1", "line 9: anchors and aliases are not read"),
        ("rank: 1", "rank: !!int 1", "line 9: tags are not read"),
        ("rank: 1", "<<: {rank: 1}", "line 9: the name of a field is a text"),
        ("until: 2026-01-05 12:00", "until: 2026-01-05 08:00", "line 22: must be after from"),
        ("rank: 1", "from: 2026-05-01\n    until: 2026-04-01", "line 10: must be after from"),
        ("rank: 1", "from: 2026-05-01\n    until: 2026-05-01", "line 10: must be after from"),
        ("rank: 1", "until: 2026-01-01", "line 9: must be after the first handoff"),
        ("    instead_of: Rowan Ellis\n", "", "line 18: instead_of belongs to kind: replace_one"),
        ("name: Web duty", "name: 'Web duty", "this is not YAML or JSON"),
        ("name: Web duty", "name: x\n---\nname: y", "a file has one document"),
    ],
)
def test_a_wrong_file_is_refused_with_its_line(old: str, new: str, words: str) -> None:
    assert old in FILE
    with pytest.raises(BadInput) as refused:
        as_code.read(FILE.replace(old, new, 1))
    assert words in refused.value.sentence
    assert refused.value.status == 422


WEEKLY = '  - {starts: 2026-01-05, turns: {on: Monday, at: "09:00"}, people: [Mara Novak]'
DAILY = '  - {starts: 2026-01-05, turns: {unit: days}, windows: ["Mon-Fri 09:00-17:00"], people: [Ike Okafor]'


def two(one: str, other: str) -> str:
    return f"schedule: web\ntime_zone: Europe/Berlin\nlayers:\n{WEEKLY}{one}}}\n{DAILY}{other}}}\n"


@pytest.mark.parametrize(
    ("one", "other", "words"),
    [
        ("", ", rank: 1", "line 5: this is a second layer without a name, for the same time; give each layer a name"),
        ("", "", "line 5: this is a second layer without a name"),
        (", name: day", ", name: day, rank: 1", "line 5: layer day stands here twice, for the same time"),
        (", until: 2026-03-01", "", "line 5: this is a second layer without a name"),
        ("", ", from: 2026-01-05", "line 5: this is a second layer without a name"),
        (", from: 2026-03-01", ", from: 2026-03-01", "line 5: this is a second layer without a name"),
        (", from: 2026-03-01", ", from: 2026-04-01", ""),
        ("", ", from: 2026-04-01", ""),
        (", from: 2026-04-01", "", ""),
        (", from: 2026-04-01", ", until: 2026-04-01", ""),
        ("", ", name: day", ""),
        (", name: night", ", name: day", ""),
    ],
)
def test_two_entries_of_one_layer_for_the_same_time_are_refused(
    tmp_path: Path, one: str, other: str, words: str
) -> None:
    code, said = explained(two(one, other), "--at", "2026-02-02 10:00", tmp=tmp_path)
    assert code == (1 if words else 0)
    assert words in said
    if words:
        with pytest.raises(BadInput) as refused:
            as_code.read(two(one, other))
        assert refused.value.field == "layers[1]"


def test_two_layers_without_a_name_are_neither_planned_nor_imported(mara: Person, ike: Person) -> None:
    api = Api(None, ["read", "configure"])
    for path in ("/on-call/plan", "/on-call/import"):
        status, problem = api.send("post", path, {"text": two("", ", rank: 1")})
        assert (status, problem["field"]) == (422, "layers[1]")
        assert "give each layer a name of its own" in str(problem["message"])
    assert not Schedule.objects.exists()


def test_a_turn_order_that_an_earlier_one_precedes_is_exported_with_its_start(mara: Person, ike: Person) -> None:
    web = actions.create_schedule(
        name="Web",
        slug="web",
        team=None,
        time_zone="UTC",
        rotation=draft(mara, starts_on=(MONDAY + 21 * DAY).date()),
        actor=mara,
    )
    actions.set_rotation(web, draft(ike), actor=mara)
    text = code_out.write(importing.document_of(queries.schedule("web"), with_addresses=True))
    outcome = importing.plan(as_code.read(text), by=mara, actor=mara, days=60)
    assert (text.count("from:"), outcome.steps, outcome.moves) == (2, [], [])


@pytest.mark.parametrize("text", ["", "# nothing", "[]", "3", "null", "{}", "\x00", "a: [", "- " * 3000, "[" * 100])
def test_what_is_no_schedule_is_refused_calmly(text: str) -> None:
    with pytest.raises(BadInput):
        as_code.read(text)


def test_a_bomb_of_aliases_or_of_size_is_refused_at_once() -> None:
    with pytest.raises(BadInput, match="aliases"):
        written.read("a: &a [x, x]\nb: &b [*a, *a]\nc: [*b, *b]")
    with pytest.raises(BadInput, match="1 MiB"):
        written.read("a" * (1024 * 1024 + 1))
    with pytest.raises(BadInput, match="20000 values"):
        written.read("[" + "x," * 30_000 + "]")


@settings(max_examples=150, deadline=None)
@given(st.text(max_size=200) | st.text(alphabet="{}[]:,-&*!#\"' \n\tab", max_size=80))
def test_any_text_is_read_or_refused(text: str) -> None:
    with suppress(BadInput):
        as_code.read(text)


def test_json_is_the_same_form() -> None:
    text = json.dumps(
        {
            "schedule": "web",
            "time_zone": "UTC",
            "layers": [{"starts": "2026-01-05", "people": ["Zoë \U0001f600"], "rank": 1, "active_days": False}],
        },
        indent="\t",
    )
    document = as_code.read(text)
    assert (document.layers[0].people, document.layers[0].rank) == ((("Zoë \U0001f600",),), 1)


def test_what_is_written_is_read_back_as_it_was() -> None:
    document = as_code.read(FILE)
    assert as_code.read(code_out.write(document)) == document


def full_rota(*people: Person) -> Schedule:
    mara, ike, rowan = people
    web = rota(mara, ike, zone="Europe/Berlin")
    layer = replace(draft((mara.pk, rowan.pk), ike), unit="days", windows=OFFICE, active_days=True)
    actions.set_rotation(web, replace(layer, layer="Office", rank=2), actor=mara)
    actions.set_rotation(
        web, replace(layer, layer="Fridays", unit="weekdays", weekdays=(4,), active_days=False), actor=mara
    )
    actions.set_rotation(web, replace(draft(rowan), effective_from=MONDAY + 20 * DAY), actor=mara)
    cover(web, rowan, MONDAY + DAY, MONDAY + 2 * DAY, 'at "the" dentist: 9')
    return web


def test_an_export_brought_back_changes_nothing(mara: Person, ike: Person, rowan: Person) -> None:
    full_rota(mara, ike, rowan)
    text = code_out.write(importing.document_of(queries.schedule("web"), with_addresses=True))
    events, rows = Event.objects.count(), Rotation.objects.count()
    outcome = importing.plan(as_code.read(text), by=mara, actor=mara, days=60)
    assert (outcome.steps, outcome.moves) == ([], [])
    assert importing.take_over(as_code.read(text), by=mara, actor=mara).steps == []
    assert (Event.objects.count(), Rotation.objects.count()) == (events, rows)


def test_an_export_by_names_brought_back_changes_nothing(mara: Person, ike: Person, rowan: Person) -> None:
    full_rota(mara, ike, rowan)
    text = code_out.write(importing.document_of(queries.schedule("web"), with_addresses=False))
    assert importing.take_over(as_code.read(text), by=mara, actor=mara).steps == []
    assert not [person for person in (mara, ike, rowan) if person.email in text]


@pytest.mark.parametrize("role", [Person.Role.VIEWER, Person.Role.RESPONDER, Person.Role.MANAGER])
def test_addresses_are_exported_only_for_who_may_configure(
    mara: Person, ike: Person, rowan: Person, role: Person.Role
) -> None:
    full_rota(mara, ike, rowan)
    reader = world.person("Rea Stone", role=role)
    text = str(Api(reader, ["read", "configure"]).get("/schedules/web/code")[1]["text"])  # type: ignore[index]  # an object
    assert (mara.email in text, ike.email in text, rowan.email in text) == (role == Person.Role.MANAGER,) * 3
    assert (mara.name in text) == (role != Person.Role.MANAGER)
    narrow = str(Api(None, ["read"]).get("/schedules/web/code")[1]["text"])  # type: ignore[index]  # an object
    assert "@" not in narrow


def test_two_of_one_name_stay_two_in_an_export_by_names(mara: Person) -> None:
    other = world.person("mara novak")
    rota(mara, other)
    document = importing.document_of(queries.schedule("web"), with_addresses=False)
    assert document.layers[0].people == ((f"Mara Novak (person {mara.pk})",), (f"mara novak (person {other.pk})",))
    with pytest.raises(BadInput, match="there is nobody called"):
        importing.plan(document, by=mara, actor=mara, days=7)


def test_an_export_explained_without_a_server_agrees_with_the_server(mara: Person, ike: Person, rowan: Person) -> None:
    web = full_rota(mara, ike, rowan)
    document = as_code.read(code_out.write(importing.document_of(queries.schedule("web"), with_addresses=True)))
    pure, names = as_code.schedule_of(document)
    for shift in queries.shifts_between(web, MONDAY + HOUR, MONDAY + 60 * DAY):
        answer = resolve.who_is_on_call(pure, shift.starts_at)
        assert [names[pk] for pk in answer.people] == [person.email for person in shift.people]


def test_a_plan_says_which_shifts_move_and_keeps_nothing(mara: Person, ike: Person, rowan: Person) -> None:
    rota(mara, ike)
    text = code_out.write(importing.document_of(queries.schedule("web"), with_addresses=True)).replace(
        ike.email, rowan.email
    )
    events = Event.objects.count()
    outcome = importing.plan(as_code.read(text), by=mara, actor=mara, days=21)
    assert [(move.starts_at, move.before, move.after) for move in outcome.moves] == [
        (MONDAY + 7 * DAY - 3 * HOUR, (ike.pk,), (rowan.pk,)),
        (MONDAY + 21 * DAY - 3 * HOUR, (ike.pk,), (rowan.pk,)),
    ]
    assert (Event.objects.count(), Rotation.objects.count()) == (events, 1)


def test_an_import_changes_the_future_as_planned_and_not_the_past(mara: Person, ike: Person, rowan: Person) -> None:
    web = rota(mara, ike)
    past = queries.shifts_between(queries.schedule("web"), MONDAY - 60 * DAY, MONDAY)
    text = code_out.write(importing.document_of(queries.schedule("web"), with_addresses=True)).replace(
        ike.email, rowan.email
    )
    planned = importing.plan(as_code.read(text), by=mara, actor=mara, days=60)
    before = queries.load(queries.schedule("web"))
    importing.take_over(as_code.read(text), by=mara, actor=mara)
    after = queries.load(queries.schedule("web"))
    moves = resolve.changes(before, after, MONDAY, MONDAY + 60 * DAY)
    assert [replace(m, ends_at=min(m.ends_at, MONDAY + 59 * DAY)) for m in moves] == [
        replace(m, ends_at=min(m.ends_at, MONDAY + 59 * DAY)) for m in planned.moves
    ]
    assert queries.shifts_between(queries.schedule("web"), MONDAY - 60 * DAY, MONDAY) == past
    assert web.slug == "web"


def test_a_layer_that_the_file_does_not_have_ends(mara: Person, ike: Person, rowan: Person) -> None:
    full_rota(mara, ike, rowan)
    document = importing.document_of(queries.schedule("web"), with_addresses=True)
    kept = replace(document, layers=tuple(layer for layer in document.layers if not layer.name), overrides=())
    steps = importing.take_over(kept, by=mara, actor=mara).steps
    assert steps == [
        "layer Office: the turn order ends now",
        "layer Fridays: the turn order ends now",
        "override of Rowan Ellis ends",
    ]
    assert queries.who("web", MONDAY + DAY).people == (mara,)


def test_a_file_makes_a_rota_over_rest_and_is_exported_again(
    monday: None, mara: Person, ike: Person, rowan: Person
) -> None:
    api = Api(None, ["read", "respond", "configure"])
    text = FILE.replace("Sol Adeyemi", mara.email).replace("2026-01-05 ", "2026-12-01 ")
    status, planned = api.send("post", "/on-call/plan", {"text": text})
    assert (status, planned["steps"][0]) == (200, "new rota Web duty, with 2 turn orders")
    assert not Schedule.objects.exists()
    assert api.send("post", "/on-call/import", {"text": text})[0] == 200
    assert api.send("post", "/on-call/import", {"text": text})[1]["steps"] == []
    exported = str(api.get("/schedules/web/code")[1]["text"])  # type: ignore[index]  # an object
    assert as_code.read(exported).layers[1].windows == OFFICE
    assert queries.schedule("web").created_at - MONDAY < timedelta(minutes=1)


def test_a_name_that_nobody_has_is_refused_with_its_line(mara: Person, ike: Person) -> None:
    api = Api(None, ["read", "configure"])
    status, problem = api.send("post", "/on-call/import", {"text": FILE})
    assert (status, problem["field"]) == (422, "layers[1].people[0][1]")
    assert "line 15: there is nobody called Rowan Ellis" in str(problem["message"])
    assert api.send("post", "/on-call/plan", {"text": "a: [", "days": 7})[0] == 422
    assert Api(None, ["read"]).send("post", "/on-call/import", {"text": FILE})[0] == 403


def over_one_time(first: Person, *later: Person) -> str:
    lines = "".join(
        f"  - {{person: {person.email}, from: 2026-11-24T12:00:00+00:00, until: 2026-11-25T12:00:00+00:00}}\n"
        for person in (first, *later)
    )
    return f"{BARE}overrides:\n{lines}"


BARE = """\
schedule: web
time_zone: UTC
layers:
  - {starts: 2026-01-05, turns: {on: Monday, at: "09:00"}, people: [Mara Novak]}
"""


def by_the_file(text: str, at: str) -> list[str]:
    pure, names = as_code.schedule_of(as_code.read(text))
    return [names[pk] for pk in resolve.who_is_on_call(pure, written.Part(at, "", {}).instant("UTC")).people]


def test_of_overrides_for_one_time_the_later_in_the_file_counts(mara: Person, ike: Person, rowan: Person) -> None:
    sol = world.person("Sol Adeyemi", time_zone="UTC")
    rota(mara)
    noon = MONDAY + 2 * DAY - HOUR
    orders = [(ike, sol), (sol, ike), (rowan, ike), (rowan, sol), (ike, rowan, sol), (sol, ike, rowan), (ike,)]
    for turns in orders:
        text = over_one_time(*turns)
        document = as_code.read(text)
        before = queries.who("web", noon).people
        outcome = importing.plan(document, by=mara, actor=mara, days=7)
        assert {move.after for move in outcome.moves} == ({(turns[-1].pk,)} if before != (turns[-1],) else set())
        importing.take_over(document, by=mara, actor=mara)
        assert queries.who("web", noon).people == (turns[-1],)
        assert by_the_file(text, noon.isoformat()) == [turns[-1].email]
        assert importing.take_over(document, by=mara, actor=mara).steps == []


def test_overrides_in_another_order_are_named_in_the_plan(mara: Person, ike: Person, rowan: Person) -> None:
    rota(mara)
    importing.take_over(as_code.read(over_one_time(ike, rowan)), by=mara, actor=mara)
    outcome = importing.plan(as_code.read(over_one_time(rowan, ike)), by=mara, actor=mara, days=7)
    assert outcome.steps == ["override of Ike Okafor (replace_everybody) counts after those written before it"]


def test_overrides_that_do_not_meet_stay_in_whatever_order_they_stand(mara: Person, ike: Person, rowan: Person) -> None:
    web = rota(mara)
    cover(web, ike, MONDAY + DAY, MONDAY + 2 * DAY)
    cover(web, rowan, MONDAY + 2 * DAY, MONDAY + 3 * DAY)
    document = importing.document_of(queries.schedule("web"), with_addresses=True)
    assert document.overrides is not None
    turned = replace(document, overrides=document.overrides[::-1])
    assert importing.take_over(turned, by=mara, actor=mara).steps == []


def test_a_running_override_that_is_written_again_leaves_no_gap(mara: Person, ike: Person, rowan: Person) -> None:
    web = rota(mara)
    cover(web, ike, MONDAY, MONDAY + 2 * DAY)
    last = cover(web, rowan, MONDAY, MONDAY + 2 * DAY)
    document = importing.document_of(queries.schedule("web"), with_addresses=True)
    assert document.overrides is not None
    turned = replace(document, overrides=document.overrides[::-1])
    moves = importing.plan(turned, by=mara, actor=mara, days=7).moves
    assert [(move.before, move.after) for move in moves] == [((rowan.pk,), (ike.pk,))]
    importing.take_over(turned, by=mara, actor=mara)
    seen = queries.shifts_between(queries.schedule("web"), last.starts_at, MONDAY + 2 * DAY)
    assert [shift.people for shift in seen] == [(rowan,), (ike,)]


def test_a_plan_has_no_move_that_lasts_a_moment(mara: Person, ike: Person, rowan: Person) -> None:
    sol = world.person("Sol Adeyemi", time_zone="UTC")
    web = rota(mara)
    for person in (ike, sol):
        cover(web, person, MONDAY, MONDAY + 2 * DAY)
    document = importing.document_of(queries.schedule("web"), with_addresses=True)
    assert document.overrides is not None
    new = replace(document.overrides[0], person=rowan.email)
    turned = replace(document, overrides=(new, document.overrides[1]))
    assert importing.plan(turned, by=mara, actor=mara, days=7).moves == []


def test_a_layer_that_is_over_is_no_hindrance_to_a_new_rota(mara: Person) -> None:
    over = "  - {name: summer, starts: 2026-06-01, until: 2026-09-01, people: [who left long ago]}\n"
    document = as_code.read(BARE + over)
    assert importing.plan(document, by=mara, actor=mara, days=7).steps == ["new rota web, with 1 turn order"]
    importing.take_over(document, by=mara, actor=mara)
    assert importing.take_over(document, by=mara, actor=mara).steps == []
    assert queries.who("web", MONDAY + DAY).people == (mara,)
    alone = as_code.read(f"schedule: old\ntime_zone: UTC\nlayers:\n{over}")
    assert importing.take_over(alone, by=mara, actor=mara).steps == ["new rota old, with 0 turn orders"]
    assert importing.take_over(alone, by=mara, actor=mara).steps == []


def test_a_planned_change_that_has_come_is_not_undone_by_the_same_file(mara: Person, ike: Person) -> None:
    rota(mara)
    text = BARE + "  - {starts: 2026-01-05, from: 2026-11-24T12:00:00+00:00, people: [Ike Okafor]}\n"
    importing.take_over(as_code.read(text), by=mara, actor=mara)
    CLOCK.move(2 * DAY)
    outcome = importing.plan(as_code.read(text), by=mara, actor=mara, days=21)
    assert (outcome.steps, outcome.moves) == ([], [])
    assert queries.who("web").people == (ike,)


def test_a_rota_with_somebody_who_left_is_exported_and_brought_back(mara: Person, ike: Person, rowan: Person) -> None:
    web = rota(mara, ike)
    cover(web, ike, MONDAY + DAY, MONDAY + 2 * DAY)
    people.deactivate(ike, by=mara)
    for with_addresses in (True, False):
        document = importing.document_of(queries.schedule("web"), with_addresses=with_addresses)
        document = as_code.read(code_out.write(document))
        outcome = importing.plan(document, by=mara, actor=mara, days=60)
        assert (outcome.steps, outcome.moves) == ([], [])
        assert not [item for item in outcome.unready if ike.name in item.words]
        assert importing.take_over(document, by=mara, actor=mara).steps == []


def test_somebody_who_left_is_not_put_on_call_anew(mara: Person, ike: Person, rowan: Person) -> None:
    web = rota(mara, ike)
    cover(web, ike, MONDAY + DAY, MONDAY + 2 * DAY)
    people.deactivate(ike, by=mara)
    text = code_out.write(importing.document_of(queries.schedule("web"), with_addresses=True))
    line = text.splitlines().index(f"      - {ike.email}") + 1
    with pytest.raises(BadInput, match=rf"line {line}: {ike.email} has left; write somebody else"):
        importing.plan(as_code.read(text.replace(mara.email, rowan.email)), by=mara, actor=mara, days=7)
    with pytest.raises(BadInput, match=f"{ike.email} has left") as refused:
        importing.plan(as_code.read(text.replace("2026-11-25", "2026-11-26")), by=mara, actor=mara, days=7)
    assert refused.value.field == "overrides[0].person"


def test_what_a_file_leaves_out_stays_as_it_is(mara: Person) -> None:
    team = Team.objects.create(name="Web", slug="webbers")
    web = rota(mara, team=team)
    assert importing.take_over(as_code.read(BARE), by=mara, actor=mara).steps == []
    web.refresh_from_db()
    assert (web.name, web.team) == ("Web", team)
    text = BARE + 'name: Web duty\nteam: ""\n'
    assert importing.take_over(as_code.read(text), by=mara, actor=mara).steps == ["other name, team or zone"]
    web.refresh_from_db()
    assert (web.name, web.team) == ("Web duty", None)
    document = as_code.read(text)
    assert as_code.read(code_out.write(document)) == document


def test_a_file_without_a_name_makes_a_rota_of_its_short_name(mara: Person, tmp_path: Path) -> None:
    importing.take_over(as_code.read(BARE), by=mara, actor=mara)
    assert queries.schedule("web").name == "web"
    assert explained(BARE, "--at", "2026-01-06", tmp=tmp_path)[1].startswith("web, times in UTC\n")


@pytest.mark.parametrize(
    ("overrides", "words"),
    [
        ("{person: ike}, {kind: replace_one, person: rowan, instead_of: ike}", "rowan: has their own time back"),
        ("{person: ike}, {person: rowan}", "rowan: it is their turn"),
        ("{person: ike, reason: ill}", "ike: takes this time in place of rowan: ill"),
        ("{kind: replace_one, person: ike, instead_of: rowan}", "ike: takes this time in place of rowan"),
        (
            "{kind: replace_one, person: ike, instead_of: rowan}, {kind: replace_one, person: sol, instead_of: ike}",
            "sol: takes this time in place of rowan",
        ),
        ("{kind: add, person: sol}", "sol: takes this time beside the rotation"),
    ],
)
def test_an_override_is_explained_with_whose_place_it_gives(tmp_path: Path, overrides: str, words: str) -> None:
    times = ", from: 2026-02-02, until: 2026-02-03}"
    text = f"{BARE.replace('Mara Novak', 'rowan')}overrides: [{overrides.replace('}', times)}]\n"
    code, said = explained(text, "--at", "2026-02-02 12:00", tmp=tmp_path)
    assert (code, said.splitlines()[2:-1][-1]) == (0, f"  {words}")
