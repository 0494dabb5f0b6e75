"""The status page is brought to its places: at once, regularly, and again after trouble."""

import json
import re
import sys
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path

import pytest
from django.test import Client

from raglan.alerts.models import AlertGroup
from raglan.config import config
from raglan.core import timeline
from raglan.core.clock import CLOCK, now
from raglan.core.errors import BadInput
from raglan.core.models import Timer
from raglan.incidents import actions as incidents
from raglan.incidents.models import Incident
from raglan.outside import components, desk, publishing, queries
from raglan.outside.components import ComponentDraft, PageDraft
from raglan.outside.desk import Word
from raglan.outside.models import Target
from raglan.outside.publishing import Draft
from raglan.outside.ways import Place
from raglan.people.models import Person
from raglan.testing import world

PUBLIC = Word("looking", "Pay later, please.", is_public=True, headline="Buying is slow")
COPY = f"copy={sys.executable} -c \"import shutil, sys; shutil.copytree(sys.argv[1], sys.argv[2]); print('copied')\""


@pytest.fixture
def on(mara: Person) -> None:
    components.set_page(PageDraft(True, "Loomhaven"), seen_version=0, actor=mara)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(config(), "status_folders", [str(tmp_path / "srv")])
    return tmp_path / "srv" / "status"


def to(folder: Path, mara: Person) -> Target:
    return publishing.add(Draft("folder", "Web server", {"path": str(folder)}), actor=mara)


def test_a_public_word_goes_out_at_once_and_the_page_stays_fresh(
    on: None, folder: Path, room: Incident, mara: Person, bo: Person
) -> None:
    target = to(folder, mara)
    world.fire_all()
    assert "Buying is slow" not in (folder / "index.html").read_text()
    desk.say(room, PUBLIC, by=bo)
    world.fire_all()
    first = (folder / "index.html").read_text()
    assert "Buying is slow" in first
    assert (folder.stat().st_mode & 0o777, (folder / "index.html").stat().st_mode & 0o777) == (0o755, 0o644)
    assert sorted(path.name for path in folder.iterdir()) == [
        "atom.xml", "history.html", "index.html", "rss.xml", "status.json", "style.css",
    ]  # fmt: skip
    world.fast_forward(timedelta(minutes=11))
    assert (folder / "index.html").read_text() != first
    target.refresh_from_db()
    assert (target.problem, target.output, target.failing_since) == ("", "6 files", None)
    kinds = [event.kind for event in timeline.about(target)]
    assert kinds == ["status_target.set", "status_target.published"]  # not each time anew


def test_what_becomes_private_goes_from_the_page_at_once(
    on: None, folder: Path, room: Incident, mara: Person, bo: Person
) -> None:
    to(folder, mara)
    desk.say(room, PUBLIC, by=bo)
    world.fire_all()
    assert "Buying is slow" in (folder / "index.html").read_text()
    incidents.make_private(room, "A key leaked", by=mara)
    world.fire_all()
    assert not [path.name for path in folder.iterdir() if b"Buying is slow" in path.read_bytes()]


def test_a_room_about_a_service_takes_the_green_from_the_page_at_once(on: None, folder: Path, mara: Person) -> None:
    web = world.service("web")
    one = components.add_component(components.ComponentDraft("Buying", services=[web]), actor=mara)
    components.say_state(one, "fine", by=mara, actor=mara)
    to(folder, mara)
    world.fire_all()
    assert "good until" in (folder / "index.html").read_text()
    incidents.declare("Buying is slow", by=mara, services=[web])
    world.fire_all()
    assert "there are signs of trouble" in (folder / "index.html").read_text()


@pytest.mark.parametrize("who", ["lead", "alert", "warned"])
def test_a_room_that_nobody_declared_does_so_as_soon_as_somebody_stands_for_it(
    on: None, folder: Path, mara: Person, who: str
) -> None:
    web = world.service("web")
    one = components.add_component(components.ComponentDraft("Buying", services=[web]), actor=mara)
    components.say_state(one, "fine", by=mara, actor=mara)
    to(folder, mara)
    world.ingest(world.source(), world.signal(service="else"))
    warned = incidents.Warned("It is all down", services=[web], author_words="Eve (@eve)")
    room = incidents.give_heads_up(warned, by=None).incident
    assert room is not None
    world.fire_all()
    assert "good until" in (folder / "index.html").read_text()
    match who:
        case "lead":
            incidents.take_lead(room, mara, by=mara)
        case "alert":
            incidents.join_groups(room, list(AlertGroup.objects.all()), by=mara)
        case _:
            incidents.give_heads_up(incidents.Warned("I see it, too", services=[web]), by=mara)
    world.fire_all()
    assert "there are signs of trouble" in (folder / "index.html").read_text()


