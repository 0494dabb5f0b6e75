"""A machine with `raglan-host`, and somebody to tell."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from raglan import host
from tests.host.receiver import Receiver

Run = Callable[..., int]


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let it wait for whom it asks, however slow the machine is."""
    monkeypatch.setattr(host, "A_PLACE_S", 30.0)
    monkeypatch.setattr(host, "ALL_PLACES_S", 60.0)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    made = Receiver()
    yield made
    made.stop()


@pytest.fixture
def run(tmp_path: Path, receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run it with options; those of the machine are two packages and a check."""
    (tmp_path / "dpkg").mkdir()
    install(tmp_path, ("apache2", "2.4.62-1"), ("bash", "5.2"))
    monkeypatch.setenv("DPKG_ADMINDIR", str(tmp_path / "dpkg"))
    monkeypatch.setattr(host, "boot_id", lambda: "this-boot")

    def run_it(*words: str, **options: str) -> int:
        said = {"url": receiver.url, "token": "t0ken", "state": str(tmp_path / "state"), "name": "web1"}
        said |= {"cluster": "fra1", "role": "web", "packages": "dpkg", "check.httpd": "true"} | options
        conf = tmp_path / "conf"
        conf.write_text("# of raglan\n" + "".join(f"{name} = {value}\n" for name, value in said.items()))
        return host.main(["--config", str(conf), *words])

    return run_it


def install(folder: Path, *packages: tuple[str, str]) -> None:
    """Let a machine have packages, as dpkg keeps them."""
    rows = [
        f"Package: {name}\nStatus: install ok installed\nArchitecture: amd64\nMaintainer: a\nDescription: a\n"
        f"Version: {version}\n\n"
        for name, version in packages
    ]
    (folder / "dpkg" / "status").write_text("".join(rows))
