"""A real IRC server: a channel for an incident, both ways, through the end of the server."""

from collections.abc import Iterator

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from raglan.chat import actions, hearing, ports, queries, sending
from raglan.chat.models import Room, Workspace
from raglan.core.errors import BadInput, DeliveryError
from raglan.incidents import actions as incidents
from raglan.incidents.models import Entry, Incident
from raglan.integrations.irc import session
from raglan.integrations.irc.platform import Irc
from raglan.integrations.irc.wire import MOST_BYTES, REST, cut, plain, read
from raglan.paging import actions as paging
from raglan.paging.plan import Target
from raglan.people.models import Person
from raglan.testing import world
from tests.support.ngircd import PASSWORD, Guest, Ngircd, irc_server

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def fast(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session, "LINE_S", 0.001)


@pytest.fixture(scope="module")
def server() -> Iterator[Ngircd]:
    with irc_server() as running:
        yield running


@pytest.fixture
def irc(server: Ngircd, outbox: world.Outbox) -> Workspace:
    settings = {"server": f"127.0.0.1:{server.port}", "tls": "no", "nick": "raglan", "password": PASSWORD}
    return actions.connect(Irc(), actions.Draft("IRC", settings), actor="raglan")


@pytest.fixture
def line(irc: Workspace) -> Iterator[ports.Connection]:
    line = actions.line_to(irc)
    yield line
    line.close()


def hear(irc: Workspace, line: ports.Connection, count: int = 1) -> None:
    """Take in so many messages."""
    new = 0
    while new < count:
        new += hearing.hear(irc, line.hear(irc.cursor, 10))
    world.fire_all()


def say(incident: Incident, by: Person, *texts: str) -> None:
    for text in texts:
        incidents.post(incident, incidents.Said(Entry.Kind.NOTE, text), by=by)
    world.fire_all()


def test_a_channel_goes_on_after_the_end_of_its_server(
    server: Ngircd, irc: Workspace, line: ports.Connection, mara: Person, bo: Person
) -> None:
    incident = incidents.declare("Apache is down", by=mara)
    world.fire_all()
    sending.send_waiting(irc, line)
    room = Room.objects.get(incident=incident).external_id
    guest = Guest(server, "bo").enter(room)
    assert guest.topic(room).startswith("Not known · no lead yet")

    guest.say(room, f"!link {actions.make_code(bo)}")
    hear(irc, line)
    guest.say(room, "the site is slow for me")
    guest.say(room, "!doing restart httpd")
    hear(irc, line, 2)
    say(incident, mara, "two\nlines")
    sending.send_waiting(irc, line)
    assert [text.replace("\x02", "") for text in guest.read()][-3:] == [
        f"Bo Silva is doing: restart httpd – Afterwards: !done {Entry.objects.get(kind='doing').pk} and what happened",
        "Mara Keller: two",
        "| lines",
    ]
    said = list(Entry.objects.filter(incident=incident, author=bo).order_by("pk").values_list("text", flat=True))
    assert said == ["the site is slow for me", "restart httpd"]

    server.kill()
    guest.leave()
    say(incident, mara, *[f"line {number}" for number in range(5)])
    with pytest.raises(DeliveryError):
        sending.send_waiting(irc, line)
    server.start()
    hearing.hear(irc, line.hear(irc.cursor, 0))  # enters its channels again
    again = Guest(server, "bo").enter(room)
    sending.send_waiting(irc, line)
    sending.send_waiting(irc, line)
    assert [text.replace("\x02", "") for text in again.read()] == [f"Mara Keller: line {number}" for number in range(5)]
    again.leave()


def test_a_step_of_a_policy_tells_a_channel_of_people_where_a_command_takes_the_page(
    server: Ngircd, irc: Workspace, line: ports.Connection, mara: Person, bo: Person
) -> None:
    guest = Guest(server, "bo").enter("#operations")
    step = paging.StepDraft(600, (world.target(mara), Target("chat", irc.pk, room="#Operations")))
    page = world.page(world.policy_of(step, slug="web"))
    sending.send_waiting(irc, line)
    told = " ".join(text.replace("\x02", "") for text in guest.read())
    assert told.startswith("Page (critical): “Apache is not running on web-014”, since ")
    assert f"whoever has it: !ack {page.pk}" in told

    guest.say("#operations", f"!link {actions.make_code(bo)}")
    hear(irc, line)
    before = len(guest.read())
    for _ in range(2):
        guest.say("#operations", f"!ack {page.pk}")
    hear(irc, line, 2)
    sending.send_waiting(irc, line)
    page.refresh_from_db()
    assert page.acknowledged_by == bo
    after = [text.replace("\x02", "") for text in guest.read()[before:]]
    has = f"Bo Silva has “{page.title}”"
    assert [text for text in after if text.startswith("Bo Silva has")] == [f"{has}.", f"{has} already."]
    guest.leave()


