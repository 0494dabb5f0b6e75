"""Verbs of paging: the only writers of its tables."""

from raglan.paging.actions.answers import (
    AlreadyTaken,
    acknowledge,
    daylight_of,
    join,
    note_answer,
    pass_on,
    plan_return,
    somebody_left,
)
from raglan.paging.actions.ending import resolve, reword, stop
from raglan.paging.actions.many import escalate_many
from raglan.paging.actions.names import BACK, CALL, DELIVER, ESCALATE, OPEN, Reason, Via, Words, about, newest_round
from raglan.paging.actions.reaching import reach, reached_out, unreachable, ways_to
from raglan.paging.actions.starting import (
    by_hand,
    check_team,
    draft,
    page_people,
    page_team,
    start,
    start_many,
    started,
    store,
)
from raglan.paging.actions.steps import begin_again, escalate, hurry, plan_next_step, raise_urgency, reached_somebody
from raglan.paging.policies import MAX_WAIT_S, Choices, StepDraft, ensure_fallback, save_policy, set_rules

__all__ = [
    "BACK",
    "CALL",
    "DELIVER",
    "ESCALATE",
    "MAX_WAIT_S",
    "OPEN",
    "AlreadyTaken",
    "Choices",
    "Reason",
    "StepDraft",
    "Via",
    "Words",
    "about",
    "acknowledge",
    "begin_again",
    "by_hand",
    "check_team",
    "daylight_of",
    "draft",
    "ensure_fallback",
    "escalate",
    "escalate_many",
    "hurry",
    "join",
    "newest_round",
    "note_answer",
    "page_people",
    "page_team",
    "pass_on",
    "plan_next_step",
    "plan_return",
    "raise_urgency",
    "reach",
    "reached_out",
    "reached_somebody",
    "resolve",
    "reword",
    "save_policy",
    "set_rules",
    "somebody_left",
    "start",
    "start_many",
    "started",
    "stop",
    "store",
    "unreachable",
    "ways_to",
]
