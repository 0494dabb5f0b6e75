"""Setup and own health: everyone reads it, managers and administrators change it."""

import re

import pytest
from django.test import Client

from raglan.alerts import route_rest
from raglan.alerts.models import Alert, AlertGroup, Inhibition, Route, Signal, Source
from raglan.console import events
from raglan.core.clock import now
from raglan.core.models import Event, Timer
from raglan.core.secrets import digest
from raglan.paging import actions as paging
from raglan.paging.models import Notification, Policy
from raglan.people.models import ContactMethod, Person
from tests.console.conftest import SignIn
from tests.console.test_own_rest import asks

POSTS = (
    "/setup/sources/",
    "/setup/policies/",
    "/setup/routes/",
    "/setup/paging/",
    "/setup/timers/1/again/",
    "/setup/sources/prom/token/",
    "/setup/sources/prom/test/",
    "/setup/sources/prom/change/",
    "/setup/sources/prom/secret/",
    "/setup/sources/prom/mapping/",
    "/setup/sources/prom/confirm/1/",
    "/setup/sources/prom/heartbeats/",
    "/setup/heartbeats/1/",
    "/setup/heartbeats/1/pause/",
    "/setup/policies/web/",
    "/setup/routes/10/",
)
READS = ("/setup/", "/setup/sources/prom/", "/setup/policies/web/", "/setup/routes/10/", "/api/docs/")


@pytest.fixture
def admin(signed_in: SignIn, ada: Person) -> Client:
    """An administrator's browser."""
    return signed_in(ada)


@pytest.fixture
def furnished(admin: Client, ada: Person) -> Client:
    """A browser on an installation with a source, a policy and a route, made with the screens' own forms."""
    admin.post("/setup/sources/", {"name": "Prometheus", "slug": "prom", "kind": "alertmanager"})
    step = {"target_1": f"person:{ada.pk}", "wait_1": "3", "when_nobody": "next_step", "overrule": "a test"}
    admin.post("/setup/policies/", {"name": "Web", "slug": "web", "repeat": "1", **step})
    policy = Policy.objects.get(slug="web")
    admin.post(
        "/setup/routes/", {"position": "10", "policy": policy.pk, "name_1": "team", "op_1": "=", "value_1": "web"}
    )
    return admin


@pytest.mark.parametrize("role", Person.Role.values)
@pytest.mark.parametrize("address", READS)
def test_everyone_may_read(signed_in: SignIn, furnished: Client, vera: Person, role: str, address: str) -> None:
    Person.objects.filter(pk=vera.pk).update(role=role)
    assert signed_in(vera).get(address).status_code == 200


@pytest.mark.parametrize("role", [Person.Role.VIEWER, Person.Role.RESPONDER])
@pytest.mark.parametrize("address", POSTS)
def test_only_managers_and_administrators_may_change(
    signed_in: SignIn, furnished: Client, vera: Person, role: str, address: str
) -> None:
    Person.objects.filter(pk=vera.pk).update(role=role)
    assert signed_in(vera).post(address).status_code == 403


def test_readers_see_no_buttons_that_they_may_not_use(signed_in: SignIn, furnished: Client, vera: Person) -> None:
    html = "".join(signed_in(vera).get(address).content.decode() for address in READS if "docs" not in address)
    assert "Add a source" not in html
    assert "Save this" not in html
    assert "Send a test alert" not in html


@pytest.mark.parametrize(
    "address", ["/setup/test/", "/setup/timers/1/again/", "/setup/paging/", "/setup/sources/prom/token/"]
)
def test_what_changes_something_is_never_a_get(furnished: Client, address: str) -> None:
    assert furnished.get(address).status_code == 405


def test_empty_setup_says_what_to_do_next(admin: Client) -> None:
    html = admin.get("/setup/").content.decode()
    for words in ("No source is set up yet.", "No route yet.", "No policy yet.", "You have no way to be reached yet."):
        assert words in html


