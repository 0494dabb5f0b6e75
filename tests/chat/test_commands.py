"""Commands in chat do what the screens do, as the person who wrote them and with their rights."""

import pytest

from raglan.chat import commands
from raglan.chat.models import Room as ChatRoom
from raglan.chat.models import Workspace
from raglan.incidents import actions as desk_actions
from raglan.incidents.models import Entry, HeadsUp, Incident
from raglan.paging.models import Page
from raglan.people.models import Person
from raglan.testing import world
from tests.chat import memory
from tests.chat.conftest import send

pytestmark = pytest.mark.django_db


class Desk:
    """Somebody who writes in a room, and reads what comes back."""

    def __init__(self, there: memory.There, chat: Workspace, room: str) -> None:
        self.there, self.chat, self.room = there, chat, room

    def says(self, text: str, author: str = "@bo") -> list[str]:
        """Write, and return what then stands in the room that was not there before."""
        lines = self.there.rooms.setdefault(self.room, [])
        before = len(lines)
        memory.write(self.chat, self.room, author, text)
        send(self.chat)
        return self.there.rooms[self.room][before:]


@pytest.fixture
def desk(there: memory.There, chat: Workspace, room: ChatRoom, bo: Person) -> Desk:
    """Bo, in the incident's room."""
    memory.known(chat, bo, "@bo")
    return Desk(there, chat, room.external_id)


@pytest.mark.parametrize(
    ("text", "name", "rest"),
    [
        ("!doing restart it", "doing", "restart it"),
        ("!On call dns", "on-call", "dns"),
        ("!oncall", "on-call", ""),
        ("!heads up I broke it", "heads-up", "I broke it"),
        ("  !FOUND\nthe cause", "found", "the cause"),
        ("!ruled_out dns", "ruled-out", "dns"),
    ],
)
def test_how_a_command_is_read(text: str, name: str, rest: str) -> None:
    assert commands.is_one(text)
    assert commands.read(text) == commands.Command(name, rest)


@pytest.mark.parametrize("text", ["hello", "!", "!!", "! wow", "wow!", "!1 more"])
def test_what_is_no_command(text: str) -> None:
    assert not commands.is_one(text)


@pytest.mark.parametrize(
    ("word", "kind"),
    [
        ("doing", "doing"),
        ("ask", "ask"),
        ("verify", "verify"),
        ("found", "found"),
        ("tried", "tried"),
        ("ruled-out", "ruled_out"),
        ("decided", "decided"),
        ("stuck", "stuck"),
    ],
)
def test_what_is_said_aloud_becomes_an_entry_and_is_shown(desk: Desk, bo: Person, word: str, kind: str) -> None:
    shown = desk.says(f"!{word} the config of web0012")
    entry = Entry.objects.latest("pk")
    assert (entry.kind, entry.author, entry.text) == (kind, bo, "the config of web0012")
    assert len(shown) == 1
    assert shown[0].startswith("Bo Silva ")
    assert "the config of web0012" in shown[0]


def test_an_ask_can_go_to_a_team(desk: Desk, bo: Person) -> None:
    team = world.team(bo)
    desk.says(f"!ask @{team.slug} can you look?")
    entry = Entry.objects.latest("pk")
    assert (entry.to_team, entry.text) == (team, "can you look?")
    assert entry.ping_at is not None


def test_an_ask_is_taken_and_answered(desk: Desk) -> None:
    desk.says("!ask who can read the queue?")
    entry = Entry.objects.latest("pk")
    assert desk.says("!take") == [f"Bo Silva can help: #{entry.pk} “who can read the queue?”"]
    desk.says(f"!done {entry.pk} it is empty")
    entry.refresh_from_db()
    assert (entry.ask_state, entry.outcome) == ("answered", "it is empty")


def test_a_verification_is_answered_with_a_tap(desk: Desk) -> None:
    desk.says("!verify the site is slow")
    entry = Entry.objects.latest("pk")
    shown = desk.says("!yes 6 seconds a page")
    assert shown == [f"Bo Silva sees it too: #{entry.pk}. “6 seconds a page”. 1 sees it too."]
    assert desk.says(f"!no {entry.pk}")[0].endswith("1 does not see it.")


def test_join_lead_update(desk: Desk, bo: Person, incident: Incident) -> None:
    assert desk.says("!join Apache config") == ["Bo Silva is here, on Apache config."]
    assert desk.says("!lead") == ["Bo Silva has the lead.", "raglan: Bo Silva took the lead."]
    assert desk.says("!update Slow but up") == ["Where it stands (Bo Silva): Slow but up"]
    incident.refresh_from_db()
    assert (incident.lead, incident.summary) == (bo, "Slow but up")
    assert "lead Bo Silva" in desk.there.topics[desk.room]


def test_declare_and_heads_up_work_in_any_room(desk: Desk, bo: Person, mara: Person) -> None:
    desk.room = "lobby"
    opened = desk.says("!declare Search is empty")
    assert opened[0].startswith(f"Incident {Incident.objects.latest('pk').pk} is open: http")
    told = desk.says("!heads-up I may have broken the pins")
    assert told[0].startswith("Thank you for saying so at once.")
    assert HeadsUp.objects.get().person == bo
    assert desk.says("!found it") == ["This belongs into the room of an incident. !declare opens one."]


