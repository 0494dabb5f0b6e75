"""Who may do what, for every screen: each cell of the table is requested for real, and no screen is missing from it."""

import json
import re
from collections.abc import Iterator
from functools import cache
from typing import Literal

import pytest
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver

from raglan.console import document
from raglan.console.rest import api
from raglan.people.models import Person
from raglan.testing import world

pytestmark = pytest.mark.django_db
Level = Literal["open", "read", "respond", "configure", "administer"]
ROLES = ("nobody", "viewer", "responder", "manager", "administrator")
# The first of ROLES that may.
LEAST: dict[Level, int] = {"open": 0, "read": 1, "respond": 2, "configure": 3, "administer": 4}

LOOK: dict[Level, set[str]] = {
    "open": {
        "console:openapi",
        "holds:program",
        "integrations:manifest",
        "integrations:push_worker",
        "oncall:feed",
        "outside:confirm",
        "outside:leave",
        "outside:subscribe",
        "paging:by_link",
        "people:accept",
        "people:first",
        "ui:keys",
    },
    "read": {
        "alerts:alert",
        "alerts:group",
        "alerts:index",
        "alerts:inhibitions",
        "alerts:maintenances",
        "alerts:part",
        "alerts:silence",
        "alerts:silences",
        "alerts:storm",
        "automation:card",
        "automation:cards",
        "chat:index",
        "console:change",
        "console:change_hosts",
        "console:change_marks",
        "console:change_next",
        "console:change_part",
        "console:changes",
        "console:docs",
        "console:docs_part",
        "console:noise",
        "console:now",
        "console:part",
        "console:plugin",
        "console:policy",
        "console:psa_notes",
        "console:route",
        "console:setup",
        "console:setup_part",
        "console:source",
        "console:source_part",
        "console:variety",
        "console:variety_of",
        "console:zabbix_media_type",
        "holds:hosts",
        "holds:index",
        "holds:part",
        "holds:show",
        "incidents:catch_up",
        "incidents:checklists",
        "incidents:entry",
        "incidents:file",
        "incidents:hand_changes",
        "incidents:index",
        "incidents:part",
        "incidents:room",
        "incidents:room_checklists",
        "incidents:scripts",
        "incidents:task",
        "incidents:tasks",
        "mirrors:index",
        "mirrors:show",
        "oncall:calendars",
        "oncall:handover",
        "oncall:hours",
        "oncall:index",
        "oncall:leave",
        "oncall:part",
        "oncall:schedule",
        "oncall:shadow",
        "outside:desk",
        "outside:overview",
        "outside:overview_part",
        "outside:part",
        "outside:preview",
        "outside:preview_file",
        "paging:channels",
        "paging:page",
        "paging:pages",
        "paging:part",
        "paging:readiness",
        "people:people",
        "people:person",
        "people:sign_ins",
        "people:team",
        "people:tokens",
        "people:you",
        "processes:experiment",
        "processes:index",
        "processes:interviews",
        "processes:kit",
        "processes:kitchen",
        "processes:rounds",
        "processes:show",
        "processes:skip",
        "processes:versions",
        "reviews:edit",
        "runbooks:folders",
        "runbooks:following",
        "runbooks:index",
        "runbooks:part",
        "runbooks:show",
        "runbooks:versions",
        "runs:index",
        "runs:of_host",
        "runs:show",
        "fleet:host",
        "fleet:hosts",
        "fleet:source",
        "fleet:sources",
    },
    "respond": {
        "alerts:change_silence",
        "alerts:maintenance",
        "alerts:new_maintenance",
        "alerts:new_silence",
        "automation:edit",
        "automation:new",
        "fleet:places",
        "chat:bring_in",
        "chat:bring_in_past",
        "chat:import",
        "chat:import_part",
        "console:new_change",
        "holds:drill",
        "holds:freeze",
        "holds:new",
        "incidents:alerts",
        "incidents:close",
        "incidents:free",
        "incidents:hand_over",
        "incidents:heads_up",
        "incidents:heads_up_address",
        "incidents:join_group",
        "incidents:join_page",
        "incidents:kind",
        "incidents:merge",
        "incidents:name",
        "incidents:near_miss",
        "incidents:needs",
        "incidents:private",
        "incidents:related",
        "incidents:reopen",
        "incidents:split",
        "incidents:standing",
        "incidents:team_script",
        "incidents:team_scripts",
        "incidents:wrong",
        "mirrors:pins",
        "oncall:ask",
        "oncall:choose_rota",
        "oncall:cover",
        "outside:hand_over",
        "outside:say",
        "paging:reach",
        "processes:edit",
        "processes:new",
        "processes:new_experiment",
        "runbooks:edit",
        "runbooks:follow",
        "runbooks:new",
    },
    "configure": {
        "alerts:inhibition",
        "alerts:new_inhibition",
        "chat:change",
        "chat:connect",
        "console:heartbeat",
        "console:new_policy",
        "console:new_route",
        "console:new_source",
        "console:remove_route",
        "incidents:checklist",
        "incidents:script",
        "incidents:severities",
        "incidents:thanks",
        "mirrors:edit",
        "mirrors:new",
        "oncall:new",
        "oncall:rotation",
        "oncall:source",
        "outside:component",
        "outside:new_component",
        "outside:new_target",
        "outside:page",
        "outside:webhooks",
        "outside:window",
        "outside:wording",
        "outside:wordings",
        "people:invite",
        "people:new_team",
        "fleet:new_source",
    },
    "administer": {"incidents:exception"},
}
DO: dict[Level, set[str]] = {
    "open": {
        "incidents:open_from_page",
        "outside:confirm",
        "outside:leave",
        "outside:subscribe",
        "paging:button",
        "paging:by_link",
        "people:accept",
        "people:demo_sign_in",
        "people:first",
        "ui:keys",
    },
    "read": {  # what is one's own, and what one may always do for oneself
        "chat:code",
        "chat:forget",
        "console:test_path",
        "integrations:push_key",
        "integrations:push_subscribe",
        "oncall:calendars",
        "oncall:end_feed",
        "oncall:end_leave",
        "oncall:end_leave_calendar",
        "oncall:end_shadow",
        "oncall:handover",
        "oncall:leave",
        "oncall:leave_calendar",
        "oncall:shadow",
        "outside:ask",
        "paging:appointment",
        "paging:rules",
        "people:add_contact",
        "people:end_other_sign_ins",
        "people:end_sign_in",
        "people:people",
        "people:person",
        "people:remove_contact",
        "people:revoke_token",
        "people:sign_ins",
        "people:team",
        "people:test_contact",
        "people:tokens",
        "people:you",
        "processes:quote",
        "processes:skip",
    },
    "respond": {
        "alerts:change_silence",
        "alerts:end_maintenance",
        "alerts:expire_silence",
        "alerts:maintenance",
        "alerts:new_maintenance",
        "alerts:new_silence",
        "automation:act",
        "automation:edit",
        "automation:new",
        "fleet:places",
        "chat:act_on_import",
        "chat:bring_in",
        "chat:bring_in_past",
        "chat:open_room",
        "console:new_change",
        "console:psa_notes",
        "console:lose_tool",
        "console:take_change_on",
        "console:turn_change",
        "console:variety_of",
        "holds:drill",
        "holds:end_freeze",
        "holds:freeze",
        "holds:new",
        "holds:show",
        "holds:take_back",
        "incidents:about",
        "incidents:act",
        "incidents:act_on_task",
        "incidents:alerts",
        "incidents:close",
        "incidents:end_heads_up_address",
        "incidents:entry",
        "incidents:end_hand_change",
        "incidents:free",
        "incidents:hand_changes",
        "incidents:hand_over",
        "incidents:heads_up",
        "incidents:heads_up_address",
        "incidents:here",
        "incidents:join_group",
        "incidents:join_page",
        "incidents:kind",
        "incidents:lose_tool",
        "incidents:merge",
        "incidents:name",
        "incidents:near_miss",
        "incidents:needs",
        "incidents:post",
        "incidents:private",
        "incidents:related",
        "incidents:reopen",
        "incidents:room_checklists",
        "incidents:split",
        "incidents:standing",
        "incidents:task",
        "incidents:tasks",
        "incidents:team_script",
        "incidents:team_scripts",
        "incidents:tool",
        "incidents:wrong",
        "mirrors:pins",
        "oncall:ask",
        "oncall:cancel",
        "oncall:cover",
        "oncall:decline",
        "oncall:take",
        "oncall:withdraw_request",
        "outside:answer",
        "outside:hand_over",
        "outside:hold",
        "outside:publish",
        "outside:say",
        "outside:say_state",
        "outside:withdraw",
        "paging:answer",
        "paging:change",
        "paging:reach",
        "processes:act",
        "processes:claim",
        "processes:edit",
        "processes:experiment",
        "processes:interviews",
        "processes:kitchen",
        "processes:new",
        "processes:new_experiment",
        "processes:rounds",
        "reviews:edit",
        "reviews:moment",
        "reviews:need",
        "reviews:reply",
        "reviews:share",
        "runbooks:bring_back",
        "runbooks:change",
        "runbooks:edit",
        "runbooks:follow",
        "runbooks:new",
        "runbooks:remove",
        "runbooks:tell",
        "fleet:retire",
    },
    "configure": {
        "alerts:inhibition",
        "alerts:new_inhibition",
        "alerts:remove_inhibition",
        "chat:change",
        "chat:check",
        "chat:connect",
        "chat:end",
        "chat:know",
        "console:act_on_heartbeat",
        "console:add_heartbeat",
        "console:allow_paging",
        "console:change_source",
        "console:confirm_topic",
        "console:heartbeat",
        "console:mapping",
        "console:move_route",
        "console:new_policy",
        "console:new_route",
        "console:new_source",
        "console:new_token",
        "console:remove_route",
        "console:restore_route",
        "console:save_secret",
        "console:source_flapping",
        "console:test_source",
        "console:try_again",
        "incidents:checklist",
        "incidents:script",
        "incidents:severities",
        "incidents:thanks",
        "mirrors:act",
        "mirrors:edit",
        "mirrors:new",
        "oncall:end",
        "oncall:end_source",
        "oncall:holidays",
        "oncall:new",
        "oncall:rotation",
        "oncall:source",
        "oncall:withdraw",
        "outside:component",
        "outside:end_target",
        "outside:end_webhook",
        "outside:new_component",
        "outside:new_target",
        "outside:page",
        "outside:webhooks",
        "outside:window",
        "outside:wording",
        "outside:wordings",
        "people:add_member",
        "people:change_member",
        "people:deactivate",
        "people:fresh_invitation",
        "people:invite",
        "people:new_team",
        "people:set_role",
        "runbooks:end_folder",
        "runbooks:folders",
        "runbooks:read_folder",
        "fleet:change_source",
        "fleet:new_source",
        "fleet:new_token",
        "fleet:try_report",
    },
    "administer": {"incidents:exception"},
}
# Their senders sign: who is signed in here changes nothing.
SIGNED = {f"integrations:twilio_{name}" for name in ("sms", "voice", "call", "key", "reply")} | {
    "integrations:mattermost_callback",
    "integrations:slack_callback",
}
# Everybody may look; the right to change is asked for once the thing is found. See test_what_is_found_first.
FOUND_FIRST = {"console:policy", "console:route"}


