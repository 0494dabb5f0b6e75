"""Pictures and files at entries: told by their content, kept in the database, served apart from raglan's own pages."""

import struct
import zlib
from collections.abc import Callable

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from raglan.core.errors import BadInput, Conflict, NotAllowed
from raglan.incidents import actions, contents, queries
from raglan.incidents.actions import Said, Upload
from raglan.incidents.models import Attachment, Entry, Incident
from raglan.people.models import Person

Browser = Callable[[Person], Client]
Kind = Entry.Kind
PAGE = b"<script>alert(1)</script>"
DRAWING = b'<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>'


def png(width: int = 2, height: int = 3) -> bytes:
    def part(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    rows = b"".join(b"\0" + b"\x40" * 3 * width for _ in range(height)) if width < 100 else b""
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    pixels = part(b"IDAT", zlib.compress(rows))
    return b"\x89PNG\r\n\x1a\n" + part(b"IHDR", head) + pixels + part(b"IEND", b"")


JPEG = (
    b"\xff\xd8\xff\xe0" + struct.pack(">H", 16) + b"JFIF\0" + bytes(9) + b"\xff\xc0"
    + struct.pack(">HBHHB", 17, 8, 30, 40, 3) + bytes(9)
)  # fmt: skip
VP8X = b"RIFF\x1e\0\0\0WEBPVP8X\x0a\0\0\0\0\0\0\0" + b"\x27\0\0" + b"\x1d\0\0"


@pytest.mark.parametrize(
    ("data", "kind", "size"),
    [
        (png(), "image/png", (2, 3)),
        (JPEG, "image/jpeg", (40, 30)),
        (b"GIF89a" + struct.pack("<HH", 40, 30), "image/gif", (40, 30)),
        (VP8X, "image/webp", (40, 30)),
        (b"\xff\xd8\xff\xe0\0", "application/octet-stream", (0, 0)),
        (b"\x89PNG\r\n\x1a\n", "application/octet-stream", (0, 0)),
        (b"%PDF-1.7 ...", "application/pdf", (0, 0)),
        (b"\x1f\x8b\x08...", "application/gzip", (0, 0)),
        ("[error] caf\u00e9 \x1b[31mred\x1b[0m\n".encode(), "text/plain", (0, 0)),
        (PAGE, "text/plain", (0, 0)),
        (DRAWING, "text/plain", (0, 0)),
        (b"\x7fELF\x02\x01\0", "application/octet-stream", (0, 0)),
    ],
)
def test_a_file_is_what_its_content_says(data: bytes, kind: str, size: tuple[int, int]) -> None:
    found = contents.look(data)

    assert (found.kind, (found.width, found.height)) == (kind, size)


@pytest.fixture
def said() -> Said:
    """A graph with two words."""
    return Said(Kind.FOUND, "The graph falls", key="k1", files=[Upload("graph.png", png())])


def test_a_picture_posted_twice_is_there_once(incident: Incident, mara: Person, said: Said) -> None:
    entries = [actions.post(incident, said, by=mara) for _ in range(2)]
    actions.attach(entries[0], said.files, by=mara)

    assert [file.name for file in queries.entry(entries[0].pk).attachments.all()] == ["graph.png"]


@pytest.mark.parametrize(
    ("upload", "why"),
    [
        (Upload("graph.png", PAGE), "no picture"),
        (Upload("nothing.txt", b""), "empty"),
        (Upload("core", b"\0" * (5 * 1024 * 1024 + 1)), "larger than 5 MiB"),
    ],
)
def test_a_refused_file_posts_nothing(incident: Incident, mara: Person, upload: Upload, why: str) -> None:
    with pytest.raises(BadInput, match=why):
        actions.post(incident, Said(Kind.NOTE, "See here", files=[upload]), by=mara)


def test_an_entry_has_eight_files_at_most(incident: Incident, mara: Person) -> None:
    files = [Upload(f"{number}.log", str(number).encode()) for number in range(9)]

    with pytest.raises(BadInput, match="more than 8"):
        actions.post(incident, Said(Kind.NOTE, "Logs", files=files), by=mara)


def test_files_are_added_by_whoever_wrote_it_while_the_room_is_open(
    incident: Incident, mara: Person, bo: Person, said: Said
) -> None:
    entry = actions.post(incident, Said(Kind.FOUND, "The graph falls"), by=mara)
    with pytest.raises(NotAllowed):
        actions.attach(entry, said.files, by=bo)
    actions.stand_down(incident, by=mara)
    with pytest.raises(Conflict):
        actions.attach(queries.entry(entry.pk), said.files, by=mara)


@pytest.mark.parametrize(
    ("name", "kept"),
    [("../../etc/passwd", "passwd"), ("C:\\logs\\e.log", "e.log"), ("a\u202egnp.exe", "agnp.exe"), ("\n", "file"),
     ("x" * 200 + ".log", "x" * 116 + ".log")],
)  # fmt: skip
def test_a_name_has_no_folders_and_nothing_unseen(incident: Incident, mara: Person, name: str, kept: str) -> None:
    entry = actions.post(incident, Said(Kind.NOTE, "See", files=[Upload(name, b"words")]), by=mara)

    assert entry.attachments.get().name == kept


@pytest.mark.parametrize(
    ("upload", "kind", "disposition"),
    [
        (Upload("graph.png", png()), "image/png", "inline"),
        (Upload('page".html', PAGE), "text/plain; charset=utf-8", "attachment"),
        (Upload("drawing.svg", DRAWING), "text/plain; charset=utf-8", "attachment"),
        (Upload("core", b"\x7fELF\0"), "application/octet-stream", "attachment"),
    ],
)
def test_a_file_is_served_apart_from_our_pages(
    incident: Incident, mara: Person, browser: Browser, upload: Upload, kind: str, disposition: str
) -> None:
    entry = actions.post(incident, Said(Kind.NOTE, "See", files=[upload]), by=mara)
    address = f"/files/{entry.attachments.get().pk}/"

    answer = browser(mara).get(address)

    assert (answer.content, answer["Content-Type"]) == (upload.data, kind)
    assert answer["Content-Disposition"].startswith(disposition)
    assert (answer["X-Content-Type-Options"], answer["Content-Security-Policy"]) == (
        "nosniff", "default-src 'none'; sandbox"
    )  # fmt: skip
    assert browser(mara).get(address, headers={"If-None-Match": answer["ETag"]}).status_code == 304
    assert Client().get(address).status_code == 302


def test_the_room_draws_a_small_picture_and_links_a_large_one(
    incident: Incident, mara: Person, browser: Browser, said: Said
) -> None:
    files = [*said.files, Upload("<b>.png", png(20_000, 20_000))]
    actions.post(incident, Said(Kind.FOUND, "Two graphs", files=files), by=mara)

    shown = browser(mara).get(f"/incidents/{incident.pk}/").content.decode()

    assert shown.count('class="thumbnail"') == 1
    assert "&lt;b&gt;.png" in shown
    assert "<b>.png" not in shown


def test_a_graph_elsewhere_is_a_link_that_nobody_fetches(incident: Incident, mara: Person, browser: Browser) -> None:
    text = "![Requests](https://graphs.example.test/render?x.png) and https://graphs.example.test/y.png"
    actions.post(incident, Said(Kind.FOUND, text), by=mara)

    shown = browser(mara).get(f"/incidents/{incident.pk}/").content.decode()

    assert "<img" not in shown
    assert shown.count('<a href="https://graphs.example.test/') == 2


def test_a_paste_longer_than_an_entry_is_kept_whole(incident: Incident, mara: Person, browser: Browser) -> None:
    log = "\n".join(f"[error] child {number} exited" for number in range(2_000))
    assert len(log) > 20_000

    answer = browser(mara).post(f"/incidents/{incident.pk}/entries/", {"kind": "found", "text": log})

    assert answer.status_code == 302
    entry = Entry.objects.get(incident=incident)
    assert entry.text.startswith("[error] child 0 exited\n")
    assert f"all {len(log):,} characters" in entry.text
    assert bytes(Attachment.objects.get(entry=entry).data).decode() == log


def test_a_form_without_script_keeps_words_whose_file_is_refused(
    incident: Incident, mara: Person, browser: Browser
) -> None:
    sent = {"kind": "found", "text": "The graph falls", "files": SimpleUploadedFile("graph.png", PAGE)}
    answer = browser(mara).post(f"/incidents/{incident.pk}/entries/", sent)

    assert answer.status_code == 422
    shown = answer.content.decode()
    assert "Graph.png is no picture" in shown or "graph.png is no picture" in shown.lower()
    assert ">The graph falls</textarea>" in shown


def test_files_over_rest(incident: Incident, mara: Person) -> None:
    entry = actions.post(incident, Said(Kind.FOUND, "The graph falls"), by=mara)
    client = Client()
    client.force_login(mara)
    path = f"/api/v1/entries/{entry.pk}/files"

    told = client.post(path, {"uploads": [SimpleUploadedFile("graph.png", png())]}).json()

    assert [(file["name"], file["content_type"], file["size"]) for file in told["files"]] == [
        ("graph.png", "image/png", len(png()))
    ]
    assert client.get(f"/api/v1/files/{told['files'][0]['id']}").content == png()
    assert client.post(path, {"uploads": [SimpleUploadedFile("x.png", PAGE)]}).status_code == 422
