"""What files may take: read before the transaction, bounded for an incident and in all, none on a disk that is full."""

import json
import shutil
from collections import namedtuple
from collections.abc import Callable

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.http import HttpResponse
from django.test import Client

from raglan.config import config
from raglan.core import disk
from raglan.core.db import in_write
from raglan.incidents import actions, contents
from raglan.incidents.actions import NoRoom, Said, Upload, attachments
from raglan.incidents.models import Attachment, Entry, Incident
from raglan.people.models import Person

Browser = Callable[[Person], Client]
Usage = namedtuple("Usage", "total used free")
Kind = Entry.Kind
KIB = 1024
LOG = "\n".join(f"[error] child {number} exited" for number in range(2_000))


def log(size: int, name: str = "a.log") -> Upload:
    return Upload(name, name.encode().ljust(size, b"."))


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Room for 10 KiB of files in an incident."""
    monkeypatch.setattr(attachments, "MAX_INCIDENT", 10 * KIB)


@pytest.fixture
def full(small: None, incident: Incident, mara: Person) -> Entry:
    """An incident that has no room left."""
    return actions.post(incident, Said(Kind.NOTE, "Logs", key="k1", files=[log(10 * KIB)]), by=mara)


def test_what_a_file_is_stands_before_anything_is_written(
    incident: Incident, mara: Person, browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen, look = [], contents.look
    monkeypatch.setattr(contents, "look", lambda data: (seen.append(in_write()), look(data))[1])
    client = browser(mara)

    client.post(f"/incidents/{incident.pk}/entries/", {"kind": "note", "text": "x", "files": _sent("1.log")})
    entry = Entry.objects.get(incident=incident)
    client.post(f"/entries/{entry.pk}/", {"text": "y", "files": _sent("2.log")})
    client.post(f"/api/v1/entries/{entry.pk}/files", {"uploads": [_sent("3.log")]})

    assert (Attachment.objects.count(), seen) == (3, [False] * 3)
    assert Attachment.objects.filter(digest=Upload("1.log", b"1.log").digest).count() == 1


def _sent(name: str, data: bytes = b"") -> SimpleUploadedFile:
    return SimpleUploadedFile(name, data or name.encode())


def test_the_files_of_an_incident_have_so_much_room(full: Entry, mara: Person) -> None:
    with pytest.raises(NoRoom, match="of this incident") as refused:
        actions.attach(full, [log(1, "b.log")], by=mara)

    assert (refused.value.status, refused.value.code) == (507, "no_room")
    again = actions.post(full.incident, Said(Kind.NOTE, "Logs", key="k1", files=[log(10 * KIB)]), by=mara)
    assert (again, actions.attach(full, [log(10 * KIB)], by=mara)) == (full, full)  # the same content takes no room


def test_another_incident_has_room_of_its_own_until_all_is_taken(
    full: Entry, mara: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = actions.declare("The login is slow", by=mara)
    actions.post(other, Said(Kind.NOTE, "Logs", files=[log(4 * KIB)]), by=mara)
    monkeypatch.setattr(config(), "files_mb", 0)

    with pytest.raises(NoRoom, match="of all incidents"):
        actions.post(other, Said(Kind.NOTE, "More", files=[log(1, "b.log")]), by=mara)
    assert actions.post(other, Said(Kind.NOTE, "Words always fit"), by=mara).text == "Words always fit"


def test_no_file_is_taken_while_the_disk_is_short(
    incident: Incident, mara: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(disk, "_told", [lambda: True])
    with pytest.raises(NoRoom, match="disk"):
        actions.post(incident, Said(Kind.NOTE, "Logs", files=[log(1)]), by=mara)

    monkeypatch.setattr(disk, "_told", [lambda: False])
    actions.post(incident, Said(Kind.NOTE, "Logs", files=[log(1)]), by=mara)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: Usage(0, 0, 0))
    with pytest.raises(NoRoom, match="disk"):
        actions.post(incident, Said(Kind.NOTE, "Logs", files=[log(2, "b.log")]), by=mara)


@pytest.mark.parametrize("sent", [{"text": "The graph falls", "files": "b.log"}, {"text": LOG}])
def test_a_form_keeps_words_whose_file_has_no_room(
    full: Entry, mara: Person, browser: Browser, sent: dict[str, str]
) -> None:
    def post(**headers: str) -> HttpResponse:
        form = {"kind": "note", **sent} | ({"files": _sent("b.log")} if "files" in sent else {})
        return browser(mara).post(f"/incidents/{full.incident_id}/entries/", form, headers=headers)

    answer = post()

    shown = answer.content.decode()
    assert answer.status_code == 507
    assert "There is no room for this" in shown
    assert f">{sent['text']}</textarea>" in shown
    assert Entry.objects.filter(incident=full.incident).count() == 1

    told = post(**{"X-Raglan-Part": "1"})
    assert (told.status_code, json.loads(told.content)["code"]) == (507, "no_room")


def test_a_correction_keeps_words_whose_file_has_no_room(full: Entry, mara: Person, browser: Browser) -> None:
    answer = browser(mara).post(f"/entries/{full.pk}/", {"text": "Logs of web-014", "files": _sent("b.log")})

    shown = answer.content.decode()
    assert answer.status_code == 422
    assert "There is no room for this" in shown
    assert ">\nLogs of web-014</textarea>" in shown
    full.refresh_from_db()
    assert full.text == "Logs"


def test_rest_refuses_a_long_text_whole_when_its_file_has_no_room(full: Entry, mara: Person) -> None:
    client = Client()
    client.force_login(mara)

    long = client.post(f"/api/v1/incidents/{full.incident_id}/entries", {"text": LOG}, content_type="application/json")
    file = client.post(f"/api/v1/entries/{full.pk}/files", {"uploads": [_sent("b.log")]})

    assert [(answer.status_code, answer.json()["code"]) for answer in (long, file)] == [(507, "no_room")] * 2
    assert Entry.objects.filter(incident=full.incident).count() == 1