def walk(resolver: URLResolver, prefix: str = "", spaces: str = "") -> Iterator[tuple[str, str, URLPattern]]:
    for entry in resolver.url_patterns:
        path = prefix + str(entry.pattern)
        if isinstance(entry, URLPattern):
            yield f"{spaces}{entry.name}", path, entry
        else:
            yield from walk(entry, path, f"{spaces}{entry.namespace}:" if entry.namespace else spaces)


def screens() -> dict[str, str]:
    """Return each own screen's address, with things that do not exist in the places of things."""
    return {
        name: "/" + re.sub(r"<(\w+):\w+>", lambda found: "7" if found[1] == "int" else "none", path)
        for name, path, entry in walk(get_resolver())
        if entry.callback.__module__.startswith("raglan.") and not name.startswith("rest:")
    }


@pytest.fixture
def browsers(monkeypatch: pytest.MonkeyPatch) -> dict[str, Client]:
    """One browser for each role; what describes REST is made here, where REST is loaded anyway."""
    monkeypatch.setattr(document, "text", cache(lambda: json.dumps(api.get_openapi_schema())))
    found = {"nobody": Client()}
    for role in ROLES[1:]:
        person = Person.objects.create_person(f"{role}@example.test", role.title(), role=role)
        found[role] = Client()
        found[role].force_login(person)
    return found