def test_a_new_source_shows_its_token_once_with_the_line_to_paste(admin: Client) -> None:
    answer = admin.post("/setup/sources/", {"name": "Prometheus", "slug": "prom", "kind": "alertmanager"})
    assert answer.status_code == 201
    assert "no-store" in answer["Cache-Control"]
    found = re.search(r"path_prefix: /integrations/(\S+?)<", answer.content.decode())
    assert found
    assert Source.objects.get().token_digest == digest(found[1])
    assert found[1] not in admin.get("/setup/sources/prom/").content.decode()


def test_a_form_with_mistakes_keeps_what_was_typed_and_says_what_to_do(admin: Client) -> None:
    typed = {"name": "Nagios", "slug": "Not Good", "kind": "generic", "mapping": "{no"}
    answer = admin.post("/setup/sources/", typed)
    html = answer.content.decode()
    assert answer.status_code == 422
    assert "2 things need a look" in html
    assert 'value="Nagios"' in html
    assert 'value="Not Good"' in html
    assert "{no" in html


def test_a_short_name_that_is_taken_is_said_at_its_field(furnished: Client) -> None:
    answer = furnished.post("/setup/sources/", {"name": "Other", "slug": "prom", "kind": "webhook"})
    assert answer.status_code == 422
    assert "another source has this short name" in answer.content.decode()


def test_a_new_token_leaves_the_old_one_a_day_unless_it_is_ended(furnished: Client) -> None:
    before = Source.objects.get().token_digest
    answer = furnished.post("/setup/sources/prom/token/")
    assert "shown this once" in answer.content.decode()
    assert Source.objects.get().token_digest != before
    assert Source.objects.get().previous_digest == before
    assert "is good until" in furnished.get("/setup/sources/prom/").content.decode()
    furnished.post("/setup/sources/prom/change/", {"what": "end_old"})
    assert Source.objects.get().previous_digest == ""


def test_a_test_alert_fires_for_real_and_is_listed_with_what_became_of_it(furnished: Client) -> None:
    furnished.post("/setup/sources/prom/test/")
    alert = Alert.objects.get()
    assert alert.severity == "info"
    assert alert.state == Alert.State.FIRING
    assert alert.expires_at is not None
    assert AlertGroup.objects.get().page is not None
    assert Event.objects.filter(kind=events.TestAlertSent.kind).count() == 1
    html = furnished.get("/setup/sources/prom/").content.decode()
    assert "A test of Prometheus" in html
    assert "Its alert is firing" in html
    assert "RaglanTest" in html


def test_what_could_not_be_understood_is_shown_raw_with_its_problem(furnished: Client) -> None:
    source = Source.objects.get()
    Signal.objects.create(
        source=source,
        received_at=now(),
        status="parked",
        raw={"body": {"odd": "<b>"}},
        problem="[0].labels: is missing",
    )
    html = furnished.get("/setup/sources/prom/").content.decode()
    assert "[0].labels: is missing" in html
    assert "&lt;b&gt;" in html


def test_a_policy_is_made_changed_and_keeps_its_steps(furnished: Client, ada: Person, bo: Person) -> None:
    policy = Policy.objects.get(slug="web")
    assert [(step.wait_s, step.targets.get().person_id) for step in policy.steps.all()] == [(180, ada.pk)]
    typed = {"name": "Web team", "repeat": "0", "seen_version": "1", "when_nobody": "hold", "overrule": "a test"}
    typed |= {"target_1": f"person:{bo.pk}", "wait_1": "0", "target_3": f"person:{ada.pk}", "wait_3": "10"}
    assert furnished.post("/setup/policies/web/", typed).status_code == 302
    policy.refresh_from_db()
    assert (policy.name, policy.slug, policy.repeat, policy.version) == ("Web team", "web", 0, 2)
    assert [(step.wait_s, step.targets.get().person_id) for step in policy.steps.all()] == [(0, bo.pk), (600, ada.pk)]


def test_a_policy_needs_a_first_step(admin: Client) -> None:
    answer = admin.post("/setup/policies/", {"name": "Web", "slug": "web", "repeat": "1"})
    assert answer.status_code == 422
    assert not Policy.objects.exists()


