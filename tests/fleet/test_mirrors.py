"""Is there a way back: real repositories whose old version disappears, and all that can be wrong with a mirror."""

import bz2
import gzip
import json
import lzma
import sys
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest
import zstandard

from raglan.config import config
from raglan.core.clock import CLOCK
from raglan.core.errors import BadInput
from raglan.core.models import Event, Timer
from raglan.fleet import mirror_reading, mirror_worker, mirrors, pins
from raglan.fleet.mirror_models import Mirror, MirrorPackage, Pin
from raglan.fleet.way_back import Door, WayBack, way_back
from raglan.testing import world
from tests.fleet import repositories as repo

pytestmark = pytest.mark.django_db


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    found = tmp_path / "repo"
    found.mkdir()
    return found


@pytest.fixture
def address(folder: Path) -> Iterator[str]:
    with repo.served(folder) as url:
        yield url


def add(address: str, kind: str = "apt", name: str = "Local", **fields: object) -> Mirror:
    return mirrors.add(mirrors.Draft(name, kind, address, **fields), actor="raglan")  # type: ignore[arg-type]


def write(folder: Path, *packages: tuple[str, str]) -> None:
    stanzas = [f"Package: {name}\nVersion: {version}\nArchitecture: amd64\n" for name, version in packages]
    (folder / "Packages").write_text("\n".join(stanzas))


def read(mirror: Mirror) -> Mirror:
    mirror.refresh_from_db()
    mirrors.read(mirror)
    mirror.refresh_from_db()
    return mirror


def kinds() -> list[str]:
    events = Event.objects.filter(kind__regex=r"^(mirror|pins)\.").order_by("pk")
    return list(events.values_list("kind", flat=True))


def door(version: str) -> tuple[Door, str]:
    found = way_back("httpd", version)
    return found.door, found.newest


def test_a_version_that_leaves_an_apt_repository_closes_the_way_back(folder: Path, address: str) -> None:
    old = repo.deb(folder, "2.4.6-40")
    repo.index_debs(folder)
    mirror = add(address)
    pins.set_pins("web", pins.parse("httpd 2.4.6-40"), actor="raglan")
    world.fire_all()
    assert door("2.4.6-40") == (Door.TWO_WAY, "2.4.6-40")
    assert not pins.held()[0].is_lost

    CLOCK.move(timedelta(minutes=15))
    repo.deb(folder, "2.4.6-45")
    old.unlink()
    repo.index_debs(folder)
    world.fire_all()

    mirror.refresh_from_db()
    found = way_back("httpd", "2.4.6-40")
    assert (found.door, found.newest) == (Door.ONE_WAY, "2.4.6-45")
    assert found.words == "One-way door: httpd 2.4.6-40 is on no mirror any more. The newest there is 2.4.6-45."
    assert found.last_seen_at is not None
    assert mirror.read_at is not None
    assert mirror.read_at - found.last_seen_at >= timedelta(minutes=15)
    assert [one.is_lost for one in pins.held("web")] == [True]
    assert kinds() == ["mirror.set", "pins.set", "mirror.read", "mirror.read", "pins.lost"]
    assert Timer.objects.filter(kind=mirrors.READ).count() == 1


def test_a_version_that_leaves_a_yum_repository_closes_the_way_back(folder: Path, address: str) -> None:
    old = repo.rpm(folder, "2.4.6", "40")
    repo.index_rpms(folder)
    mirror = read(add(address, "yum"))
    assert (mirror.problem, mirror.scheme) == ("", "rpm")
    assert door("0:2.4.6-40") == (Door.TWO_WAY, "2.4.6-40")
    assert mirror_reading.read(mirror).packages is None

    repo.rpm(folder, "2.4.6", "45")
    old.unlink()
    repo.index_rpms(folder)
    read(mirror)
    assert door("2.4.6-40") == (Door.ONE_WAY, "2.4.6-45")
    assert door("2.4.6") == (Door.TWO_WAY, "2.4.6-45")
    assert door("2.4.*")[0] is Door.TWO_WAY
    assert way_back("nginx", "1").door is Door.UNKNOWN


