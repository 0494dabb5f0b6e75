"""The screen of a source: switches, the secret, the mapping tried on what came, heartbeats, a topic of AWS."""

import pytest
from django.test import Client

from raglan.alerts import queries
from raglan.alerts.models import Alert, Heartbeat, Signal, Source
from raglan.alerts.source_actions import note_error
from raglan.core import http
from raglan.core.clock import now
from raglan.people import actions as people
from raglan.people.models import Person
from tests.console.conftest import SignIn
from tests.integrations.doorstep import knock, make


@pytest.fixture
def admin(signed_in: SignIn, ada: Person) -> Client:
    """An administrator's browser."""
    return signed_in(ada)


def page(browser: Client, source: Source) -> str:
    return browser.get(f"/setup/sources/{source.slug}/").content.decode()


@pytest.mark.parametrize("kind", Source.Kind.values)
def test_each_kind_has_a_screen_a_line_to_paste_and_a_test(admin: Client, kind: str) -> None:
    made = admin.post("/setup/sources/", {"name": "It", "slug": "it", "kind": kind})
    assert made.status_code == 201
    assert "shown this once" in made.content.decode()
    source = Source.objects.get()
    html = page(admin, source)
    assert source.token_hint in html
    admin.post("/setup/sources/it/test/")

    alert = Alert.objects.get()
    assert (alert.title, alert.severity) == ("A test of It", "info")
    assert alert.expires_at is not None
    assert "A test of It" in page(admin, source)


def test_a_source_is_switched_off_and_on(admin: Client) -> None:
    source, token = make("generic")
    for what, is_off in (("off", True), ("off", True), ("on", False)):
        admin.post(f"/setup/sources/{source.slug}/change/", {"what": what})
        assert ("It is switched off." in page(admin, source)) is is_off
        assert (knock("POST", f"/integrations/{token}/", {"title": "x"}).status == 401) is is_off


def test_a_noisy_source_says_so_until_it_pages_again(admin: Client) -> None:
    source, token = make("generic")
    admin.post(f"/setup/sources/{source.slug}/change/", {"what": "noisy"})
    knock("POST", f"/integrations/{token}/", {"title": "x"})
    assert "It is noisy." in page(admin, source)
    assert Alert.objects.get().group.page is None

    admin.post(f"/setup/sources/{source.slug}/change/", {"what": "pages"})
    assert "It is noisy." not in page(admin, source)
    assert Alert.objects.get().group.page is not None


def test_what_was_done_to_a_source_is_told_with_who_did_it(admin: Client) -> None:
    source, _ = make("heartbeat")
    admin.post(f"/setup/sources/{source.slug}/change/", {"what": "noisy"})
    admin.post(f"/setup/sources/{source.slug}/test/")
    form = {"name": "Nightly backup", "slug": "nightly", "period": "10", "grace": "1"}
    admin.post(f"/setup/sources/{source.slug}/heartbeats/", form)
    html = page(admin, source).partition("What was done to it")[2]

    for words in ("Noisy", "A test alert was sent", "Made (Nightly backup)", "Ada Lamb"):
        assert words in html


def test_own_health_tells_of_sources_that_are_not_understood(admin: Client) -> None:
    assert "Not all understood" not in admin.get("/setup/").content.decode()
    source, _ = make("generic")
    note_error(source.pk, "title: is missing", body=b"{}")

    html = admin.get("/setup/").content.decode()
    assert "Not all understood" in html
    assert source.name in html


@pytest.mark.parametrize("what", ["", "explode"])
def test_a_switch_that_is_none_is_not_found(admin: Client, what: str) -> None:
    source, _ = make("generic")
    assert admin.post(f"/setup/sources/{source.slug}/change/", {"what": what}).status_code == 404


def test_a_secret_is_kept_sealed_and_never_shown(admin: Client) -> None:
    source, token = make("grafana")
    admin.post(f"/setup/sources/{source.slug}/secret/", {"secret": "of grafana"})

    assert "of grafana" not in page(admin, source)
    assert "of grafana" not in str(list(Source.objects.values()))
    assert queries.source_by_token(token).secret == "of grafana"
    assert knock("POST", f"/integrations/{token}/grafana", {"alerts": []}).status == 401
    admin.post(f"/setup/sources/{source.slug}/secret/", {"secret": ""})
    assert knock("POST", f"/integrations/{token}/grafana", {"alerts": []}).status == 200
    assert admin.post(f"/setup/sources/{source.slug}/secret/", {"secret": "x" * 501}).status_code == 302
    assert Source.objects.get().secret_sealed == ""