def test_when_two_save_a_policy_the_second_sees_the_first(furnished: Client, ada: Person) -> None:
    step = {"target_1": f"person:{ada.pk}", "wait_1": "1", "repeat": "1", "when_nobody": "hold", "overrule": "x"}
    furnished.post("/setup/policies/web/", {"name": "First", "seen_version": "1", **step})
    answer = furnished.post("/setup/policies/web/", {"name": "Second", "seen_version": "1", **step})
    html = answer.content.decode()
    assert answer.status_code == 422
    assert "Somebody saved this meanwhile" in html
    assert "First" in html
    assert 'value="Second"' in html
    assert re.search(r'name="seen_version" value="2"', html)
    assert furnished.post("/setup/policies/web/", {"name": "Second", "seen_version": "2", **step}).status_code == 302


def test_a_pattern_that_can_not_be_read_is_said_at_its_value(furnished: Client) -> None:
    policy = Policy.objects.get(slug="web")
    typed = {"position": "20", "policy": policy.pk, "name_2": "host", "op_2": "=~", "value_2": "web[("}
    answer = furnished.post("/setup/routes/", typed)
    html = answer.content.decode()
    assert answer.status_code == 422
    assert "this pattern can not be read" in html
    assert 'href="#id_value_2"' in html
    assert Route.objects.count() == 1


def test_a_new_route_never_replaces_another(furnished: Client) -> None:
    policy = Policy.objects.get(slug="web")
    answer = furnished.post("/setup/routes/", {"position": "10", "policy": policy.pk})
    assert answer.status_code == 422
    assert Route.objects.get().version == 1


def test_a_route_is_changed_in_its_place(furnished: Client) -> None:
    policy = Policy.objects.get(slug="web")
    typed = {"policy": policy.pk, "group_by": "cluster, job", "seen_version": "1"}
    assert furnished.post("/setup/routes/10/", typed).status_code == 302
    route = Route.objects.get()
    assert (route.position, route.matchers, route.group_by, route.version) == (10, [], ["cluster", "job"], 2)


def test_work_that_was_set_aside_can_be_tried_again(admin: Client) -> None:
    timer = Timer.objects.create(
        kind="paging.deliver",
        subject="notification:1",
        due_at=now(),
        attempts=3,
        parked_at=now(),
        last_error="the mail server answered 554",
    )
    assert "the mail server answered 554" in admin.get("/setup/").content.decode()
    assert admin.post(f"/setup/timers/{timer.pk}/again/").status_code == 302
    timer.refresh_from_db()
    assert timer.parked_at is None
    assert timer.attempts == 0
    assert Event.objects.filter(kind="timer.tried_again").exists()
    assert admin.post(f"/setup/timers/{timer.pk}/again/").status_code == 404


def test_the_whole_path_is_tested_and_its_three_facts_are_shown(signed_in: SignIn, bo: Person) -> None:
    ContactMethod.objects.create(person=bo, kind="email", address="bo@example.test", created_at=now())
    client = signed_in(bo)
    answer = client.post("/setup/test/", follow=True)
    html = answer.content.decode()
    assert "A test is on its way to bo@example.test" in html
    assert "Not handed over yet" in html
    sent = Notification.objects.get()
    assert f'data-live="page:{sent.page_id}"' in html
    assert f'data-live-topics="alerts health page:{sent.page_id}"' in html
    at = now()
    Notification.objects.filter(pk=sent.pk).update(state="handed_over", handed_over_at=at, confirmed_at=at)
    fresh = client.get("/setup/part/test/").content.decode()
    assert "Handed over" in fresh
    assert "Confirmed by you" in fresh
    assert "Not known to be received" in fresh


def test_a_restored_copy_says_so_until_somebody_lets_it_page(admin: Client) -> None:
    from raglan.config import config
    from raglan.core.backup import RESTORED, restored_mark

    path = config().data_dir / RESTORED
    path.write_text("{}")
    try:
        assert "pages nobody yet" in admin.get("/setup/").content.decode()
        assert admin.post("/setup/paging/").status_code == 302
        assert restored_mark(config().data_dir) is None
        assert "pages nobody yet" not in admin.get("/setup/").content.decode()
    finally:
        path.unlink(missing_ok=True)


