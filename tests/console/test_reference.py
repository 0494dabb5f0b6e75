"""The REST reference shows every operation, with types, limits and a line that works."""

import json
import shlex

import pytest
from django.utils.html import escape

from raglan.console import reference
from raglan.console.rest import api
from raglan.people.models import Person
from tests.console.conftest import SignIn

OPERATIONS = [operation for group in reference.groups() for operation in group.operations]


def find(name: str) -> reference.Operation:
    """Return an operation by its id."""
    return next(operation for operation in OPERATIONS if operation.id == name)


def test_every_operation_of_the_document_is_listed_and_explained(signed_in: SignIn, vera: Person) -> None:
    browser = signed_in(vera)
    html = browser.get("/api/docs/").content.decode()
    paths = api.get_openapi_schema()["paths"]
    documented = {item["operationId"] for methods in paths.values() for item in methods.values()}
    assert documented == {operation.id for operation in OPERATIONS}
    assert "/api/v1/openapi.json" in html
    for group in reference.groups():
        part = browser.get(f"/api/docs/{group.slug}/").content.decode()
        for operation in group.operations:
            assert f'href="/api/docs/{group.slug}/#{operation.id}"' in html
            assert f'id="{operation.id}"' in part
            assert escape(operation.curl) in part


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
