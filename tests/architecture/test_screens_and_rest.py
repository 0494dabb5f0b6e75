"""The screens use nothing that REST can not do: each screen that takes a POST has its operation, or a stated reason."""

import ast
import inspect
import textwrap
from collections.abc import Iterator

from django.urls import URLPattern, URLResolver, get_resolver

from raglan.console.rest import api

OPERATIONS: dict[str, tuple[str, ...]] = {
    "console:test_path": ("send_test",),
    "console:try_again": ("try_again",),
    "console:allow_paging": ("allow_paging",),
    "console:new_change": ("propose_change", "preview_change"),
    "console:turn_change": ("turn_change",),
    "console:take_change_on": ("take_change_on",),
    "console:variety_of": ("list_variety", "get_variety", "note_variety"),
    "console:psa_notes": ("list_psa_notes", "write_psa_note"),
    "console:new_source": ("make_source",),
    "console:new_token": ("rotate_token",),
    "console:test_source": ("test_source",),
    "console:change_source": ("change_source", "end_old_token"),
    "console:source_flapping": ("change_source", "try_rules"),
    "console:save_secret": ("change_source",),
    "console:mapping": ("change_source",),
    "console:confirm_topic": ("confirm_topic",),
    "console:add_heartbeat": ("make_heartbeat",),
    "console:heartbeat": ("get_heartbeat", "change_heartbeat"),
    "console:act_on_heartbeat": ("change_heartbeat", "pause_heartbeat", "remove_heartbeat"),
    "console:new_policy": ("save_policy",),
    "console:policy": ("save_policy",),
    "console:new_route": ("save_route", "try_route"),
    "console:route": ("save_route", "try_route"),
    "console:lose_tool": ("lose_tool",),
    "console:move_route": ("move_route",),
    "console:remove_route": ("remove_route", "try_rules"),
    "console:restore_route": ("list_removed_routes", "restore_route"),
    "fleet:retire": ("retire_host",),
    "fleet:new_source": ("make_fleet_source",),
    "fleet:places": ("list_host_places", "set_host_places"),
    "fleet:new_token": ("rotate_fleet_token",),
    "fleet:change_source": ("switch_fleet_source",),
    "fleet:try_report": ("try_fleet_report",),
    "incidents:heads_up": ("heads_up",),
    "incidents:heads_up_address": ("make_heads_up_address", "show_heads_up_address"),
    "incidents:end_heads_up_address": ("end_heads_up_address",),
    "incidents:thanks": ("show_thanks", "change_thanks"),
    "incidents:wrong": ("declare",),
    "incidents:post": ("post_entry",),
    "incidents:standing": ("write_standing",),
    "incidents:name": ("rename",),
    "incidents:here": ("be_here", "leave", "take_lead", "hand_over", "offer_help", "take_offer_back"),
    "incidents:close": ("stand_down",),
    "incidents:reopen": ("reopen",),
    "incidents:entry": ("get_entry", "correct_entry", "attach_files"),
    "incidents:act": (
        "take_ask",
        "hand_back",
        "answer",
        "close_ask",
        "tell_outcome",
        "mark_helped",
        "take_helped_back",
        "mark_risky",
        "end_risk",
    ),
    "incidents:alerts": ("join_alerts", "join_pages", "take_out"),
    "incidents:join_group": ("join_alerts", "take_out"),
    "incidents:join_page": ("join_pages", "take_out"),
    "incidents:near_miss": ("write_near_miss",),
    "incidents:kind": ("turn_kind",),
    "incidents:related": ("list_related", "relate", "unrelate"),
    "incidents:checklist": ("list_checklists", "change_checklist"),
    "incidents:room_checklists": ("list_checklists_of", "tick"),
    "incidents:severities": ("list_severities", "change_severity_words"),
    "incidents:tasks": ("list_tasks", "add_task"),
    "incidents:task": ("get_task", "change_task", "hand_task"),
    "incidents:act_on_task": ("take_task", "hand_task", "end_task", "reopen_task"),
    "incidents:hand_over": ("hand_over",),
    "incidents:script": ("list_scripts", "change_script"),
    "incidents:team_script": ("list_scripts", "change_script"),
    "incidents:team_scripts": ("list_scripts", "change_script"),
    "incidents:free": ("who_can_come", "say_availability", "take_availability_back"),
    "incidents:about": ("say_about",),
    "incidents:needs": ("list_proposed_needs", "accept_need"),
    "incidents:lose_tool": ("lose_tool", "list_lost_tools", "list_lost_tools_of"),
    "incidents:tool": ("confirm_lost", "tool_back"),
    "incidents:open_from_page": ("declare",),
    "incidents:merge": ("merge", "undo_merge"),
    "incidents:split": ("split",),
    "incidents:private": ("get_privacy", "set_privacy", "put_on_list", "take_off_list"),
    "incidents:exception": ("look_by_exception",),
    "chat:connect": ("list_chat_platforms", "connect_chat"),
    "chat:change": ("change_chat",),
    "chat:check": ("check_chat",),
    "chat:end": ("end_chat",),
    "chat:know": ("list_chat_names", "set_chat_name"),
    "chat:forget": ("forget_chat_name",),
    "chat:code": ("make_chat_code",),
    "chat:bring_in": ("preview_chat_import", "import_chat"),
    "chat:bring_in_past": ("import_past_incident",),
    "chat:act_on_import": ("import_chat", "go_on_with_chat_import", "take_out_chat_import", "get_chat_import"),
    "chat:open_room": ("list_chat_rooms", "open_chat_room"),
    "reviews:edit": ("write_review",),
    "reviews:reply": ("reply",),
    "reviews:moment": ("keep_moment",),
    "reviews:share": ("share_review",),
    "reviews:need": ("accept_need",),
    "runbooks:new": ("write_runbook", "preview_runbook"),
    "runbooks:edit": ("change_runbook", "preview_runbook"),
    "runbooks:remove": ("remove_runbook",),
    "runbooks:bring_back": ("bring_runbook_back",),
    "runbooks:folders": ("list_runbook_folders", "add_runbook_folder"),
    "runbooks:end_folder": ("end_runbook_folder",),
    "runbooks:read_folder": ("read_runbook_folder",),
    "runbooks:follow": ("follow_runbook", "suggest_runbooks"),
    "runbooks:tell": ("tell_step",),
    "runbooks:change": ("hand_runbook_over", "stop_following"),
    "holds:new": ("raise_hold",),
    "holds:drill": ("raise_hold",),
    "holds:freeze": ("plan_freeze",),
    "holds:end_freeze": ("end_freeze", "list_freezes"),
    "holds:show": ("get_hold", "list_heard", "lift_hold", "extend_hold", "let_through"),
    "holds:take_back": ("end_exception",),
    "incidents:hand_changes": ("list_hand_changes", "tell_hand_change"),
    "incidents:end_hand_change": ("end_hand_change",),
    "automation:new": ("write_automation",),
    "automation:edit": ("change_automation",),
    "automation:act": ("practise_automation", "remove_automation", "bring_automation_back"),
    "mirrors:edit": ("change_mirror",),
    "mirrors:new": ("add_mirror",),
    "mirrors:act": ("read_mirror", "end_mirror"),
    "mirrors:pins": ("list_pins", "set_pins"),
    "processes:rounds": ("list_interviews", "begin_interviews"),
    "processes:interviews": ("hold_interview", "write_theme", "write_quote"),
    "processes:quote": ("approve_quote", "take_quote_back"),
    "processes:new": ("write_process",),
    "processes:edit": ("change_process",),
    "processes:act": ("remove_process", "bring_process_back", "rethink_process"),
    "processes:skip": ("skip_step",),
    "processes:new_experiment": ("begin_experiment",),
    "processes:experiment": ("end_experiment",),
    "processes:kitchen": ("list_kitchen", "make_claim"),
    "processes:claim": ("begin_claim", "extend_claim", "leave_claim"),
    "outside:hold": ("hold_desk", "let_desk_go", "promise_word"),
    "outside:hand_over": ("hold_desk",),
    "outside:say": ("say_update", "preview_update"),
    "outside:ask": ("ask_question",),
    "outside:answer": ("answer_question",),
    "outside:wordings": ("list_wordings", "add_wording"),
    "outside:wording": ("change_wording", "remove_wording"),
    "outside:withdraw": ("withdraw_update",),
    "outside:page": ("get_status_page", "set_status_page"),
    "outside:publish": ("publish_status_page", "get_status_files"),
    "outside:new_component": ("add_component",),
    "outside:component": ("list_components", "change_component", "remove_component"),
    "outside:say_state": ("say_state",),
    "outside:window": ("list_public_windows", "show_window", "hide_window"),
    "outside:new_target": ("list_places", "add_place"),
    "outside:end_target": ("end_place",),
    "outside:webhooks": ("count_subscribers", "list_status_webhooks", "add_status_webhook"),
    "outside:end_webhook": ("end_status_webhook",),
    "alerts:new_silence": ("set_silence", "preview_silence"),
    "alerts:change_silence": ("change_silence", "preview_silence"),
    "alerts:expire_silence": ("expire_silence",),
    "alerts:new_inhibition": ("make_inhibition", "try_rules"),
    "alerts:inhibition": ("change_inhibition", "try_rules"),
    "alerts:remove_inhibition": ("remove_inhibition",),
    "alerts:new_maintenance": ("plan_maintenance", "try_rules"),
    "alerts:maintenance": ("change_maintenance", "try_rules"),
    "alerts:end_maintenance": ("end_maintenance",),
    "paging:by_link": ("acknowledge", "join_page", "pass_page_on"),
    "paging:button": ("acknowledge", "join_page", "pass_page_on"),
    "paging:change": ("snooze_page", "give_page_back", "hand_page_on", "add_people_to_page"),
    "paging:answer": ("acknowledge", "join_page", "pass_page_on"),
    "paging:reach": ("page", "busy_with"),
    "paging:appointment": ("agree_test", "call_test_off"),
    "paging:rules": ("list_rules", "set_rules"),
    "oncall:new": ("make_schedule",),
    "oncall:calendars": ("list_feeds", "make_feed"),
    "oncall:end_feed": ("end_feed",),
    "oncall:handover": ("get_handover", "write_handover"),
    "oncall:shadow": ("list_shadows", "add_shadow"),
    "oncall:end_shadow": ("end_shadow",),
    "oncall:leave": ("list_leave", "name_leave"),
    "oncall:end_leave": ("take_leave_back",),
    "oncall:leave_calendar": ("get_leave_calendar", "set_leave_calendar"),
    "oncall:end_leave_calendar": ("end_leave_calendar",),
    "oncall:rotation": ("set_rotation", "plan_schedule"),
    "oncall:withdraw": ("withdraw_rotation",),
    "oncall:end": ("end_layer",),
    "oncall:holidays": ("list_holidays", "set_holidays"),
    "oncall:ask": ("ask_for_cover",),
    "oncall:take": ("answer_cover_request",),
    "oncall:decline": ("answer_cover_request",),
    "oncall:withdraw_request": ("answer_cover_request",),
    "oncall:source": ("get_calendar", "set_calendar"),
    "oncall:end_source": ("end_calendar",),
    "oncall:cover": ("add_override",),
    "oncall:cancel": ("cancel_override",),
    "people:invite": ("add_person",),
    "people:fresh_invitation": ("invite",),
    "people:set_role": ("set_role",),
    "people:deactivate": ("end_access",),
    "people:new_team": ("make_team",),
    "people:add_member": ("add_member",),
    "people:change_member": ("add_member", "remove_member"),
    "people:you": ("change_person",),
    "people:add_contact": ("add_contact",),
    "people:test_contact": ("send_test",),
    "people:remove_contact": ("remove_contact",),
    "people:tokens": ("list_tokens", "make_token"),
    "people:revoke_token": ("revoke_token",),
    "people:end_sign_in": ("end_browser",),
    "people:end_other_sign_ins": ("list_browsers", "end_browser"),
}
EXCEPTIONS = {
    "outside:subscribe": "for somebody of the public, who has no token",
    "outside:confirm": "for somebody of the public, who has no token",
    "outside:leave": "for somebody of the public, who has no token",
    "people:first": "makes the first account, before anybody could have a token",
    "people:accept": "chooses a password",
    "people:demo_sign_in": "signs a visitor of the demo in",
    "integrations:push_subscribe": "keys of one browser, which that browser alone can make",
    "integrations:push_key": "the key with which a browser makes its own",
    "integrations:mattermost_callback": "Mattermost speaks here, with its token, or what we sealed",
    "integrations:slack_callback": "Slack speaks here, and signs it",
    "integrations:twilio_sms": "Twilio speaks here, and signs it",
    "integrations:twilio_voice": "Twilio speaks here, and signs it",
    "integrations:twilio_call": "Twilio speaks here, and signs it",
    "integrations:twilio_key": "Twilio speaks here, and signs it",
    "integrations:twilio_reply": "Twilio speaks here, and signs it",
}
LOOKS = {"people:people", "people:person", "people:team", "people:sign_ins", "ui:keys"}  # read nothing that is posted
LIBRARY = "allauth."  # signing in, password, second factor: for a person in a browser


