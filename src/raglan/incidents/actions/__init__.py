"""Verbs of incidents. All ways in (screen, REST, CLI) call these."""

from raglan.incidents.actions.about import say_about
from raglan.incidents.actions.asks import answer, close_ask, hand_back, ping, take_ask, tells_nothing
from raglan.incidents.actions.attachments import NoRoom, Upload, attach
from raglan.incidents.actions.availability import (
    FORGET,
    forget_availability,
    say_availability,
    take_availability_back,
)
from raglan.incidents.actions.checklists import change_checklist, tick, untick
from raglan.incidents.actions.corrections import correct, end_risk, mark_helped, mark_risky, take_helped_back
from raglan.incidents.actions.entries import (
    PING,
    PING_AFTER,
    PINGED,
    IfNobody,
    PagesNobody,
    Said,
    add_files,
    post,
    stands_as,
    tell_outcome,
    whole,
)
from raglan.incidents.actions.following import follow, join_groups
from raglan.incidents.actions.heads_up_addresses import end_address, make_address
from raglan.incidents.actions.heads_ups import Warned, change_thanks, give_heads_up, nudge, thank
from raglan.incidents.actions.holding import hold_room, open_room
from raglan.incidents.actions.joining import join_by_hand, take_out
from raglan.incidents.actions.kinds import NearMiss, turn_kind, write_near_miss
from raglan.incidents.actions.merging import Chosen, merge, split, undo_merge, why_not
from raglan.incidents.actions.offers import offer_help, take_offer_back
from raglan.incidents.actions.presence import be_here, leave
from raglan.incidents.actions.privacy import (
    list_paged,
    look_by_exception,
    make_private,
    open_up,
    put_on_list,
    take_off_list,
)
from raglan.incidents.actions.relating import relate, unrelate
from raglan.incidents.actions.roles import hand_over, take_lead
from raglan.incidents.actions.rooms import declare, rename, reopen, stand_down
from raglan.incidents.actions.scripts import change_script, must_be_of
from raglan.incidents.actions.severities import change_severity_words
from raglan.incidents.actions.standing import (
    UPDATE_DUE,
    UPDATE_LATE,
    Standing,
    due_standing,
    is_shown_late,
    remind_lead,
    show_late_update,
    write_standing,
)
from raglan.incidents.actions.taking_out import take_entries_out
from raglan.incidents.actions.task_reminders import TASK_DUE, remind_of_task
from raglan.incidents.actions.tasks import ToDo, add_task, change_task, end_task, hand_task, reopen_task, take_task
from raglan.incidents.actions.tools import confirm_lost, lose_tool, tool_back

__all__ = [
    "FORGET",
    "PING",
    "PINGED",
    "PING_AFTER",
    "TASK_DUE",
    "UPDATE_DUE",
    "UPDATE_LATE",
    "Chosen",
    "IfNobody",
    "NearMiss",
    "NoRoom",
    "PagesNobody",
    "Said",
    "Standing",
    "ToDo",
    "Upload",
    "Warned",
    "add_files",
    "add_task",
    "answer",
    "attach",
    "be_here",
    "change_checklist",
    "change_script",
    "change_severity_words",
    "change_task",
    "change_thanks",
    "close_ask",
    "confirm_lost",
    "correct",
    "declare",
    "due_standing",
    "end_address",
    "end_risk",
    "end_task",
    "follow",
    "forget_availability",
    "give_heads_up",
    "hand_back",
    "hand_over",
    "hand_task",
    "hold_room",
    "is_shown_late",
    "join_by_hand",
    "join_groups",
    "leave",
    "list_paged",
    "look_by_exception",
    "lose_tool",
    "make_address",
    "make_private",
    "mark_helped",
    "mark_risky",
    "merge",
    "must_be_of",
    "nudge",
    "offer_help",
    "open_room",
    "open_up",
    "ping",
    "post",
    "put_on_list",
    "relate",
    "remind_lead",
    "remind_of_task",
    "rename",
    "reopen",
    "reopen_task",
    "say_about",
    "say_availability",
    "show_late_update",
    "split",
    "stand_down",
    "stands_as",
    "take_ask",
    "take_availability_back",
    "take_entries_out",
    "take_helped_back",
    "take_lead",
    "take_off_list",
    "take_offer_back",
    "take_out",
    "take_task",
    "tell_outcome",
    "tells_nothing",
    "thank",
    "tick",
    "tool_back",
    "turn_kind",
    "undo_merge",
    "unrelate",
    "untick",
    "whole",
    "why_not",
    "write_near_miss",
    "write_standing",
]