def outcome(browser: Client, method: str, path: str) -> str:
    """Say whether somebody got in: `in`, `sign in`, `not yours` or `no such method`."""
    answer = browser.generic(method, path)
    if answer.status_code == 302 and "/account/login/" in answer["Location"]:
        return "sign in"
    return {403: "not yours", 405: "no such method"}.get(answer.status_code, "in")


def wrong(browsers: dict[str, Client], method: str, path: str, level: Level) -> list[str]:
    """Return each role that gets another answer than the table says."""
    found = []
    for place, role in enumerate(ROLES):
        wanted = "in" if place >= LEAST[level] else "sign in" if role == "nobody" else "not yours"
        got = outcome(browsers[role], method, path)
        if got != wanted:
            found.append(f"{method} {path} as {role}: {got}, not {wanted}")
    return found


@pytest.mark.parametrize(("method", "table"), [("GET", LOOK), ("POST", DO)])
def test_each_cell_of_the_table_is_true(browsers: dict[str, Client], method: str, table: dict[Level, set[str]]) -> None:
    paths = screens()
    found: list[str] = []
    for level, names in table.items():
        for name in sorted(names):
            found += wrong(browsers, method, paths[name], level)
    assert found == []


@pytest.mark.parametrize(("method", "table"), [("GET", LOOK), ("POST", DO)])
def test_what_is_not_in_the_table_takes_no_such_request(
    browsers: dict[str, Client], method: str, table: dict[Level, set[str]]
) -> None:
    """A screen that is new has to be put into the table: without that, this fails."""
    named = set().union(*table.values()) | SIGNED | FOUND_FIRST
    others = {name: path for name, path in screens().items() if name not in named}
    answered = {
        name: got
        for name, path in others.items()
        if (got := outcome(browsers["administrator"], method, path)) != "no such method"
    }
    assert answered == {}


def test_who_signs_nothing_gets_nothing(browsers: dict[str, Client]) -> None:
    for name in SIGNED:
        for browser in browsers.values():
            assert outcome(browser, "POST", screens()[name]) == "not yours"


@pytest.mark.parametrize("name", sorted(FOUND_FIRST))
def test_what_is_found_first(browsers: dict[str, Client], name: str) -> None:
    policy = world.policy((300, [Person.objects.get(role="responder")]))
    route = world.route(1, policy)
    path = f"/setup/policies/{policy.slug}/" if name == "console:policy" else f"/setup/routes/{route.position}/"
    assert wrong(browsers, "GET", path, "read") == []
    assert wrong(browsers, "POST", path, "configure") == []