def test_what_comes_back_is_there_again(folder: Path, address: str) -> None:
    write(folder, ("httpd", "1"), ("curl", "1"))
    mirror = read(add(address))
    pins.set_pins("", {"httpd": "1"}, actor="raglan")
    write(folder, ("curl", "1"))
    read(mirror)
    assert Pin.objects.get().lost_since is not None
    write(folder, ("httpd", "1"), ("curl", "1"))
    read(mirror)
    assert (door("1")[0], Pin.objects.get().lost_since) == (Door.TWO_WAY, None)
    assert kinds()[-2:] == ["mirror.read", "pins.found"]


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        (b"<!DOCTYPE html><html>Not here", "web page"),
        (lzma.compress(b"Package: a\nVersion: 1\n\n")[:-9], "ends in the middle"),
        (gzip.compress(b"x" * 100) + b"", "names no package"),
        (b"\x28\xb5\x2f\xfdabc", "ends in the middle"),
        (zstandard.compress(b"Package: a\nVersion: 1\n\n")[:-3], "ends in the middle"),
    ],
    ids=["a web page", "cut off xz", "gzip of something else", "no zstd", "cut off zstd"],  # gzip carries the time
)
def test_what_is_no_index_leaves_all_as_it_was(folder: Path, address: str, body: bytes, problem: str) -> None:
    write(folder, ("httpd", "1"))
    mirror = read(add(f"{address}Packages"))
    seen_at = mirror.read_at
    (folder / "Packages").write_bytes(body)
    mirror.refresh_from_db()
    Mirror.objects.filter(pk=mirror.pk).update(count=0)
    read(mirror)
    assert problem in mirror.problem
    assert (mirror.read_at, door("1")[0]) == (seen_at, Door.TWO_WAY)
    assert mirror.failing_since is not None
    assert kinds()[-1] == "mirror.not_read"


def test_a_mirror_that_suddenly_lacks_most_is_believed_when_it_says_so_twice(folder: Path, address: str) -> None:
    write(folder, *((f"p{number}", "1") for number in range(20)))
    mirror = read(add(address))
    write(folder, ("p0", "1"))
    assert "believed when it says so again" in read(mirror).problem
    assert way_back("p7", "1").door is Door.TWO_WAY
    assert (read(mirror).problem, mirror.count) == ("", 1)
    assert way_back("p7", "1").door is Door.ONE_WAY


def test_a_web_page_and_a_command_are_mirrors_too(folder: Path, address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("httpd_1%3a2.4.6-40_all.deb", "httpd-2.4.6-45.x86_64.rpm", "widget-1.9.tar.gz", "README"):
        (folder / name).touch()
    read(add(address, "listing"))
    known = MirrorPackage.objects.order_by("name", "version").values_list("name", "version", "arch")
    assert list(known) == [("httpd", "1:2.4.6-40", "all"), ("httpd", "2.4.6-45", "x86_64"), ("widget", "1.9", "")]

    script = folder / "list.py"
    script.write_text("print('shop 7.1 any')\nprint('shop 7.2')\n")
    monkeypatch.setattr(config(), "mirror_commands", [f"artifacts={sys.executable} {script}"])
    mirror = read(add("artifacts", "command", name="Artifacts"))
    assert (mirror.problem, way_back("shop", "7.2").door) == ("", Door.TWO_WAY)
    script.write_text("print('shop 7.2')\nraise SystemExit('no')")
    assert "ended with 1" in read(mirror).problem
    assert way_back("shop", "7.1").door is Door.TWO_WAY
    with pytest.raises(BadInput):
        add("rm", "command", name="Other")


def test_xml_that_declares_entities_is_not_read() -> None:
    bomb = (
        b'<!DOCTYPE m [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><metadata><package><name>&b;</name></package></metadata>'
    )
    for what in ("yum", "repomd"):
        with pytest.raises(mirror_worker.Refused, match="entities"):
            mirror_worker.read(what, bomb)
    with pytest.raises(mirror_worker.Refused, match="do not fit"):
        mirror_worker.read("yum", b"<metadata/>", "0" * 64)
    outside = b'<repomd><data type="primary"><location href="http://elsewhere/x"/></data></repomd>'
    with pytest.raises(mirror_worker.Refused):
        mirror_worker.read("repomd", outside)


def test_what_is_packed_to_fill_memory_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mirror_worker, "MAX_UNPACKED", 2 * 1024 * 1024)
    for packed in (
        gzip.compress(b"\0" * 4_000_000),
        lzma.compress(b"\n" * 4_000_000),
        zstandard.compress(b"\n" * 4_000_000),
    ):
        with pytest.raises(mirror_worker.Refused):
            mirror_worker.read("apt", packed)