def test_a_team_with_nobody_in_it_is_not_paged(desk: Desk) -> None:
    team = world.team(name="Shelf")

    assert desk.says(f"!page {team.slug} nobody can buy")[0].startswith("Nobody is in Shelf.")
    assert not Page.objects.exists()


def test_a_team_is_paged_and_the_page_acknowledged(desk: Desk, bo: Person, mara: Person) -> None:
    team = world.team(bo)
    assert desk.says(f"!page {team.slug} nobody can buy") == ["Everybody in Web is paged now."]
    page = Page.objects.get()
    assert page.title == "nobody can buy"
    shown = desk.says("!ack")
    page.refresh_from_db()
    assert (page.state, page.acknowledged_by) == ("acknowledged", bo)
    assert "Bo Silva has “nobody can buy”." in shown
    assert desk.says("!ack") == ["No page waits for you."]


def test_a_person_and_whoever_is_on_call_for_a_service_is_paged(desk: Desk, bo: Person, mara: Person) -> None:
    memory.known(desk.chat, mara, "@mara")
    shop = world.service(owner=world.team(bo), slug="shop")
    assert desk.says("!page shop nobody can buy") == ["Nobody is on call for Shop."]
    world.schedule(bo, of=shop.team)
    assert desk.says("!page shop nobody can buy") == ["Bo Silva is paged now."]
    assert desk.says("!page @mara come and see") == ["Mara Keller is paged now."]
    assert desk.says(f"!page {mara.email}")[0] == "Mara Keller is paged now."
    Person.objects.filter(pk=mara.pk).update(is_active=False)
    for word in ("@mara", mara.email, "moon"):
        assert desk.says(f"!page {word} hello")[0].startswith(f"There is no team, service or person {word}. ")
    asked = [(one.title, [who.person for who in one.reached.all()]) for one in Page.objects.order_by("pk")]
    assert asked == [("nobody can buy", [bo]), ("come and see", [mara]), ("Apache is down", [mara])]


def test_who_is_on_call_is_told(desk: Desk, bo: Person) -> None:
    rota = world.schedule(bo, of=world.team(bo))
    assert desk.says("!on-call") == ["Web duty: Bo Silva"]
    assert desk.says(f"!on call {rota.slug}") == ["Web duty: Bo Silva"]
    assert desk.says("!on-call moon") == ["No rota is called moon."]


def test_thanks_go_to_whoever_gave_the_heads_up(desk: Desk, mara: Person, bo: Person, incident: Incident) -> None:
    memory.known(desk.chat, mara, "@mara")
    desk.says("!heads-up it was me", "@mara")
    given = HeadsUp.objects.get()
    desk.room = f"inc-{given.incident_id}"
    desk.says("!thanks")
    given.refresh_from_db()
    assert given.thanked_at is not None


def test_help_names_every_command(desk: Desk) -> None:
    shown = desk.says("!help", "@nobody")[0]
    assert all(f"!{name}" in shown for name in commands.VERBS)


def test_a_wrong_command_names_the_right_one(desk: Desk) -> None:
    assert desk.says("!dooing it") == ["There is no !dooing. Did you mean !doing? !help"]


def test_whom_nobody_knows_can_do_nothing(desk: Desk) -> None:
    before = Entry.objects.count()
    assert "!link" in desk.says("!declare chaos", "@eve")[0]
    assert (Entry.objects.count(), Incident.objects.count()) == (before, 1)


def test_a_viewer_is_told_who_can(desk: Desk) -> None:
    viewer = world.person("Vera Wills", role=Person.Role.VIEWER)
    memory.known(desk.chat, viewer, "@vera")
    assert desk.says("!lead", "@vera") == [
        "Your role does not cover this. It can be done by responders, managers and administrators."
    ]
    desk.says("I see it too", "@vera")
    entry = Entry.objects.latest("pk")
    assert (entry.author, entry.author_words) == (None, "Vera (@vera)")


def test_what_a_command_can_not_do_leaves_nothing_behind(desk: Desk) -> None:
    before = Entry.objects.count()
    assert desk.says("!found") == ["text: write a few words"]
    assert Entry.objects.count() == before


def test_how_bad_it_is_tasks_and_going_on(desk: Desk, bo: Person) -> None:
    incident = Incident.objects.get()
    desk.says("!severity users are held up")
    desk.says("!task check the mail queue")
    desk.says(f"!task take {incident.tasks.get().pk}")
    incident.refresh_from_db()
    assert (incident.severity, incident.tasks.get().owner) == ("sev2", bo)
    assert "sev1 – Users cannot use it" in "\n".join(desk.says("!severity"))

    desk_actions.stand_down(incident, by=bo)
    assert "Say why it goes on" in "\n".join(desk.says("!reopen"))
    desk.says("!reopen pages are slow again")
    incident.refresh_from_db()
    assert incident.state == "open"