def test_a_page_of_which_half_was_said_goes_on_in_the_words_that_it_began_with(
    server: Ngircd, irc: Workspace, line: ports.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    guest = Guest(server, "bo").enter("#halves")
    line.find_room("#halves")
    asked = line._ask  # type: ignore[attr-defined]  # where the server breaks off

    def breaks(*lines: str) -> None:
        if lines[0].endswith("| two"):
            monkeypatch.undo()
            raise DeliveryError("the server is gone", permanent=False)
        asked(*lines)

    monkeypatch.setattr(line, "_ask", breaks)
    with pytest.raises(DeliveryError):
        line.post("#halves", ports.Line("k", "one\ntwo", "Page:"))
    line.post("#halves", ports.Line("k", "other\nwords\nthan before", "Page:"))
    assert [text.replace("\x02", "") for text in guest.read()] == ["Page: one", "| two"]
    guest.leave()


def test_a_page_of_which_nothing_was_taken_is_said_in_the_words_of_now(
    server: Ngircd, irc: Workspace, line: ports.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    guest = Guest(server, "bo").enter("#again")
    line.find_room("#again")

    def breaks(*lines: str) -> None:
        monkeypatch.undo()
        raise DeliveryError("the server is gone", permanent=False)

    monkeypatch.setattr(line, "_ask", breaks)
    with pytest.raises(DeliveryError):
        line.post("#again", ports.Line("k", "one\ntwo", "Page:"))
    line.post("#again", ports.Line("k", "This may be a repeat. one", "Page:"))
    assert [text.replace("\x02", "") for text in guest.read()] == ["Page: This may be a repeat. one"]
    guest.leave()


def test_a_server_that_goes_before_it_says_that_it_took_a_line_leaves_that_open(
    server: Ngircd, irc: Workspace, line: ports.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    line.find_room("#gone")
    found = line._session  # type: ignore[attr-defined]  # whose server goes
    monkeypatch.setattr(found, "send", lambda *lines: found.end("gone"))
    with pytest.raises(DeliveryError) as lost:
        line.post("#gone", ports.Line("k", "one", "Page:"))
    assert lost.value.unknown


def test_whoever_takes_a_nick_elsewhere_is_nobody(
    server: Ngircd, irc: Workspace, line: ports.Connection, mara: Person, bo: Person
) -> None:
    actions.know_as(irc, "bo!~bo@elsewhere.example", bo, actor="raglan")
    incident = incidents.declare("Apache is down", by=mara)
    world.fire_all()
    sending.send_waiting(irc, line)
    room = Room.objects.get(incident=incident).external_id
    guest = Guest(server, "bo").enter(room)
    guest.say(room, "!lead")
    hear(irc, line)
    incident.refresh_from_db()
    guest.leave()
    assert (incident.lead, queries.waiting(irc).count()) == (None, 1)


def test_a_wrong_password_is_told(server: Ngircd) -> None:
    settings = {"server": f"127.0.0.1:{server.port}", "tls": "no", "nick": "raglan", "password": "wrong"}
    with pytest.raises(DeliveryError):
        Irc().connect(settings).whoami()


@pytest.mark.parametrize(
    ("name", "value"), [("server", "irc example"), ("server", "a:99999"), ("nick", "1st"), ("nick", "a b")]
)
def test_settings_that_can_not_work_are_refused(name: str, value: str) -> None:
    settings = {"server": "irc.example.org", "tls": "yes", "nick": "raglan", "password": "", name: value}
    with pytest.raises(BadInput) as refused:
        Irc().check(settings)
    assert refused.value.field == name


def test_long_words_are_cut_at_spaces_and_end_early() -> None:
    pieces = cut("Bo Silva:", "wörter " * 200)
    assert all(len(piece.encode()) <= MOST_BYTES for piece in pieces)
    assert all(piece.startswith("| ") for piece in pieces[1:])
    assert " ".join(piece.removeprefix("| ") for piece in pieces).replace("\x02", "").split() == [
        "Bo",
        "Silva:",
        *["wörter"] * 200,
    ]
    assert cut("Bo:", "x" * 20_000)[-1] == REST
    assert cut("", "a\r\nPRIVMSG #b :c\x00\x03") == ["a", "| PRIVMSG #b :c"]


@given(
    who=st.sampled_from(["", "Bo Silva:", "!page dns:", "\x02.x"]) | st.text(max_size=20), text=st.text(max_size=900)
)
@example(who="Bo Silva:", text="look\n!page dns now")
@example(who="", text="!page dns now")
@example(who="Bo Silva:", text="wörter " * 60 + "!page")
def test_no_piece_begins_as_a_command_and_all_words_are_there(who: str, text: str) -> None:
    pieces = cut(who, text)
    for number, piece in enumerate(pieces):
        shown = plain(piece).strip()
        assert not shown.startswith(("!", ".", "/", "@", "~", "-", "+", "$", "?"))
        assert number == 0 or piece.startswith("| ") or piece == REST
        assert len(piece.encode()) <= MOST_BYTES
    if pieces[-1] != REST:
        letters = "".join("".join(pieces).replace("|", "").split()).replace("\x02", "")
        assert letters == "".join(f"{plain(who)}{plain(text.replace(chr(10), ' '))}".replace("|", "").split())


def test_a_line_is_read_with_its_tags() -> None:
    said = read("@account=bo;time=2026-01-01T00:00:00.000Z;x=a\\sb :bo!b@h PRIVMSG #inc-1 :hello: all")
    assert (said.command, said.words, said.nick) == ("PRIVMSG", ("#inc-1", "hello: all"), "bo")
    assert said.tags == {"account": "bo", "time": "2026-01-01T00:00:00.000Z", "x": "a b"}
