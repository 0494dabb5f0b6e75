"""The glossary is the source of names: models and kinds of events are compared with it."""

import re
from pathlib import Path

from django.apps import apps

from tools import reference

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "glossary.md").read_text(encoding="utf-8")
WORDS, _, KINDS = PAGE.partition("## Kinds of events")
IN_CODE = set(re.findall(r"`([^`]+)`", WORDS))


def our_models() -> set[str]:
    ours = [config for config in apps.get_app_configs() if config.name.startswith("raglan.")]
    return {f"{config.name.rpartition('.')[2]}.{model.__name__}" for config in ours for model in config.get_models()}


def test_every_model_has_its_word() -> None:
    assert our_models() - IN_CODE == set()


def test_every_model_that_the_glossary_names_exists() -> None:
    named = {name for name in IN_CODE if re.fullmatch(r"[a-z]+\.[A-Z]\w+", name)}
    assert named - our_models() == set()


def test_every_kind_of_event_begins_with_a_word_of_the_glossary() -> None:
    begun = {kind.partition(".")[0] for kinds in reference._kinds().values() for kind, _, _ in kinds}
    assert begun - set(re.findall(r"`([^`]+)`", KINDS)) == set()


def test_generated_pages_are_in_step_with_the_source() -> None:
    stale = [name for name, text in reference.pages().items() if (reference.PAGES / name).read_text() != text]
    assert stale == [], "run `make docs`"
