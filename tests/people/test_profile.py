from collections.abc import Callable

import pytest
from django.test import Client

from raglan.people import actions, ports
from raglan.people.models import ContactMethod, Person, Team

pytestmark = pytest.mark.django_db
Make = Callable[..., Person]
SignInAs = Callable[..., Client]
FIELDS = {
    "name": "Mara N.",
    "time_zone": "America/New_York",
    "theme": "dark",
    "density": "compact",
    "shortcuts_enabled": "on",
}


def test_a_profile_is_saved_and_seen_at_once(make_person: Make, sign_in: SignInAs) -> None:
    browser = sign_in(make_person())
    page = browser.post("/you/", FIELDS, follow=True).content.decode()
    assert 'data-theme="dark"' in page
    assert 'data-density="compact"' in page
    assert 'data-zone="America/New_York"' in page
    assert "data-shortcuts" in page
    assert "Mara N." in page


def test_a_refused_profile_keeps_what_was_typed(make_person: Make, sign_in: SignInAs) -> None:
    answer = sign_in(make_person()).post("/you/", FIELDS | {"name": "", "theme": "dark"})
    page = answer.content.decode()
    assert answer.status_code == 422
    assert 'class="err"' in page
    assert 'href="#id_name"' in page
    assert 'value="America/New_York" selected' in page
    assert Person.objects.get().name == "Mara Novak"


def test_nobody_promotes_themselves_through_the_profile(make_person: Make, sign_in: SignInAs) -> None:
    sign_in(make_person()).post("/you/", FIELDS | {"role": "administrator", "is_active": "", "email": "x@example.org"})
    person = Person.objects.get()
    assert (person.role, person.is_active, person.email) == ("responder", True, "mara@example.org")


def test_a_way_is_added_and_removed(make_person: Make, sign_in: SignInAs) -> None:
    person = make_person()
    browser = sign_in(person)
    browser.post("/you/contacts/", {"kind": "email", "address": "night@example.org", "label": "at night"})
    way = ContactMethod.objects.get(address="night@example.org")
    assert "at night" in browser.get("/you/").content.decode()
    browser.post(f"/you/contacts/{way.pk}/remove/")
    assert [item.address for item in ContactMethod.objects.all()] == ["mara@example.org"]


def test_an_address_that_is_none_is_said_at_its_field(make_person: Make, sign_in: SignInAs) -> None:
    answer = sign_in(make_person()).post("/you/contacts/", {"kind": "email", "address": "not an address"})
    assert answer.status_code == 422
    assert 'href="#id_address"' in answer.content.decode()
    assert 'value="not an address"' in answer.content.decode()


def test_the_last_way_stays_and_says_so(make_person: Make, sign_in: SignInAs) -> None:
    browser = sign_in(make_person())
    page = browser.post(f"/you/contacts/{ContactMethod.objects.get().pk}/remove/", follow=True).content.decode()
    assert "only way to reach" in page
    assert ContactMethod.objects.count() == 1


def test_a_test_goes_through_whoever_sends_them(
    make_person: Make, sign_in: SignInAs, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: list[tuple[str, str]] = []

    def send(contact: ContactMethod, by: Person) -> str:
        sent.append((contact.address, by.name))
        return "A test is on its way."

    monkeypatch.setattr(ports, "_senders", [send])
    browser = sign_in(make_person())
    page = browser.post(f"/you/contacts/{ContactMethod.objects.get().pk}/test/", follow=True).content.decode()
    assert sent == [("mara@example.org", "Mara Novak")]
    assert "A test is on its way." in page


def test_nobody_touches_the_ways_of_another(make_person: Make, sign_in: SignInAs) -> None:
    theirs = ContactMethod.objects.get(person=make_person("Ike Okafor"))
    browser = sign_in(make_person())
    for what in ("test", "remove"):
        assert browser.post(f"/you/contacts/{theirs.pk}/{what}/").status_code == 404
    assert ContactMethod.objects.filter(pk=theirs.pk).exists()


def test_panels_of_others_are_drawn(make_person: Make, sign_in: SignInAs, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        ports, "_panels", [("people/mail/changed.txt", lambda person: {"what": f"for {person.name}", "link": ""})]
    )
    assert "for Mara Novak" in sign_in(make_person()).get("/you/").content.decode()


def test_people_are_found_by_name_team_and_address(make_person: Make, sign_in: SignInAs) -> None:
    make_person("Ike Okafor")
    team = Team.objects.create(name="Web & shop", slug="web")
    mara = make_person()
    actions.add_member(team, mara, is_lead=True, actor=mara)
    browser = sign_in(mara)
    for search, names in (
        ("okaf", {"Ike"}),
        ("shop", {"Mara"}),
        ("example.org", {"Ike", "Mara"}),
        ("mara web", {"Mara"}),
    ):
        page = browser.get("/people/", {"q": search}).content.decode()
        assert {
            name for name in ("Ike", "Mara") if f">{name} " in page.split("h-teams")[0].split("<main")[1]
        } == names, search
    assert "Nobody fits that" in browser.get("/people/?q=zzz").content.decode()


def test_members_are_added_changed_and_taken_out(make_person: Make, sign_in: SignInAs) -> None:
    person = make_person("Ike Okafor")
    browser = sign_in(make_person(role="manager"))
    assert browser.post("/teams/new/", {"name": "Web", "slug": "web"})["Location"] == "/teams/web/"
    browser.post("/teams/web/members/", {"person": person.pk})
    browser.post(f"/teams/web/members/{person.pk}/", {"do": "lead"})
    assert "Leads" in browser.get("/teams/web/").content.decode()
    browser.post(f"/teams/web/members/{person.pk}/", {"do": "remove"})
    assert "Nobody is in this team yet" in browser.get("/teams/web/").content.decode()


def test_a_short_name_that_is_taken_is_said_at_its_field(make_person: Make, sign_in: SignInAs) -> None:
    Team.objects.create(name="Web", slug="web")
    answer = sign_in(make_person(role="manager")).post("/teams/new/", {"name": "Other", "slug": "web"})
    assert answer.status_code == 422
    assert 'href="#id_slug"' in answer.content.decode()