def test_a_mapping_is_tried_on_what_was_refused_and_then_saved(admin: Client) -> None:
    source, token = make("generic")
    note_error(source.pk, "title: is missing", body=b'{"event": {"name": "<b>Disk</b> full", "level": "high"}}')
    note_error(source.pk, "this is not JSON", body=b"plain words")
    address = f"/setup/sources/{source.slug}/mapping/"
    mapping = '{"title": "event.name", "severity": "event.level"}'

    tried = admin.post(address, {"mapping": mapping, "what": "try"}).content.decode()
    assert "&lt;b&gt;Disk&lt;/b&gt; full" in tried
    assert "severity high" in tried
    assert "Not understood" in tried
    assert Source.objects.get().mapping == {}
    assert not Alert.objects.exists()

    admin.post(address, {"mapping": mapping, "what": "save"})
    assert Source.objects.get().mapping == {"title": "event.name", "severity": "event.level"}
    assert knock("POST", f"/integrations/{token}/", {"event": {"name": "Disk"}}).status == 202


@pytest.mark.parametrize("mapping", ["{no", "[]", "7", "x" * 11_000])
def test_a_mapping_that_can_not_be_read_is_said_at_its_field(admin: Client, mapping: str) -> None:
    source, _ = make("generic")
    answer = admin.post(f"/setup/sources/{source.slug}/mapping/", {"mapping": mapping, "what": "save"})

    assert answer.status_code == 422
    assert Source.objects.get().mapping == {}


def test_rules_for_mail_are_named_so_and_refused_at_their_field(admin: Client) -> None:
    source, _ = make("email")
    assert "Names on the left, patterns on the right" in page(admin, source)
    answer = admin.post(f"/setup/sources/{source.slug}/mapping/", {"mapping": '{"key": "("}', "what": "save"})

    assert answer.status_code == 422
    assert "mapping.key: this pattern can not be read" in answer.content.decode()
    assert Source.objects.get().mapping == {}


def test_before_anything_came_a_mapping_has_nothing_to_be_tried_on(admin: Client) -> None:
    source, _ = make("generic")
    answer = admin.post(f"/setup/sources/{source.slug}/mapping/", {"mapping": "", "what": "try"})

    assert "Nothing has come yet" in answer.content.decode()


def test_what_was_refused_shows_and_only_the_last_fifty_are_kept(admin: Client) -> None:
    source, _ = make("generic")
    for number in range(60):
        note_error(source.pk, f"problem {number}", body=b"\x00 body \xff")
    html = page(admin, source)

    assert "problem 59" in html
    assert Signal.objects.count() == 50


def test_heartbeats_are_added_changed_paused_and_removed(admin: Client) -> None:
    source, token = make("heartbeat")
    form = {"name": "Nightly backup", "slug": "nightly", "period": "10", "grace": "0.5"}
    assert admin.post(f"/setup/sources/{source.slug}/heartbeats/", form).status_code == 302
    found = Heartbeat.objects.get()
    assert (found.period_s, found.grace_s) == (600, 30)
    assert "Waits for its first beat" in page(admin, source)

    knock("POST", f"/ping/{token}/nightly", b"all <b>tables</b>")
    html = page(admin, source)
    assert "Beats" in html
    assert "all &lt;b&gt;tables" in html

    address = f"/setup/heartbeats/{found.pk}/"
    assert 'value="0.5"' in admin.get(address).content.decode()
    admin.post(address, {"name": "Backup", "slug": "other", "period": "20", "grace": "1"})
    found.refresh_from_db()
    assert (found.name, found.slug, found.period_s) == ("Backup", "nightly", 1_200)
    for what, state in (("pause", "paused"), ("resume", "new")):
        admin.post(f"{address}{what}/")
        found.refresh_from_db()
        assert found.state == state
    assert admin.post(f"{address}explode/").status_code == 404
    admin.post(f"{address}remove/")
    assert not Heartbeat.objects.exists()