def views(resolver: URLResolver, spaces: str = "") -> Iterator[tuple[str, URLPattern]]:
    for entry in resolver.url_patterns:
        if isinstance(entry, URLResolver):
            yield from views(entry, f"{spaces}{entry.namespace}:" if entry.namespace else spaces)
        else:
            yield f"{spaces}{entry.name}", entry


def own_views() -> Iterator[tuple[str, URLPattern]]:
    for name, pattern in views(get_resolver()):
        if pattern.callback.__module__.startswith("raglan.") and not name.startswith("rest:"):
            yield name, pattern


def takes_post(pattern: URLPattern) -> bool:
    """Say whether a view takes a POST: every one does that no decorator keeps from it."""
    tree = ast.parse(textwrap.dedent(inspect.getsource(inspect.unwrap(pattern.callback))))
    words = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    return not words & {"require_GET", "require_safe"}


def test_each_screen_that_changes_something_has_its_operation_or_a_reason() -> None:
    found = {name for name, pattern in own_views() if takes_post(pattern)}
    assert len(found) > 60
    assert sorted(found - OPERATIONS.keys() - EXCEPTIONS.keys() - LOOKS) == []
    assert (OPERATIONS.keys() | EXCEPTIONS.keys() | LOOKS) - found == set()
    assert not OPERATIONS.keys() & EXCEPTIONS.keys()


def test_what_only_looks_reads_nothing_that_is_posted() -> None:
    for name, pattern in own_views():
        if name in LOOKS:
            assert "POST" not in inspect.getsource(inspect.unwrap(pattern.callback)), name


def test_each_operation_that_is_named_exists() -> None:
    paths = api.get_openapi_schema()["paths"].values()
    known = {operation["operationId"] for operations in paths for operation in operations.values()}
    assert {name for names in OPERATIONS.values() for name in names} - known == set()


def test_what_is_not_ours_only_signs_people_in_or_leads_elsewhere() -> None:
    others = {
        getattr(pattern.callback, "view_class", pattern.callback).__module__
        for name, pattern in views(get_resolver())
        if not name.startswith("rest:")
    }
    assert {name for name in others if not name.startswith(("raglan.", LIBRARY))} == {"django.views.generic.base"}
