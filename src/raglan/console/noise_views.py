"""The screen of storms and flapping: what holds for all, and other numbers tried on the last 30 days."""

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from raglan.alerts import dry_run, noise_queries
from raglan.alerts.flapping import default_rule
from raglan.alerts.pipeline.flap import stored_rule
from raglan.config import config
from raglan.console.flap_form import FlappingForm, flapping_initial, usual_words
from raglan.people.access import reader

MOST_STORM = 100_000


class NoiseForm(FlappingForm):
    """Numbers to try: nothing here is saved."""

    storm_groups = forms.IntegerField(
        label="A storm begins beyond so many groups for a policy within a minute",
        min_value=0,
        max_value=MOST_STORM,
        required=False,
        help_text="Then one page takes the rest. 0: never.",
    )


@require_GET
def noise(request: HttpRequest) -> HttpResponse:
    """Show which numbers hold, what flaps now, and what other numbers would have made of the last 30 days."""
    may = reader(request).may_configure
    usual = flapping_initial(stored_rule(default_rule())) | {"storm_groups": config().storm_groups}
    form = NoiseForm(request.GET) if may and request.GET else NoiseForm(initial=usual)
    trial = None
    if form.is_bound and form.is_valid():
        change = dry_run.with_noise(storm_groups=form.cleaned_data["storm_groups"], flapping=form.rule())
        trial = dry_run.dry_run(change)
    context = {
        "form": form if may else None,
        "trial": trial,
        "usual": usual_words(),
        "storm_groups": config().storm_groups,
        "flapping": [(flap, noise_queries.flapping(flap).full_words) for flap in noise_queries.flaps()[:40]],
    }
    return render(request, "console/noise.html", context, status=422 if form.errors else 200)