@pytest.mark.parametrize("change", [{"slug": "a/b"}, {"period": "0"}, {"grace": "-1"}, {"name": ""}, {"period": "x"}])
def test_a_heartbeat_with_mistakes_keeps_what_was_typed(admin: Client, change: dict[str, str]) -> None:
    source, _ = make("heartbeat")
    form = {"name": "Nightly backup", "slug": "nightly", "period": "10", "grace": "1", **change}
    answer = admin.post(f"/setup/sources/{source.slug}/heartbeats/", form)

    assert answer.status_code == 422
    assert not Heartbeat.objects.exists()


def test_a_topic_of_aws_is_confirmed_by_a_person_only(admin: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    monkeypatch.setattr(http, "get", lambda url, headers: asked.append(url) or http.Answer(200, {}, b""))
    source, _ = make("sns")
    address = "https://sns.eu-west-1.amazonaws.com/?Action=ConfirmSubscription&Token=abc"
    body = {"Type": "SubscriptionConfirmation", "TopicArn": "arn:aws:sns:x:1:t", "SubscribeURL": address}
    signal = Signal.objects.create(source=source, received_at=now(), status="refused", raw={"body": body})
    assert "Confirm this topic" in page(admin, source)
    assert asked == []

    admin.post(f"/setup/sources/{source.slug}/confirm/{signal.pk}/")
    assert asked == [address]
    assert Source.objects.get().mapping == {"topics": ["arn:aws:sns:x:1:t"]}
    assert "Confirm this topic" not in page(admin, source)
    admin.post(f"/setup/sources/{source.slug}/confirm/{signal.pk}/")
    assert asked == [address]


def test_a_topic_of_aws_is_confirmed_over_rest_by_who_may_configure(
    ada: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    monkeypatch.setattr(http, "get", lambda url, headers: asked.append(url) or http.Answer(200, {}, b""))
    source, _ = make("sns")
    topic, address = "arn:aws:sns:x:1:t", "https://sns.eu-west-1.amazonaws.com/?Action=ConfirmSubscription&Token=abc"
    body = {"Type": "SubscriptionConfirmation", "TopicArn": topic, "SubscribeURL": address}
    signal = Signal.objects.create(source=source, received_at=now(), status="refused", raw={"body": body})

    def confirm(person: Person | None, *scopes: str, pk: int = signal.pk, slug: str = source.slug) -> int:
        _, secret = people.issue_token(person, name="t", scopes=["read", *scopes], days=1, actor="raglan")
        client = Client(headers={"Authorization": f"Bearer {secret}"})
        return client.post(f"/api/v1/sources/{slug}/signals/{pk}/confirm").status_code

    assert confirm(ada, "respond") == 403
    assert confirm(None, "configure") == 403
    assert confirm(ada, "configure", pk=signal.pk + 1) == 404
    assert confirm(ada, "configure", slug="none") == 404
    assert (asked, Source.objects.get().mapping) == ([], {})
    assert confirm(ada, "configure") == 200
    assert (asked, Source.objects.get().mapping) == ([address], {"topics": [topic]})
    assert confirm(ada, "configure") == 404
    body["SubscribeURL"] = "https://169.254.169.254/"
    other = Signal.objects.create(
        source=source, received_at=now(), status="refused", raw={"body": body | {"TopicArn": "other"}}
    )
    assert confirm(ada, "configure", pk=other.pk) == 403
    assert asked == [address]


def test_a_topic_with_a_foreign_address_is_not_asked(admin: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    monkeypatch.setattr(http, "get", lambda url, headers: asked.append(url))
    source, _ = make("sns")
    body = {"Type": "SubscriptionConfirmation", "TopicArn": "arn", "SubscribeURL": "https://169.254.169.254/"}
    signal = Signal.objects.create(source=source, received_at=now(), status="refused", raw={"body": body})
    admin.post(f"/setup/sources/{source.slug}/confirm/{signal.pk}/")

    assert asked == []
    assert Source.objects.get().mapping == {}


def test_the_media_type_for_zabbix_carries_our_address(admin: Client) -> None:
    answer = admin.get("/setup/media_raglan.yaml")

    assert answer.status_code == 200
    assert "raglan.example.org" not in answer.content.decode().replace("such as https://", "")
    assert "attachment" in answer["Content-Disposition"]
