"""Hooks that higher contexts fill: the sender behind *send me a test*, checks of addresses, panels on the profile."""

from collections.abc import Callable

from raglan.core.errors import BadInput
from raglan.people.models import ContactMethod, Person

TestSender = Callable[[ContactMethod, Person], str]
_senders: list[TestSender] = []
_checks: dict[str, Callable[[str], None]] = {}
_off: dict[str, Callable[[], str]] = {}
_panels: list[tuple[str, Callable[[Person], dict[str, object]]]] = []
_person_panels: list[tuple[str, Callable[[Person], dict[str, object]]]] = []


def register_test_sender(sender: TestSender) -> None:
    """Say who sends tests."""
    _senders[:] = [sender]


def send_test(contact: ContactMethod, by: Person) -> str:
    """Send a test along the whole path; return a sentence for the screen."""
    if not _senders:
        raise BadInput("", "nothing can send a test here")
    return _senders[0](contact, by)


def register_address_check(kind: str, check: Callable[[str], None]) -> None:
    """Say how addresses of a kind are checked; the check raises BadInput."""
    _checks[kind] = check


def check_address(kind: str, address: str) -> None:
    """Raise BadInput when an address can not be one of its kind."""
    if kind in _checks:
        _checks[kind](address)


def register_kind(kind: str, why_off: Callable[[], str]) -> None:
    """Say how one learns whether a kind can be used here: an empty text, or what is missing."""
    _off[kind] = why_off


def why_off(kind: str) -> str:
    """Return what is missing before a kind can be used here; empty when nothing is."""
    return _off[kind]() if kind in _off else "no integration offers it"


def register_panel(template: str, context: Callable[[Person], dict[str, object]]) -> None:
    """Add a panel to the profile."""
    _panels.append((template, context))


def panels(person: Person) -> list[tuple[str, dict[str, object]]]:
    """Return the profile's further panels for a person."""
    return [(template, context(person)) for template, context in _panels]


def register_person_panel(template: str, context: Callable[[Person], dict[str, object]]) -> None:
    """Add a panel to what others see of a person, such as how to page them."""
    _person_panels.append((template, context))


def person_panels(person: Person) -> list[tuple[str, dict[str, object]]]:
    """Return the further panels about a person."""
    return [(template, context(person)) for template, context in _person_panels]
