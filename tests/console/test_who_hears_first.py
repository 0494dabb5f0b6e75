"""Who hears that a change does otherwise than was said: whom it names, else its owners, and whoever takes it on."""

import json

import pytest
from django.test import Client

from raglan.catalog.models import Service
from raglan.changes import proposing
from raglan.changes.models import Change
from raglan.core.errors import BadInput
from raglan.core.models import Timer
from raglan.people import sealing
from raglan.people.models import Person
from raglan.testing import world
from tests.console.test_change_screens import fired, fleet, forgotten, mara, upgrade

pytestmark = pytest.mark.django_db
__all__ = ["forgotten", "mara"]


def by_program(author: str = "") -> Change:
    said = proposing.Expected("version", "nothing", units=("apache2",))
    proposal = proposing.Proposal("Raise the pin", [("apache2", "2.4.6-45")], said, author=author)
    return proposing.propose(proposal, by=proposing.Teller("a program", "token:1"))


def letters() -> list[dict[str, str]]:
    """Let reactions run; return the letters that were written, once."""
    found = [json.loads(sealing.unseal(str(timer.payload["sealed"]))) for timer in fired("people.mail")]
    Timer.objects.all().delete()
    return sorted(found, key=lambda letter: str(letter["to"]))


def test_whom_a_program_names_hears_of_it(client: Client, mara: Person) -> None:
    fleet(2)
    body = {"title": "Raise the pin", "packages": [{"name": "apache2"}], "expected": {"on_existing": "nothing"}}
    made = client.post("/api/v1/changes/proposed", {**body, "author": mara.email.upper()}, "application/json").json()
    assert made["author"] == mara.name
    upgrade("east000")
    assert [(one["to"], one["subject"]) for one in letters()] == [
        (mara.email, "Differs from what you said: Raise the pin")
    ]
    assert by_program(str(mara.pk)).author == mara
    Person.objects.filter(pk=mara.pk).update(is_active=False)
    for unknown in (mara.email, str(mara.pk), "0", "nobody@example.test", "9" * 30):
        with pytest.raises(BadInput) as wrong:
            by_program(unknown)
        assert (wrong.value.field, wrong.value.status) == ("author", 422)


def test_without_a_name_its_owners_hear_and_whoever_takes_it_on_hears_what_was_raised(mara: Person) -> None:
    bo, ada = world.person("Bo Silva"), world.administrator()
    fleet(2)
    change = by_program()
    upgrade("east000")
    assert [one["to"] for one in letters()] == [ada.email]

    Service.objects.create(name="Graphs", slug="graphs", team=world.team(bo))
    proposing.turn(change, "taken_back", actor="raglan")
    fleet(1, cluster="west")
    by_program()
    upgrade("west000")
    told = letters()
    assert [(one["to"], one["subject"]) for one in told] == [(bo.email, "Differs from what was said: Raise the pin")]
    assert "A program said: on hosts that exist, nothing happens" in told[0]["text"]
    assert "take it on where it is yours" in told[0]["text"]

    proposing.take_on(change, by=mara)
    assert [(one["to"], one["subject"]) for one in letters()] == [
        (mara.email, "Differs from what you said: Raise the pin")
    ]
    proposing.take_on(by_program(), by=mara)
    assert letters() == []
