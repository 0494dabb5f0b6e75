"""The REST reference shows every operation, with types, limits and a line that works."""

import json
import os
import shlex
import sys
import threading
import zlib
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from django.utils.html import escape

from raglan.console import document, reference
from raglan.console.rest import api
from raglan.core import programs
from raglan.core.errors import Overloaded
from raglan.people.models import Person
from tests.console.conftest import SignIn


@cache
def made() -> dict[str, Any]:
    """The document, made once and not before a test asks for it: it takes seconds of the processor."""
    return api.get_openapi_schema()


@cache
def every() -> list[reference.Operation]:
    """All operations, in the order of the screens."""
    return [one for group in reference.groups(made()) for one in reference.operations(made(), group.slug)]


@pytest.fixture(autouse=True)
def _made_here(monkeypatch: pytest.MonkeyPatch) -> None:
    """Read what was made in this process; that the other one makes the same is tested once."""
    monkeypatch.setattr(document, "text", lambda: json.dumps(made()))


def find(name: str) -> reference.Operation:
    """Return an operation by its id."""
    return next(operation for operation in every() if operation.id == name)


def test_every_operation_of_the_document_is_listed_and_explained(signed_in: SignIn, vera: Person) -> None:
    browser = signed_in(vera)
    html = browser.get("/api/docs/").content.decode()
    paths = made()["paths"]
    documented = {item["operationId"] for methods in paths.values() for item in methods.values()}
    assert documented == {operation.id for operation in every()}
    assert "/api/v1/openapi.json" in html
    assert sum(len(group.entries) for group in reference.groups(made())) == len(every())
    for group in reference.groups(made()):
        assert f'{group.name[1:]} <span class="tiny soft">{len(group.entries)}</span>' in html
        part = browser.get(f"/api/docs/{group.slug}/").content.decode()
        for operation in reference.operations(made(), group.slug):
            assert f'href="/api/docs/{group.slug}/#{operation.id}"' in html
            assert f'id="{operation.id}"' in part
            assert escape(operation.curl) in part


def test_programs_read_the_same_document_without_signing_in(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    answer = Client().get("/api/v1/openapi.json")
    assert (answer.status_code, answer["Content-Type"]) == (200, "application/json")
    assert answer.json() == json.loads(json.dumps(made()))


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


def test_the_lines_to_paste_are_ones_that_a_shell_reads() -> None:
    assert {one.id: one.curl for one in every() if not is_a_line(one)} == {}
    assert len(every()) > 300


def is_a_line(operation: reference.Operation) -> bool:
    """Tell whether a line asks what the operation is for. Raises ValueError for one that no shell reads."""
    words = shlex.split(operation.curl)
    method = words[words.index("-X") + 1] if "-X" in words else "POST" if "-d" in words else "GET"
    if "-d" in words:
        json.loads(words[words.index("-d") + 1])
    return words[0] == "curl" and words[-1].endswith(operation.path) and method == operation.method


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
