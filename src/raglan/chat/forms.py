"""Forms of chat. Their fields come from what a platform says that it needs."""

from typing import Any

from django import forms

from raglan.chat import actions, ports, queries
from raglan.chat.models import Workspace
from raglan.people.forms import Form
from raglan.people.models import Person


class WorkspaceForm(Form):
    """A connection to a chat platform."""

    name = forms.CharField(label="Name", max_length=120, help_text="How people here call it, such as “Team chat”.")

    def __init__(self, platform: ports.ChatPlatform, workspace: Workspace | None, data: Any = None) -> None:
        initial = {"name": platform.title, "opens_rooms": True}
        if workspace is not None:
            initial = {
                **workspace.settings,
                "name": workspace.name,
                "opens_rooms": workspace.opens_rooms,
                "lobby": workspace.lobby,
            }
        super().__init__(data, initial=initial)
        self._platform = platform
        for setting in platform.settings:
            self.fields[setting.name] = _field(setting, is_kept=workspace is not None)
        self.fields["opens_rooms"] = forms.BooleanField(
            label="Open a room for each new incident", required=False, help_text="Else each is opened by hand."
        )
        self.fields["lobby"] = forms.CharField(
            label="Room where incidents are told",
            max_length=actions.MOST_LOBBY,
            required=False,
            help_text=platform.lobby_help,
        )

    def draft(self) -> actions.Draft:
        """Return what was written."""
        data = self.cleaned_data
        settings = {setting.name: str(data[setting.name]) for setting in self._platform.settings}
        return actions.Draft(data["name"], settings, opens_rooms=data["opens_rooms"], lobby=data["lobby"])


def _field(setting: ports.Setting, *, is_kept: bool) -> forms.Field:
    if setting.choices:
        return forms.ChoiceField(label=setting.label, help_text=setting.help, choices=setting.choices)
    if setting.is_secret:
        kept = " Empty: the one that is kept." if is_kept else ""
        return forms.CharField(
            label=setting.label,
            help_text=setting.help + kept,
            max_length=2000,
            required=setting.is_needed and not is_kept,
            widget=forms.PasswordInput(attrs={"autocomplete": "off"}),
        )
    return forms.CharField(label=setting.label, help_text=setting.help, max_length=2000, required=setting.is_needed)


class HandleForm(Form):
    """Who somebody there is here."""

    workspace = forms.ModelChoiceField(label="Where", queryset=Workspace.objects.none(), empty_label=None)
    address = forms.CharField(label="Name there", max_length=300)
    person = forms.ModelChoiceField(
        label="Person", queryset=Person.objects.filter(is_active=True).order_by("name"), empty_label="choose"
    )

    def __init__(self, data: Any = None) -> None:
        super().__init__(data)
        field = self.fields["workspace"]
        assert isinstance(field, forms.ModelChoiceField)
        field.queryset = queries.workspaces()
