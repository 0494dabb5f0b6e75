"""A list to choose from says in words what it means to choose nothing."""

from collections.abc import Iterator

from django import forms
from django.forms.models import ModelChoiceField
from django.urls import get_resolver

DASHES = "---------"  # what Django writes where nobody says anything


def _below(form: type[forms.BaseForm]) -> Iterator[type[forms.BaseForm]]:
    for one in form.__subclasses__():
        yield one
        yield from _below(one)


def test_no_list_begins_with_dashes() -> None:
    get_resolver().url_patterns  # noqa: B018 -- so that all screens, and with them their forms, are loaded
    lists = {
        f"{form.__module__}.{form.__qualname__}.{name}": field.empty_label
        for form in _below(forms.BaseForm)
        if form.__module__.startswith("raglan.")
        for name, field in getattr(form, "base_fields", {}).items()
        if isinstance(field, ModelChoiceField)
    }
    assert len(lists) > 10
    assert [name for name, label in lists.items() if label == DASHES] == []


def test_the_dashes_are_djangos() -> None:
    assert ModelChoiceField(queryset=None).empty_label == DASHES