def test_a_policy_is_shown_in_words_before_it_is_saved(admin: Client, ada: Person, bo: Person) -> None:
    typed = {"name": "Web", "slug": "web", "repeat": "1", "when_nobody": "fall_back", "preview": "1"}
    typed |= {"target_1": f"person:{ada.pk}", "second_1": f"person:{bo.pk}", "acknowledge_1": "each", "wait_1": "5"}
    typed |= {"url_2": "https://hooks.example.test/x", "wait_2": "10"}

    html = admin.post("/setup/policies/", typed).content.decode()

    assert f"At once: {ada.name} and {bo.name}. Each of them must acknowledge." in html
    assert "5 minutes later: a program at https://hooks.example.test/x." in html
    assert not Policy.objects.exists()


def test_nobody_on_call_must_be_decided_on_the_screen(admin: Client, ada: Person) -> None:
    typed = {"name": "Web", "slug": "web", "repeat": "1", "target_1": f"person:{ada.pk}"}

    answer = admin.post("/setup/policies/", typed)

    assert answer.status_code == 422
    assert "There is no choice that does nothing." in answer.content.decode()


def test_a_way_that_can_never_be_tried_is_named_when_a_policy_is_saved(admin: Client, ada: Person, bo: Person) -> None:
    late = ContactMethod.objects.create(person=ada, kind="webhook", address="https://x.example.test/", created_at=now())
    paging.set_rules(ada, [(late.pk, 300)], by=ada)
    typed = {"name": "Web", "slug": "web", "repeat": "0", "when_nobody": "next_step", "earlier_steps": "stop"}
    typed["overrule"] = "bo comes on Monday"
    typed |= {"target_1": f"person:{ada.pk}", "wait_1": "3", "target_2": f"person:{bo.pk}"}

    html = admin.post("/setup/policies/", typed, follow=True).content.decode()

    assert f"{ada.name}: Webhook after 5 minutes can never be tried at step 1" in html


def test_the_screen_of_a_policy_lists_its_versions_and_keys(furnished: Client, ada: Person) -> None:
    typed = {"name": "Web", "repeat": "1", "when_nobody": "hold", "seen_version": "1", "urgency": "severity"}
    typed["overrule"] = "a test"
    typed |= {"target_1": f"person:{ada.pk}", "url_1": "https://hooks.example.test/x", "zone": "Europe/Berlin"}
    typed |= {"days": ["0", "1"], "since": "08:00", "until": "16:00"}  # type: ignore[dict-item]  # as forms send it
    assert furnished.post("/setup/policies/web/", typed).status_code == 302

    html = furnished.get("/setup/policies/web/").content.decode()

    assert "Version 2" in html
    assert "X-Raglan-Signature" in html
    assert "Monday and Tuesday, 08:00 to 16:00 (Europe/Berlin)" in html
    assert 'value="https://hooks.example.test/x"' in html


def test_a_route_has_hours_a_wait_and_a_route_above_it(furnished: Client) -> None:
    top, policy = Route.objects.get(), Policy.objects.get(slug="web")
    typed = {"position": "20", "policy": policy.pk, "parent": top.pk, "wait_s": "30", "goes_on": "on"}
    bad = furnished.post("/setup/routes/", typed | {"hours": "whenever", "zone": "Europe/Berlin"})
    assert bad.status_code == 422
    assert "write a time such as" in bad.content.decode()
    furnished.post("/setup/routes/", typed | {"hours": "mon-fri 09:00-17:00\nsat 10:00-12:00", "zone": "Europe/Berlin"})

    route = Route.objects.get(position=20)
    assert (route.parent, route.wait_s, route.interval_s, route.goes_on) == (top, 30, 300, True)
    assert (route.hours, route.zone) == (["mon-fri 09:00-17:00", "sat 10:00-12:00"], "Europe/Berlin")
    assert "below 10:" in furnished.get("/setup/").content.decode()
    assert furnished.get("/setup/routes/20/").context["form"]["hours"].value() == "mon-fri 09:00-17:00\nsat 10:00-12:00"


