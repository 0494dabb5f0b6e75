"""Now shows what is broken, who asks, who is on call, and the reader's own part."""

import pytest

from raglan.incidents import actions as incidents
from raglan.incidents.models import Entry
from raglan.people.models import Person
from tests.console.conftest import SignIn


@pytest.mark.parametrize("role", Person.Role.values)
def test_now_opens_for_every_role(signed_in: SignIn, ada: Person, role: str) -> None:
    Person.objects.filter(pk=ada.pk).update(role=role)
    answer = signed_in(ada).get("/")
    assert answer.status_code == 200
    assert "Nothing is known to be broken." in answer.content.decode()


def test_an_open_incident_stands_under_what_is_broken(signed_in: SignIn, bo: Person) -> None:
    incident = incidents.declare("Apache is not starting", by=bo)
    incidents.post(incident, incidents.Said(kind=Entry.Kind.ASK, text="Can someone read the support queue?"), by=bo)
    html = signed_in(bo).get("/").content.decode()
    assert "Apache is not starting" in html
    assert "Can someone read the support queue?" in html
    assert "Nothing is known to be broken." not in html
    assert f"/incidents/{incident.pk}/?kind=ask#say" in html