def test_while_the_page_is_off_nothing_goes_anywhere(folder: Path, mara: Person) -> None:
    to(folder, mara)
    world.fire_all()
    assert not folder.exists()
    assert publishing.publish_soon() == 0
    components.set_page(PageDraft(True, "Loomhaven"), seen_version=0, actor=mara)
    world.fire_all()
    assert folder.exists()
    components.set_page(PageDraft(False, "Loomhaven"), seen_version=1, actor=mara)
    world.fast_forward(timedelta(minutes=30))
    assert not Timer.objects.filter(kind=publishing.PUBLISH).exists()


def test_a_page_that_is_turned_off_leaves_files_that_grow_old_and_the_overview_names_them(
    on: None, folder: Path, mara: Person, browser: Client
) -> None:
    target = to(folder, mara)
    publishing.add(Draft("folder", "Not reached yet", {"path": str(folder / "no")}), actor=mara)
    Target.objects.exclude(pk=target.pk).update(every_min=1440)
    publishing.bring(target.pk)
    components.set_page(PageDraft(False, "Loomhaven"), seen_version=1, actor=mara)
    target.refresh_from_db()
    assert target.published_at is not None

    def shown() -> str:
        return " ".join(browser.get("/setup/status/").content.decode().split())

    assert re.search("After .{10,40} this page is too old", (folder / "index.html").read_text())
    assert "They are at Web server. raglan takes nothing away" in shown()
    assert shown().count("Files of it still stand there") == 1
    assert "The files say themselves that they are too old from" in shown()
    told = browser.get("/api/v1/status-page/places").json()
    assert [place["old_at"] is None for place in told] == [False, True]
    world.fast_forward(timedelta(minutes=31))
    assert "The files have said themselves that they are too old since" in shown()


def test_a_place_that_refuses_is_tried_again_and_says_why(on: None, folder: Path, mara: Person) -> None:
    folder.parent.mkdir()
    folder.write_text("in the way")
    target = to(folder, mara)
    world.fire_all()
    target.refresh_from_db()
    assert target.problem == f"File exists: {folder}"
    assert target.failing_since is not None
    folder.unlink()
    world.fast_forward(timedelta(minutes=2))
    target.refresh_from_db()
    assert (target.problem, target.failing_since) == ("", None)
    assert [event.kind for event in timeline.about(target)][-2:] == [
        "status_target.not_published",
        "status_target.published",
    ]


@pytest.mark.parametrize("path", ["/etc", "status", "{root}/../outside", "{root}/link/status"])
def test_only_folders_of_the_configuration_are_written(folder: Path, mara: Person, path: str, tmp_path: Path) -> None:
    folder.parent.mkdir()
    (folder.parent / "link").symlink_to(tmp_path)
    with pytest.raises(BadInput) as refused:
        publishing.add(Draft("folder", "x", {"path": path.format(root=folder.parent)}), actor=mara)
    assert refused.value.field == "path"


