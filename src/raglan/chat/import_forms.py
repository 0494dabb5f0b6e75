"""Forms that take a chat from elsewhere: pasted, or as the files of an export."""

from collections.abc import Sequence
from zoneinfo import ZoneInfo

from django import forms
from django.conf import settings
from django.core.files.uploadedfile import UploadedFile
from django.utils.timezone import make_naive

from raglan.chat import elsewhere, exported, uploads
from raglan.core.clock import now
from raglan.core.decode import clean_text
from raglan.core.errors import BadInput
from raglan.people.forms import Form, zones

KINDS = (
    ("auto", "find out"),
    ("slack", "Slack, JSON"),
    ("matrix", "Matrix, JSON"),
    ("text", "lines of text"),
)


class FilesInput(forms.FileInput):
    """Picks several files at once."""

    allow_multiple_selected = True


class FilesField(forms.FileField):
    """Several files; a list of them, which may be empty."""

    widget = FilesInput

    def clean(self, data: object, initial: object = None) -> Sequence["UploadedFile[bytes]"]:
        """Return them. An empty file is one, too: what it lacks is said when it is read."""
        return [one for one in data if isinstance(one, UploadedFile)] if isinstance(data, list | tuple) else []


class ImportForm(Form):
    """A chat, and how it is to be read."""

    picked = FilesField(
        label="Files",
        required=False,
        help_text=(
            "The export of Slack as it comes, or some days of a channel; the JSON of Element; text. "
            f"Up to {settings.DATA_UPLOAD_MAX_NUMBER_FILES} files, or the archive; {uploads.MOST_BYTES >> 20} MiB."
        ),
    )
    channel = forms.CharField(
        label="Channel", max_length=120, required=False, help_text="Where an export of Slack holds several."
    )
    text = forms.CharField(
        label="Or the chat itself",
        max_length=900_000,
        required=False,
        strip=False,
        widget=forms.Textarea(attrs={"rows": 12, "class": "mono", "spellcheck": "false"}),
        help_text="The JSON of an export, or lines that begin with a time, such as 2026-05-04 14:02 Rowan: it is mine.",
    )
    kind = forms.ChoiceField(label="What it is", choices=KINDS)
    zone = forms.ChoiceField(label="Time zone", choices=zones, help_text="Of times that name none.")
    day = forms.DateField(
        label="Day",
        required=False,
        widget=forms.DateInput(attrs={"type": "date"}),
        help_text="Of the first line, where lines have a time only.",
    )
    names = forms.CharField(
        label="Who is who",
        required=False,
        max_length=100_000,
        widget=forms.Textarea(attrs={"rows": 3, "class": "mono"}),
        help_text="One a line, such as U0123 = Rowan Ellis; or the content of users.json.",
    )

    def export(self) -> exported.Export:
        """Return what was found. Raises BadInput."""
        data = self.cleaned_data
        found = self._picked()
        names = {**found.names, **exported.names_in(data["names"])}
        how = exported.Reading(data["kind"], data["zone"], data["day"], names, until=now())
        try:
            return exported.read_all(found.files, how)
        except BadInput as error:
            if error.field not in ("", "text") or not data["picked"]:
                raise
            raise BadInput("picked", error.reason, status=422) from None

    def _picked(self) -> uploads.Picked:
        data = self.cleaned_data
        if data["picked"]:
            return uploads.picked(data["picked"], data["channel"])
        if not data["text"].strip():
            raise BadInput("text", "paste a chat, or pick files above", status=422)
        if data["channel"].strip():
            raise BadInput("channel", uploads.NO_CHANNELS, status=422)
        return uploads.Picked([("", clean_text(data["text"]))], {})


class PastForm(ImportForm):
    """An incident that happened elsewhere, and its chat."""

    title = forms.CharField(label="What it was", max_length=300, help_text="In a few words, as a title.")
    began_at = forms.DateTimeField(
        label="It began",
        required=False,
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}),
        help_text="In the time zone below. Empty: with the first line.",
    )
    is_near_miss = forms.BooleanField(label="It was a near miss: nothing broke", required=False)
    closes = forms.BooleanField(label="It is over: close it as of the last line", required=False)

    def past(self) -> elsewhere.Past:
        """Return what was told of it."""
        data = self.cleaned_data
        began = data["began_at"]
        if began is not None:
            began = make_naive(began).replace(tzinfo=ZoneInfo(data["zone"]))
        return elsewhere.Past(data["title"], began, data["is_near_miss"], data["closes"])
