"""The REST reference shows every operation, with types, limits and a line that works."""

import json
import os
import shlex
import sys
import threading
import zlib
from pathlib import Path

import pytest
from django.test import Client
from django.utils.html import escape

from raglan.console import document, reference
from raglan.console.rest import api
from raglan.core import programs
from raglan.core.errors import Overloaded
from raglan.people.models import Person
from tests.console.conftest import SignIn

DOCUMENT = api.get_openapi_schema()
GROUPS = reference.groups(DOCUMENT)
OPERATIONS = [operation for group in GROUPS for operation in reference.operations(DOCUMENT, group.slug)]


@pytest.fixture(autouse=True)
def _made_here(monkeypatch: pytest.MonkeyPatch) -> None:
    """Read what was made in this process; that the other one makes the same is tested once."""
    monkeypatch.setattr(document, "text", lambda: json.dumps(DOCUMENT))


def find(name: str) -> reference.Operation:
    """Return an operation by its id."""
    return next(operation for operation in OPERATIONS if operation.id == name)


def test_every_operation_of_the_document_is_listed_and_explained(signed_in: SignIn, vera: Person) -> None:
    browser = signed_in(vera)
    html = browser.get("/api/docs/").content.decode()
    paths = DOCUMENT["paths"]
    documented = {item["operationId"] for methods in paths.values() for item in methods.values()}
    assert documented == {operation.id for operation in OPERATIONS}
    assert "/api/v1/openapi.json" in html
    assert sum(len(group.entries) for group in GROUPS) == len(OPERATIONS)
    for group in GROUPS:
        part = browser.get(f"/api/docs/{group.slug}/").content.decode()
        for operation in reference.operations(DOCUMENT, group.slug):
            assert f'href="/api/docs/{group.slug}/#{operation.id}"' in html
            assert f'id="{operation.id}"' in part
            assert escape(operation.curl) in part


def test_programs_read_the_same_document_without_signing_in(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    answer = Client().get("/api/v1/openapi.json")
    assert (answer.status_code, answer["Content-Type"]) == (200, "application/json")
    assert answer.json() == json.loads(json.dumps(DOCUMENT))


@pytest.mark.parametrize(
    "command", [("/nowhere/python",), (sys.executable, "-c", "raise SystemExit(1)")], ids=["nothing to run", "failed"]
)
def test_a_document_that_can_not_be_made_now_is_asked_for_later(
    monkeypatch: pytest.MonkeyPatch, command: tuple[str, ...]
) -> None:
    monkeypatch.undo()
    monkeypatch.setattr(document, "COMMAND", command)
    monkeypatch.setattr(document, "KEEPER", document.Keeper())
    answer = Client().get("/api/v1/openapi.json")
    assert (answer.status_code, answer["Retry-After"]) == (503, "60")


def test_only_one_makes_it_and_whoever_comes_meanwhile_is_sent_away(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    answers: list[tuple[int, str]] = []

    def ask() -> None:
        answer = Client().get("/api/v1/openapi.json")
        answers.append((answer.status_code, answer["Retry-After"]))

    def run(*_: object, **__: object) -> programs.Ended:
        other = threading.Thread(target=ask)
        other.start()
        other.join()
        return programs.Ended(0, b"{}", b"")

    monkeypatch.setattr(document, "KEEPER", document.Keeper())
    monkeypatch.setattr(programs, "run", run)
    assert Client().get("/api/v1/openapi.json").content == b"{}"
    assert answers == [(503, "5")]


def test_a_failure_is_kept_for_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    tries: list[str] = []

    def run(*_: object, folder: str, **__: object) -> programs.Ended:
        tries.append(folder)
        return programs.Ended(len(tries) % 2, b"{}", b"")

    keeper = document.Keeper()
    monkeypatch.setattr(programs, "run", run)
    for _ in range(3):
        with pytest.raises(Overloaded):
            keeper.packed()
    assert len(tries) == 1
    monkeypatch.setattr(document, "REST_S", -1)
    assert zlib.decompress(keeper.packed()) == b"{}"
    assert tries == [".", "."]


def test_it_is_made_with_the_options_that_the_server_has(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Relative ones, too: nothing is written into a folder within that of the data."""
    for name in [name for name in os.environ if name.startswith("RAGLAN_")]:
        monkeypatch.delenv(name)
    (tmp_path / "raglan.toml").write_text('public_url = "https://raglan.example.org"\ndata_dir = "kept"\n')
    monkeypatch.setenv("RAGLAN_HOST", "0.0.0.0")  # which asks for public_url
    monkeypatch.chdir(tmp_path)
    assert json.loads(zlib.decompress(document.Keeper().packed()))["openapi"]
    assert not (tmp_path / "kept" / "kept").exists()


def test_a_part_that_is_not_there_is_said_to_be(signed_in: SignIn, vera: Person) -> None:
    assert signed_in(vera).get("/api/docs/knitting/").status_code == 404


@pytest.mark.parametrize("address", ["/api/docs/", "/api/docs/incidents/"])
def test_the_screens_need_nothing_from_elsewhere(signed_in: SignIn, vera: Person, address: str) -> None:
    html = signed_in(vera).get(address).content.decode()
    assert 'src="http' not in html
    assert 'rel="stylesheet" href="http' not in html


@pytest.mark.parametrize("operation", OPERATIONS, ids=[operation.id for operation in OPERATIONS])
def test_the_line_to_paste_is_one_that_a_shell_reads(operation: reference.Operation) -> None:
    words = shlex.split(operation.curl)
    assert words[0] == "curl"
    assert words[-1].endswith(operation.path)
    method = words[words.index("-X") + 1] if "-X" in words else "POST" if "-d" in words else "GET"
    assert method == operation.method
    if "-d" in words:
        json.loads(words[words.index("-d") + 1])


def test_types_limits_and_inner_fields_are_said_in_words() -> None:
    fields = {field.name: field for field in find("save_route").body}
    assert fields["position"].type == "integer"
    assert fields["position"].limits == "at least 0, at most 100000"
    assert fields["position"].required
    assert fields["matchers"].limits == "20 at most"
    assert not fields["matchers"].required
    assert fields["matchers[].op"].type == "one of “=”, “!=”, “=~”, “!~”"
    assert fields["matchers[].op"].words == '"=" unless given'
    assert fields["matchers[].value"].limits == "500 characters at most"


def test_parameters_say_where_they_stand_and_what_they_are_unless_given() -> None:
    before = {field.name: field for field in find("list_alerts").parameters}
    assert before["limit"].limits == "at least 1, at most 500"
    assert before["limit"].words == "100 unless given"
    assert {field.words for field in find("get_alert").parameters} == {"in the address"}