def test_a_route_is_moved_and_removed_after_a_question(furnished: Client) -> None:
    furnished.post("/setup/routes/", {"position": "20", "policy": Policy.objects.get(slug="web").pk})
    moved = furnished.post("/setup/routes/20/move/", {"way": "up"})
    assert moved["Location"] == "/setup/routes/10/"
    assert "first among" in furnished.post("/setup/routes/10/move/", {"way": "up"}, follow=True).content.decode()
    asked = furnished.get("/setup/routes/10/remove/").content.decode()
    assert "Remove route 10?" in asked
    furnished.post("/setup/routes/10/remove/", {"version": "9"})
    assert Route.objects.count() == 2

    furnished.post("/setup/routes/10/remove/", {"version": "1"})

    assert list(Route.objects.values_list("position", flat=True)) == [20]


def test_inhibitions_are_made_changed_and_removed(furnished: Client) -> None:
    assert "There is none." in furnished.get("/alerts/inhibitions/").content.decode()
    typed = {
        "name": "A host explains",
        "source_matchers": "alertname=HostDown",
        "target_matchers": 'host=~".+"',
        "equal": "host",
    }
    assert furnished.post("/alerts/inhibitions/new/", typed | {"target_matchers": "x"}).status_code == 422
    assert furnished.post("/alerts/inhibitions/new/", typed).status_code == 302
    rule = Inhibition.objects.get()
    furnished.post(f"/alerts/inhibitions/{rule.pk}/", typed | {"name": "Another"})
    listed = furnished.get("/alerts/inhibitions/").content.decode()
    assert "Across sources" in listed
    assert "It counts across sources." in furnished.get(f"/alerts/inhibitions/{rule.pk}/").content.decode()
    assert "Another" in listed
    assert "version 2" in listed
    assert furnished.get(f"/alerts/inhibitions/{rule.pk}/").context["form"]["target_matchers"].value() == 'host=~".+"'

    furnished.post(f"/alerts/inhibitions/{rule.pk}/remove/")

    assert furnished.get(f"/alerts/inhibitions/{rule.pk}/").status_code == 404


def test_a_new_inhibition_counts_within_one_source_unless_the_tick_is_taken_away(furnished: Client) -> None:
    assert furnished.get("/alerts/inhibitions/new/").context["form"]["same_source"].value() is True
    sides = {"source_matchers": "alertname=HostDown", "target_matchers": 'host=~".+"', "equal": "host"}

    furnished.post("/alerts/inhibitions/new/", {"name": "A host explains", "same_source": "on", **sides})

    assert Inhibition.objects.get().same_source
    listed = furnished.get("/alerts/inhibitions/").content.decode()
    assert "within one source" in listed
    assert "Across sources" not in listed


def test_over_rest_a_new_inhibition_counts_within_one_source_and_a_changed_one_keeps_its_own(furnished: Client) -> None:
    ada = asks(Person.objects.get(role=Person.Role.ADMINISTRATOR))
    one = {"name": "alertname", "op": "=", "value": "HostDown"}
    other = {"name": "host", "op": "=~", "value": ".+"}
    body = {"name": "A host explains", "source_matchers": [one], "target_matchers": [other], "equal": ["host"]}

    made = route_rest.make_inhibition(ada, route_rest.InhibitionIn.model_validate(body)).value
    assert made.same_source

    wide = route_rest.InhibitionIn.model_validate(body | {"same_source": False})
    assert not route_rest.change_inhibition(ada, made.id, wide).same_source
    assert not route_rest.change_inhibition(ada, made.id, route_rest.InhibitionIn.model_validate(body)).same_source


@pytest.mark.parametrize(
    ("name", "short"),
    [("Prometheus in Dublin", "prometheus-in-dublin"), ("_Über uns!_", "uber-uns"), ("x" * 90, "x" * 60)],
)
def test_a_short_name_is_made_of_the_name(admin: Client, name: str, short: str) -> None:
    admin.post("/setup/sources/", {"name": name, "kind": "generic"})

    assert Source.objects.get().slug == short


def test_a_name_that_none_can_be_made_of_asks_for_one(admin: Client) -> None:
    answer = admin.post("/setup/sources/", {"name": "监控", "kind": "generic"})

    assert answer.status_code == 422
    assert "None can be made of this name" in answer.content.decode()