def test_a_mirror_that_is_ended_is_forgotten(folder: Path, address: str) -> None:
    write(folder, ("httpd", "1"))
    mirror = read(add(address))
    with pytest.raises(BadInput):
        add(address, name="Again")
    mirrors.end(mirror, actor="raglan")
    mirrors.end(mirror, actor="raglan")
    world.fire_all()
    assert (MirrorPackage.objects.count(), way_back("httpd", "1").door) == (0, Door.UNKNOWN)


def test_pins_are_read_as_people_write_them() -> None:
    text = "httpd 2.4.6-40\nopenssl=1:1.0.2k-26  # as ever\n\ncurl == 7.29.0\n# none\n'git' = '1.8.*',\n"
    expected = {"httpd": "2.4.6-40", "openssl": "1:1.0.2k-26", "curl": "7.29.0", "git": "1.8.*"}
    assert pins.parse(text) == expected
    for bad in ("httpd", "a b c", "= 1"):
        with pytest.raises(BadInput):
            pins.parse(bad)


def test_pins_of_a_role_are_replaced_as_a_whole() -> None:
    pins.set_pins("web", {"a": "1", "b": "1"}, actor="raglan")
    pins.set_pins("db", {"a": "2"}, actor="raglan")
    pins.set_pins("web", {"a": "3"}, actor="raglan")
    pins.set_pins("web", {"a": "3"}, actor="raglan")
    assert [(one.pin.role, one.pin.name, one.pin.version) for one in pins.held()] == [
        ("db", "a", "2"),
        ("web", "a", "3"),
    ]
    assert kinds() == ["pins.set"] * 3
    assert json.loads(json.dumps(Event.objects.order_by("-pk")[0].data))["pins"] == {"a": "3"}
    assert isinstance(pins.held()[0].way, WayBack)


@pytest.mark.parametrize("pack", [gzip.compress, lzma.compress, bz2.compress, zstandard.compress, bytes])
def test_an_index_is_read_however_it_is_packed(pack: Callable[[bytes], bytes]) -> None:
    found = mirror_worker.read("apt", pack(b"Package: httpd\nVersion: 2.4.6-40\nArchitecture: all\n"))
    assert found == {"packages": [("httpd", "2.4.6-40", "all")]}


def test_a_mirror_that_moved_keeps_what_it_had(folder: Path, address: str) -> None:
    (folder / "new").mkdir()
    write(folder, ("httpd", "2.4.6-40"))
    write(folder / "new", ("httpd", "2.4.6-45"))
    found, other = add(address), add(f"{address}other/", name="Other")
    mirrors.read(found)
    told = Event.objects.filter(kind="mirror.set").count()
    for wrong in (mirrors.Draft("A", "apt", other.address), mirrors.Draft("A", "yum", address)):
        with pytest.raises(BadInput):
            mirrors.change(found, wrong, actor="raglan")
    same = mirrors.Draft(found.name, "apt", address)
    assert mirrors.change(found, same, actor="raglan").address == address
    assert Event.objects.filter(kind="mirror.set").count() == told
    moved = mirrors.change(found, mirrors.Draft("Moved", "apt", f"{address}new/"), actor="raglan")
    assert (moved.slug, moved.name, moved.address) == (found.slug, "Moved", f"{address}new/")
    mirrors.read(moved)
    assert way_back("httpd", "2.4.6-40").words.startswith("One-way door: httpd 2.4.6-40 is on no mirror any more.")
