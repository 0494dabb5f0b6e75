"""What was like a change is found without packages, too: by units, services, words of titles, and roles."""

import pytest
from django.test import Client

from raglan.changes import likeness, proposing
from raglan.changes.likeness import Like
from raglan.changes.models import Change, PsaNote
from raglan.testing import world

pytestmark = pytest.mark.django_db
BY = proposing.Teller("Mara", "raglan")


def proposed(title: str, **expected: tuple[str, ...]) -> Change:
    said = proposing.Expected("nothing", "nothing", **expected)  # type: ignore[arg-type]  # names only
    return proposing.propose(proposing.Proposal(title, expected=said), by=BY)


def noted(title: str, change: Change | None = None, packages: tuple[str, ...] = ()) -> PsaNote:
    return proposing.write_psa(proposing.Trap(title, "did", "happened", packages=packages, change=change), by=BY)


def test_it_is_found_by_thing_then_by_words_then_by_role() -> None:
    world.service("checkout")
    role = proposed("Kernel settings", roles=("Web",))
    words = proposed("Rotate certificate of the proxies")
    unit = proposed("Another", units=("nginx.service",))
    service = proposed("Checkout gets more memory")
    proposed("Raise the version", roles=("db",))
    like = Like("Rotate the certificate of checkout", units=["nginx"], roles=["web"])
    assert likeness.changes(like) == [service, unit, words, role]
    assert likeness.changes(like, but=unit.pk) == [service, words, role]
    assert likeness.changes(Like("Raise the version again")) == likeness.changes(Like()) == []


def test_notes_are_found_by_their_own_words_and_by_their_change() -> None:
    by_role = noted("It took long", proposed("Kernel", roles=("web",)))
    by_words = noted("Proxies keep an old certificate")
    by_package = noted("Pins do not hold", packages=("NGINX",))
    noted("Something else", packages=("curl",))
    like = Like("New certificate on proxies", units=["nginx.service"], roles=["web"])
    assert likeness.notes(like) == [by_package, by_words, by_role]
    assert likeness.notes(Like()) == []


def test_a_change_without_packages_sees_them_on_its_page_and_in_rest(client: Client) -> None:
    client.force_login(world.person())
    noted("Proxies keep an old certificate")
    change = proposed("New certificate on proxies")
    assert "Proxies keep an old certificate" in client.get(f"/changes/{change.pk}/").content.decode()
    told = client.get(f"/api/v1/changes/{change.pk}/reach").json()
    assert (told["notes"], told["alike"]) == (["Proxies keep an old certificate"], [])
