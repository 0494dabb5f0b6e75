"""A real apt in a root of its own installs and upgrades a real package, and raglan is told of it by apt's hook."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.host.machine import TOOLS, Machine
from tests.host.receiver import Receiver
from tests.support.server import until

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.skipif(not all(map(shutil.which, TOOLS)), reason="apt and dpkg are of Debian"),
]


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    made = Receiver()
    yield made
    made.stop()


def test_an_install_and_an_upgrade_are_told_at_once_and_a_hold_is_shown(tmp_path: Path, receiver: Receiver) -> None:
    machine = Machine(tmp_path, receiver.url)
    machine.offer("2.4.6-40")
    machine.apt("install", "snafu-httpd")
    until(lambda: receiver.reports)
    receiver.texts["/gate"] = "stop\ngate: 1\nhold: httpd\nreason: it fails\nuntil: 2030-01-01T00:00:01Z\n"
    receiver.texts["/gate"] += "hand: snafu-httpd was changed by hand: put back\n"
    receiver.texts["/gate"] += "asked: 2030-01-01T00:00:00Z\nend\n"
    machine.offer("2.4.6-45")
    said = machine.apt("upgrade")
    assert "the hold httpd asks automation not to touch this: it fails" in said
    assert "this may undo what responders did: snafu-httpd was changed by hand: put back" in said
    assert "/gate?host=web1&package=snafu-httpd" in receiver.asked[-1][0]
    until(lambda: len(receiver.reports) > 1)
    versions = [(one["because"], one["packages"]) for one in receiver.reports]
    assert versions == [
        ("apt", [["snafu-httpd", "2.4.6-40", "all"]]),
        ("apt", [["snafu-httpd", "2.4.6-45", "all"]]),
    ]
