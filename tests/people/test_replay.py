"""Events are enough: replayed over an older copy of the state they give the stored one, addresses and secrets aside."""

from collections.abc import Callable
from dataclasses import dataclass

import pytest

from raglan.core import timeline
from raglan.core.models import Event
from raglan.people import actions, events
from raglan.people.models import ApiToken, ContactMethod, Membership, Person, Team

pytestmark = pytest.mark.django_db
Make = Callable[..., Person]
Row = dict[str, object]
Table = dict[object, Row]
PERSON = (
    "name",
    "role",
    "time_zone",
    "theme",
    "density",
    "shortcuts_enabled",
    "quiet_screen",
    "is_active",
    "created_at",
)
CONTACT = ("person_id", "kind", "label", "confirmed_at", "created_at")
TOKEN = ("person_id", "name", "prefix", "scopes", "created_at", "expires_at", "revoked_at")
State = dict[str, Table]


def stored() -> State:
    """Read the state, without addresses, secrets and last use."""
    return {
        "people": {row["pk"]: row for row in Person.objects.values("pk", *PERSON)},
        "contacts": {row["pk"]: row for row in ContactMethod.objects.values("pk", *CONTACT)},
        "teams": {row["pk"]: row for row in Team.objects.values("pk", "name", "slug")},
        "members": {
            (row["team_id"], row["person_id"]): row
            for row in Membership.objects.values("team_id", "person_id", "is_lead")
        },
        "tokens": {row["pk"]: row for row in ApiToken.objects.values("pk", *TOKEN)},
    }


@dataclass
class Replay:
    """An older copy of the state that hears of events."""

    state: State

    def hear(self, payload: timeline.EventPayload) -> None:
        match payload:
            case events.PersonAdded() | events.PersonChanged():
                self.hear_of_person(payload)
            case events.ContactChanged():
                self.hear_of_contact(payload)
            case events.TeamMade() | events.MemberSet() | events.MemberRemoved():
                self.hear_of_team(payload)
            case events.TokenIssued() | events.TokenRevoked():
                self.hear_of_token(payload)

    def hear_of_person(self, said: events.PersonAdded | events.PersonChanged) -> None:
        if isinstance(said, events.PersonAdded):
            fresh = {name: Person._meta.get_field(name).get_default() for name in PERSON}
            self.state["people"][said.person] = {"pk": said.person, **fresh, **said.model_dump(exclude={"person"})}
        else:
            self.state["people"][said.person].update(said.values)

    def hear_of_contact(self, said: events.ContactChanged) -> None:
        if said.what in ("removed", "ended"):
            del self.state["contacts"][said.contact]
            return
        given = said.model_dump(include={"label", "confirmed_at", "created_at"})
        own = {"pk": said.contact, "person_id": said.person, "kind": said.channel}
        self.state["contacts"][said.contact] = {**own, **given}

    def hear_of_team(self, said: events.TeamMade | events.MemberSet | events.MemberRemoved) -> None:
        match said:
            case events.TeamMade():
                self.state["teams"][said.team] = {"pk": said.team, "name": said.name, "slug": said.slug}
            case events.MemberSet():
                row: Row = {"team_id": said.team, "person_id": said.person, "is_lead": said.is_lead}
                self.state["members"][said.team, said.person] = row
            case events.MemberRemoved():
                del self.state["members"][said.team, said.person]

    def hear_of_token(self, said: events.TokenIssued | events.TokenRevoked) -> None:
        if isinstance(said, events.TokenRevoked):
            self.state["tokens"][said.token]["revoked_at"] = said.revoked_at
            return
        own = {"pk": said.token, "person_id": said.person, "revoked_at": None}
        self.state["tokens"][said.token] = {**own, **said.model_dump(exclude={"token", "person"})}


def add_person(boss: Person, _: Person) -> None:
    actions.add_person(email="ike@example.org", name="Ike Okafor", time_zone="Europe/Berlin", actor=boss)


def invite(boss: Person, _: Person) -> None:
    actions.invite(email="ike@example.org", name="Ike Okafor", role="manager", by=boss)


def accept(boss: Person, _: Person) -> None:
    _invited, link = actions.invite(email="ike@example.org", name="Ike Okafor", role="manager", by=boss)
    actions.accept_invitation(
        link.rstrip("/").rpartition("/")[2], password="calm words for ike", time_zone="Asia/Tokyo"
    )


def profile(_: Person, mara: Person) -> None:
    actions.update_profile(mara, by=mara, name="Mara N.", theme="dark", shortcuts_enabled=True, time_zone="Asia/Tokyo")


def role(boss: Person, mara: Person) -> None:
    actions.set_role(mara, "viewer", by=boss)


def deactivate(boss: Person, mara: Person) -> None:
    actions.issue_token(mara, name="laptop", scopes=["read"], days=None, actor=mara)
    actions.deactivate(mara, by=boss)


def teams(boss: Person, mara: Person) -> None:
    web, data = (actions.create_team(name=name, slug=name.lower(), actor=boss) for name in ("Web", "Data"))
    for team in (web, data):
        actions.add_member(team, mara, actor=boss)
    actions.add_member(web, mara, is_lead=True, actor=boss)
    actions.remove_member(data, mara, actor=boss)


def contacts(_: Person, mara: Person) -> None:
    kept = actions.add_contact(mara, kind="email", address="night@example.org", label="at night", actor=mara)
    gone = actions.add_contact(mara, kind="email", address="old@example.org", actor=mara)
    actions.confirm_contact(kept, actor=mara)
    actions.remove_contact(gone, actor=mara)


def tokens(boss: Person, mara: Person) -> None:
    kept, _ = actions.issue_token(mara, name="laptop", scopes=["read", "page"], days=30, actor=mara)
    gone, _ = actions.issue_token(None, name="machine", scopes=["read"], days=None, actor=boss)
    actions.revoke_token(gone, actor=boss)
    actions.revoke_token(gone, actor=boss)
    assert kept.pk


@pytest.mark.parametrize(
    "act",
    [add_person, invite, accept, profile, role, deactivate, teams, contacts, tokens],
    ids=lambda act: act.__name__,
)
def test_replayed_events_give_the_stored_state(make_person: Make, act: Callable[[Person, Person], None]) -> None:
    boss, mara = make_person("Hana Lind", role="administrator"), make_person()
    replay, newest = Replay(stored()), timeline.newest_id()
    act(boss, mara)
    for event_id in Event.objects.filter(pk__gt=newest).order_by("pk").values_list("pk", flat=True):
        replay.hear(timeline.happened(event_id).payload())
    assert replay.state == stored()


def test_events_carry_no_address(make_person: Make) -> None:
    boss, mara = make_person("Hana Lind", role="administrator"), make_person()
    for act in (add_person, contacts, tokens, teams):
        act(boss, mara)
    assert "@" not in str(list(Event.objects.values_list("data", flat=True)))