def test_a_folder_that_is_allowed_no_more_is_left_alone(
    on: None, folder: Path, mara: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = to(folder, mara)
    monkeypatch.setattr(config(), "status_folders", [])
    world.fire_all()
    target.refresh_from_db()
    assert "status_folders" in target.problem
    assert not folder.exists()


def test_a_command_gets_the_files_and_its_output_is_kept(
    on: None, tmp_path: Path, mara: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(config(), "status_commands", [f"{COPY} {{folder}} {tmp_path}/out;touch"])
    target = publishing.add(Draft("command", "Copy", {"command": "copy"}), actor=mara)
    world.fire_all()
    target.refresh_from_db()
    assert (target.problem, target.output) == ("", "copied")
    assert (tmp_path / "out;touch" / "index.html").is_file()  # no shell reads it
    world.fast_forward(timedelta(minutes=11))
    target.refresh_from_db()
    assert target.problem.startswith("the command ended with 1.")
    assert "FileExistsError" in target.problem


def test_rsync_brings_what_changed_and_takes_away_what_is_gone(
    on: None, room: Incident, tmp_path: Path, mara: Person, bo: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The line that the handbook shows, with the true program and a place on this machine."""
    there = tmp_path / "srv" / "status"
    there.parent.mkdir()
    monkeypatch.setattr(config(), "status_commands", [f"web=rsync -a --delete {{folder}}/ {there}/"])
    target = publishing.add(Draft("command", "Web server", {"command": "web"}), actor=mara)
    world.fire_all()
    assert queries.target(target.pk).problem == ""
    assert "Buying is slow" not in (there / "index.html").read_text()
    (there / "left-over.html").write_text("of an earlier page")
    desk.say(room, PUBLIC, by=bo)
    world.fire_all()
    assert "Buying is slow" in (there / "index.html").read_text()
    assert not (there / "left-over.html").exists()
    assert {path.name for path in there.iterdir()} >= {"index.html", "atom.xml", "style.css"}
    assert (there / "index.html").stat().st_mode & 0o777 == 0o644

    there.rename(tmp_path / "away")
    there.write_text("in the way")
    publishing.bring(target.pk)
    assert queries.target(target.pk).problem.startswith("the command ended with ")
    there.unlink()
    world.fast_forward(timedelta(minutes=11))
    assert queries.target(target.pk).problem == ""
    assert "Buying is slow" in (there / "index.html").read_text()


def test_a_command_has_a_deadline_and_knows_no_secrets(on: None, mara: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    from raglan.outside.ways import command

    monkeypatch.setenv("RAGLAN_SECRET_KEY", "canary")
    show = f'{sys.executable} -c "import os; print(sorted(os.environ))"'
    monkeypatch.setattr(config(), "status_commands", ["slow=sleep 30", f"show={show}", "gone=/no/such/program"])
    monkeypatch.setattr(command, "DEADLINE_S", 0.2)
    found = [publishing.add(Draft("command", n, {"command": n}), actor=mara) for n in ("slow", "gone")]
    world.fire_all()
    problems = [queries.target(one.pk).problem for one in found]
    assert problems == ["the command did not end within 0.2 s", "the command can not be run: No such file or directory"]
    monkeypatch.setattr(command, "DEADLINE_S", 30)
    target = publishing.add(Draft("command", "show", {"command": "show"}), actor=mara)
    publishing.bring(target.pk)
    assert "RAGLAN" not in queries.target(target.pk).output
    with pytest.raises(BadInput):
        publishing.add(Draft("command", "x", {"command": "rm -rf /"}), actor=mara)


def test_two_nodes_do_not_bring_it_at_once(on: None, folder: Path, mara: Person) -> None:
    target = to(folder, mara)
    Target.objects.filter(pk=target.pk).update(claimed_until=now() + timedelta(minutes=2))
    assert publishing.bring(target.pk) == publishing.BUSY
    assert not folder.exists()
    CLOCK.move(timedelta(minutes=3))
    assert publishing.bring(target.pk) == timedelta(minutes=10)
    assert queries.target(target.pk).claimed_until is None


def test_a_place_that_ended_gets_nothing_more(on: None, folder: Path, mara: Person) -> None:
    target = to(folder, mara)
    publishing.end(target, actor=mara)
    publishing.end(target, actor=mara)
    world.fire_all()
    assert not folder.exists()
    assert list(queries.targets()) == []


def test_screens_set_it_up_and_show_it(folder: Path, room: Incident, bo: Person) -> None:
    manager = Client()
    manager.force_login(world.person("Kei Sato", role=Person.Role.MANAGER))
    at = "/setup/status/"
    page = {"is_on": "on", "title": "Loomhaven", "zone": "Europe/Berlin", "language": "en", "word_hours": "24"}
    assert manager.post(f"{at}page/", {**page, "version": "0"}).status_code == 302
    assert manager.post(f"{at}page/", {**page, "version": "0"}).status_code == 422
    part = {"name": "Buying", "position": "1", "quiet_min": "15"}
    assert manager.post(f"{at}components/new/", part).status_code == 302
    one = queries.components().get()
    assert manager.post(f"{at}components/{one.pk}/", {**part, "name": "Buying things"}).status_code == 302
    assert manager.post(f"{at}components/{one.pk}/say/", {"state": "fine"}).status_code == 302
    assert manager.post(f"{at}places/new/folder/", {"name": "x", "path": "/etc", "every_min": "5"}).status_code == 422
    place = {"name": "x", "path": str(folder), "every_min": "5"}
    assert manager.post(f"{at}places/new/folder/", place).status_code == 302
    world.fire_all()
    html = manager.get(at).content.decode()
    assert "Buying things" in html
    assert "Last brought" in html
    assert manager.get(f"{at}preview/").content.decode().count("Buying things") >= 1
    assert manager.get(f"{at}preview/style.css")["Content-Type"] == "text/css; charset=utf-8"
    assert manager.get(f"{at}preview/settings.py").status_code == 404
    assert manager.post(f"{at}publish/").status_code == 302
    assert manager.post(f"{at}components/{one.pk}/", {"do": "remove"}).status_code == 302
    assert manager.post(f"{at}places/{queries.targets().get().pk}/end/").status_code == 302


def test_rest_does_what_the_screens_do(folder: Path, mara: Person) -> None:
    manager = Client()
    manager.force_login(world.person("Kei Sato", role=Person.Role.MANAGER))

    def send(method: str, path: str, body: object = None) -> object:
        answer = manager.generic(method, f"/api/v1{path}", json.dumps(body or {}), "application/json")
        assert answer.status_code in (200, 201, 202, 204), answer.content
        return answer.json() if answer.content else None

    page = send("PUT", "/status-page", {"is_on": True, "title": "Loomhaven", "version": 0})
    assert send("GET", "/status-page") == page
    one = send("POST", "/components", {"name": "Buying", "services": []})
    assert isinstance(one, dict)
    assert one["state"] == "unknown"
    changed = send("PUT", f"/components/{one['id']}", {"name": "Shop", "group": "Sales"})
    said = send("POST", f"/components/{one['id']}/state", {"state": "slow"})
    assert isinstance(changed, dict)
    assert isinstance(said, dict)
    assert (changed["name"], said["state"]) == ("Shop", "slow")
    assert send("GET", "/components") == [said]
    place = send("POST", "/status-page/places", {"kind": "folder", "name": "x", "settings": {"path": str(folder)}})
    assert isinstance(place, dict)
    assert send("POST", "/status-page/publish") == {"places": 1}
    files = send("GET", "/status-page/files")
    assert isinstance(files, dict)
    assert "Shop" in files["index.html"]
    send("DELETE", f"/status-page/places/{place['id']}")
    send("DELETE", f"/components/{one['id']}")
    assert (send("GET", "/status-page/places"), send("GET", "/components")) == ([], [])


@pytest.mark.parametrize("settings", [{"path": "/srv/\0x"}, {"path": "/" + "x" * 400}, {}])
def test_unfit_words_are_refused_not_stumbled_over(folder: Path, mara: Person, settings: dict[str, str]) -> None:
    manager = Client()
    manager.force_login(world.person("Kei Sato", role=Person.Role.MANAGER))
    for kind in ("folder", "s3", "git", "command"):
        body = {"kind": kind, "name": "x\0y", "settings": settings, "secret": "a\0b"}
        answer = manager.post("/api/v1/status-page/places", body, "application/json")
        assert answer.status_code == 422, answer.content
    assert manager.post("/api/v1/status-page/webhooks", {"url": "http://\0/"}, "application/json").status_code in (
        409,
        422,
    )


def test_the_desk_says_that_the_page_does_not_get_out(on: None, folder: Path, room: Incident, mara: Person) -> None:
    folder.parent.mkdir()
    folder.write_text("in the way")
    to(folder, mara)
    world.fire_all()
    reading = Client()
    reading.force_login(mara)
    desk_of_room = f"/incidents/{room.pk}/outside/"
    warning = "The status page does not get to Web server"
    assert warning not in reading.get(desk_of_room).content.decode()  # nothing of this room is public
    desk.say(room, PUBLIC, by=mara)
    assert warning in reading.get(desk_of_room).content.decode()


def test_what_changes_while_it_is_brought_goes_out_right_after(
    on: None, folder: Path, room: Incident, mara: Person, bo: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    to(folder, mara)
    way = publishing.WAYS["folder"]
    brought: list[bool] = []

    def bring(place: Place, files: Mapping[str, bytes]) -> str:
        if not brought:
            desk.say(room, PUBLIC, by=bo)  # the files are made by now
        brought.append(b"Buying is slow" in files["index.html"])
        return "so"

    monkeypatch.setattr(way, "bring", bring)
    world.fire_all()
    assert brought == [False, True]


def test_the_next_update_begins_with_what_the_last_one_said_of_components(
    on: None, room: Incident, mara: Person
) -> None:
    one, other = (components.add_component(ComponentDraft(name), actor=mara) for name in ("Buying", "Selling"))
    desk.say(room, Word("looking", "x", is_public=True, headline="Slow", states={one.pk: "slow"}), by=mara)
    writing = Client()
    writing.force_login(mara)
    at = f"/incidents/{room.pk}/outside/say/"
    form = writing.get(at).context["form"]
    assert [field.value() for field in form.part_fields()] == ["slow", "none"]
    word = {"stage": "over", "text": "Over.", "next_word": "0", "is_public": "on", "headline": "Slow", "seen": "1"}
    word |= {f"part_{one.pk}": "fine", f"part_{other.pk}": "none", "key": "k"}
    looked = writing.post(at, word)
    assert "Buying: fine." in looked.content.decode()
    again = {**word, "looked": looked.context["form"]["looked"].value(), "do": "say"}
    assert writing.post(at, again).status_code == 302
    said = queries.updates(room).first()
    assert said is not None
    assert [(item.component, item.state) for item in said.words.all()] == [(one, "fine")]


def test_what_nobody_expected_is_said_at_the_place_and_tried_again(
    on: None, folder: Path, mara: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = to(folder, mara)
    with monkeypatch.context() as patch:
        patch.setattr(publishing.render, "files", lambda shot: 1 // 0)
        world.fire_all()
    target = queries.target(target.pk)
    assert "ZeroDivisionError" in target.problem
    assert target.claimed_until is None
    assert not Timer.objects.filter(parked_at__isnull=False).exists()
    world.fast_forward(timedelta(minutes=2))
    assert queries.target(target.pk).problem == ""
