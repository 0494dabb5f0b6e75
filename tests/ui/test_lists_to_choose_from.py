"""A list to choose from says what its first line means."""

from collections.abc import Iterator
from importlib import import_module
from pkgutil import walk_packages

from django import forms

import raglan

DASHES = "---------"  # what Django writes when nobody says it


def every_form() -> Iterator[type[forms.Form]]:
    for module in walk_packages(raglan.__path__, "raglan."):
        if module.name.rpartition(".")[2].endswith(("forms", "views", "reach")):
            import_module(module.name)
    waiting = list(forms.Form.__subclasses__())
    while waiting:
        found = waiting.pop()
        waiting += found.__subclasses__()
        if found.__module__.startswith("raglan."):
            yield found


def test_no_list_begins_with_dashes() -> None:
    bare = {
        f"{form.__module__}.{form.__name__}.{name}"
        for form in every_form()
        for name, field in form.base_fields.items()
        if isinstance(field, forms.ModelChoiceField) and field.empty_label == DASHES
    }
    assert bare == set()
