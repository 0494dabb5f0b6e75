from datetime import timedelta

import pytest
from django.test import Client

from raglan.alerts.models import Alert, Silence
from raglan.alerts.ports import SourceKey
from raglan.core.clock import now
from raglan.people.models import Person
from raglan.testing import world

NEW = "/alerts/silences/new/"
FORM = {"matchers": 'alertname="HttpdDown"', "length": "60", "reason": "planned work"}


@pytest.fixture
def browser(mara: Person) -> Client:
    client = Client()
    client.force_login(mara)
    return client


def test_look_first_then_set_it_and_end_it(browser: Client, source: SourceKey) -> None:
    world.ingest(source, world.signal(instance="web-014"))
    looked = browser.post(NEW, {**FORM, "do": "look"}).content.decode()
    assert "1 alert firing now" in looked
    assert "instance=web-014" in looked
    assert not Silence.objects.exists()

    set_ = browser.post(NEW, {**FORM, "do": "save"}, follow=True).content.decode()

    silence = Silence.objects.get()
    assert (silence.who, silence.reason) == ("Mara Keller", "planned work")
    assert "End it now (1 alert may page)" in set_
    over = browser.post(f"/alerts/silences/{silence.pk}/expire/", follow=True).content.decode()
    assert "still fires pages now" in over
    assert "Set it again" in over


def test_an_alert_offers_its_own_labels(browser: Client, source: SourceKey) -> None:
    world.ingest(source, world.signal(path='C:\\a "b"'))
    alert = Alert.objects.get()
    assert f"{NEW}?alert={alert.pk}" in browser.get(f"/alerts/{alert.pk}/").content.decode()

    form = browser.get(NEW, {"alert": alert.pk}).context["form"]
    browser.post(NEW, {**FORM, "matchers": form["matchers"].value(), "do": "save"})

    assert {item["name"]: item["value"] for item in Silence.objects.get().matchers} == alert.labels
    alert.refresh_from_db()
    assert alert.held == "silenced"


def test_a_wall_time_is_kept_as_the_instant_of_the_readers_zone(browser: Client) -> None:
    day = (now() + timedelta(days=2)).date()
    browser.post(NEW, {**FORM, "length": "", "ends_at": f"{day}T06:00", "do": "save"})

    zone_hours = Silence.objects.get().ends_at.hour
    assert zone_hours in (4, 5)  # 06:00 in Berlin


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"matchers": "whatever"}, "Write a matcher such as"),
        ({"matchers": 'a=~"("'}, "can not be read"),
        ({"matchers": 'a=~".*"'}, "takes every alert"),
        ({"reason": ""}, "This field is required"),
        ({"length": ""}, "Choose a length, or say until when"),
        ({"length": "", "ends_at": "2020-01-01T10:00"}, "Must be after the start"),
        ({"starts_at": "nonsense"}, "Choose a time"),
    ],
)
def test_what_can_not_be_is_said_at_its_field_and_nothing_is_lost(
    browser: Client, change: dict[str, str], words: str
) -> None:
    answer = browser.post(NEW, {**FORM, "do": "save", **change})

    assert answer.status_code == 422
    assert words in answer.content.decode()
    assert not Silence.objects.exists()


def test_a_silence_is_changed_and_the_slower_one_is_told(browser: Client) -> None:
    silence = world.silence(("a", "=", "b"))
    path = f"/alerts/silences/{silence.pk}/change/"
    changed = browser.post(path, {**FORM, "seen_version": "1", "do": "save"})
    late = browser.post(path, {**FORM, "seen_version": "1", "do": "save"})

    silence.refresh_from_db()
    assert (changed.status_code, late.status_code, silence.version) == (302, 422, 2)
    assert "meanwhile" in late.content.decode()


def test_lists_show_active_coming_and_over(browser: Client, source: SourceKey) -> None:
    assert "Nothing is silenced." in browser.get("/alerts/silences/").content.decode()
    world.silence(("a", "=", "now"))
    world.silence(("a", "=", "later"), after=2)
    assert "a=&quot;now&quot;" in browser.get("/alerts/silences/").content.decode()
    assert "a=&quot;later&quot;" in browser.get("/alerts/silences/?state=pending").content.decode()
    assert browser.get("/alerts/silences/?state=²&page=x").status_code == 200
    assert "Silences (1)" in browser.get("/alerts/").content.decode()


def test_who_may_only_read_sets_none(db: None) -> None:
    client = Client()
    client.force_login(world.person("Vera Nolte", role="viewer"))

    assert client.get("/alerts/silences/").status_code == 200
    assert client.post(NEW, {**FORM, "do": "save"}).status_code == 403
    assert client.get("/alerts/silences/99/").status_code == 404


def test_a_new_episode_links_to_the_ones_before(browser: Client, source: SourceKey) -> None:
    world.ingest(source, world.signal())
    world.ingest(source, world.signal("resolved"))
    world.ingest(source, world.signal())
    first, second = Alert.objects.order_by("pk")

    shown = browser.get(f"/alerts/{second.pk}/").content.decode()

    assert "It fired before" in shown
    assert f'href="/alerts/{first.pk}/"' in shown
    assert "It fired before" not in browser.get(f"/alerts/{first.pk}/").content.decode()
