"""Forms of reviews."""

from django import forms


class ReviewForm(forms.Form):
    """The text of a review. There is no field for a cause."""

    title = forms.CharField(label="Title", max_length=300, help_text="What does it teach?")
    summary = forms.CharField(label="Summary", required=False, widget=forms.Textarea(attrs={"rows": 4}))
    surprised = forms.CharField(
        label="Why were we surprised?", required=False, widget=forms.Textarea(attrs={"rows": 4})
    )
    went_right = forms.CharField(label="What went right?", required=False, widget=forms.Textarea(attrs={"rows": 4}))
    version = forms.IntegerField(widget=forms.HiddenInput)
