"""Now shows what is broken, who asks, who is on call, and the reader's own part."""

import re
from datetime import date, time, timedelta

import pytest
from django.test import Client

from raglan.alerts import actions as alerts
from raglan.alerts.models import AlertGroup, Source
from raglan.alerts.ports import Batch, Decoded, RawSignal, SourceKey
from raglan.console.views import PARTS
from raglan.core.clock import now
from raglan.incidents import actions as incidents
from raglan.incidents.models import Entry
from raglan.oncall.models import Rotation, RotationMember, Schedule
from raglan.paging.models import Page, Reached
from raglan.people.models import ContactMethod, Person
from tests.console.conftest import SignIn


@pytest.fixture
def client(signed_in: SignIn, bo: Person) -> Client:
    """A responder's browser."""
    return signed_in(bo)


@pytest.fixture
def source(db: None) -> Source:
    """A source that was heard just now."""
    made, _ = alerts.create_source(name="Prometheus", slug="prom", kind="alertmanager", actor="raglan")
    return made


def fire(source: Source, title: str, severity: str = "critical") -> AlertGroup:
    """Let an alert fire; return its group."""
    labels = {"alertname": title, "severity": severity}
    signal = RawSignal("firing", labels, {}, title, severity, raw={"labels": labels})
    alerts.ingest([Batch(SourceKey(source.pk, source.slug, source.kind), Decoded([signal]), now())])
    return AlertGroup.objects.get(title=title)


def rota(name: str, *people: Person) -> Schedule:
    """Make a weekly rota; without people it is a gap."""
    made = Schedule.objects.create(name=name, slug=name.lower(), time_zone="UTC", created_at=now())
    if people:
        rotation = Rotation.objects.create(
            schedule=made,
            starts_on=date(2026, 1, 5),
            handoff_weekday=0,
            handoff_time=time(9),
            created_at=now() - timedelta(days=400),
        )
        for position, person in enumerate(people):
            RotationMember.objects.create(rotation=rotation, person=person, position=position)
    return made


def html_of(client: Client, address: str = "/") -> str:
    """Return a screen."""
    answer = client.get(address)
    assert answer.status_code == 200
    return answer.content.decode()


@pytest.mark.parametrize("role", Person.Role.values)
def test_now_opens_for_every_role(signed_in: SignIn, ada: Person, role: str) -> None:
    Person.objects.filter(pk=ada.pk).update(role=role)
    assert "Nothing is known to be broken." in html_of(signed_in(ada))


def test_somebody_who_is_not_signed_in_is_asked_to(db: None) -> None:
    answer = Client().get("/")
    assert answer.status_code == 302
    assert answer["Location"].startswith("/account/login/")


def test_every_section_says_when_it_is_empty(client: Client) -> None:
    html = html_of(client)
    assert "0 of 0" not in html
    assert 'class="is-bad"' not in html
    for words in (
        "Nothing is known to be broken.",
        "No source is set up yet",
        "Nobody is asking for help right now.",
        "Nobody takes turns yet",
        "No rota yet.",
        "No review yet.",
        "Nothing can reach you yet.",
    ):
        assert words in html


def test_when_nothing_is_broken_the_last_incident_is_named_with_its_review(client: Client, bo: Person) -> None:
    incident = incidents.declare("Mirror newer than the pin", by=bo)
    incidents.stand_down(incident, by=bo, words="Over.")
    assert "Last incident closed" in html_of(client)


def test_an_open_incident_stands_under_what_is_broken_with_who_is_there(client: Client, bo: Person) -> None:
    incident = incidents.declare("Apache is not starting", by=bo)
    incidents.be_here(incident, by=bo, doing="reading logs")
    html = html_of(client)
    assert "Apache is not starting" in html
    assert "1 person there" in html
    assert "Nobody has written where it stands yet." in html
    assert "Nothing is known to be broken." not in html
    assert f"/incidents/{incident.pk}/?kind=ask#say" in html


def test_without_an_open_room_asking_for_help_opens_something_is_wrong(client: Client) -> None:
    assert 'href="/wrong/"' in html_of(client)


def test_a_viewer_sees_asks_without_buttons(signed_in: SignIn, bo: Person, vera: Person) -> None:
    incident = incidents.declare("Apache is not starting", by=bo)
    incidents.post(incident, incidents.Said(kind=Entry.Kind.ASK, text="Who reads the support queue?"), by=bo)
    html = html_of(signed_in(vera))
    assert "Who reads the support queue?" in html
    assert "I can help" not in html
    assert "Something is wrong" not in html


def test_of_many_incidents_three_are_told_at_length_and_all_are_named(client: Client, ada: Person) -> None:
    made = [incidents.declare(f"Trouble {number}", by=ada) for number in range(5)]
    incidents.take_lead(made[0], ada, by=ada)
    html = html_of(client)
    assert html.count("Open the room<") == 3
    for incident in made:
        assert html.count(f'id="incident-{incident.pk}"') == 1
        assert incident.title in html
    assert "Ada Lamb leads" in html
    assert "nobody leads" in html


def test_taking_an_ask_comes_back_to_now(client: Client, ada: Person) -> None:
    incident = incidents.declare("Apache is not starting", by=ada)
    ask = incidents.post(incident, incidents.Said(kind=Entry.Kind.ASK, text="Who reads the support queue?"), by=ada)
    assert '<input type="hidden" name="back" value="now">' in html_of(client)
    answer = client.post(f"/entries/{ask.pk}/take/", {"back": "now"})
    assert answer["Location"] == "/#asking"
    assert "Bo Silva is on it." in html_of(client)


def test_asks_that_wait_for_help_come_before_verifications_and_taken_ones(client: Client, ada: Person) -> None:
    incident = incidents.declare("Apache is not starting", by=ada)
    said = [
        (Entry.Kind.ASK, "first, waits"),
        (Entry.Kind.VERIFY, "second, to verify"),
        (Entry.Kind.ASK, "third, taken"),
    ]
    made = [incidents.post(incident, incidents.Said(kind=kind, text=text), by=ada) for kind, text in said]
    incidents.take_ask(made[2], by=ada)
    html = html_of(client, "/part/asking/")
    places = [html.index(f'<p class="q">{text}') for _, text in said]
    assert places == sorted(places)


def test_a_page_that_reached_nobody_is_first_and_loudest(client: Client, bo: Person, ada: Person) -> None:
    incidents.declare("Apache is not starting", by=bo)
    page = Page.objects.create(title="Payments are stuck", state=Page.State.UNANSWERED, created_at=now())
    Reached.objects.create(page=page, person=ada, at=now(), answer=Reached.Answer.UNREACHABLE)
    html = html_of(client, "/part/broken/")
    assert html.index("Nobody could be reached") < html.index("Apache is not starting")
    assert "It tried Ada Lamb" in html
    assert f"/pages/{page.pk}/" in html


def test_tests_that_nobody_answered_are_not_shown(client: Client) -> None:
    Page.objects.create(title="A test", state=Page.State.UNANSWERED, created_at=now(), is_test=True)
    assert "Nothing is known to be broken." in html_of(client)


def test_a_page_that_waits_for_the_reader_is_shown_to_them_only(signed_in: SignIn, bo: Person, ada: Person) -> None:
    page = Page.objects.create(title="HttpdDown", state=Page.State.TRIGGERED, created_at=now())
    Reached.objects.create(page=page, person=bo, at=now())
    assert "Waits for you" in html_of(signed_in(bo))
    assert "Waits for you" not in html_of(signed_in(ada))


def test_alerts_outside_incidents_are_listed_and_those_inside_are_not(
    client: Client, ada: Person, bo: Person, source: Source
) -> None:
    inside, outside = fire(source, "HttpdDown"), fire(source, "DiskFull", "warning")
    incident = incidents.declare("Apache is not starting", by=bo)
    incidents.join_groups(incident, [inside], by=bo)
    html = html_of(client)
    assert f'id="group-{outside.pk}"' in html
    assert f'id="group-{inside.pk}"' not in html
    assert "1 group outside incidents" in html
    assert "2 alerts" in html
    incidents.stand_down(incident, by=bo, words="Over.")
    assert f'id="group-{inside.pk}"' in html_of(client)


def test_a_source_that_fell_silent_is_not_known_and_one_that_was_never_heard_is_not_listed(
    client: Client, source: Source
) -> None:
    assert "Not known" not in html_of(client)
    Source.objects.filter(pk=source.pk).update(last_heard_at=now() - timedelta(minutes=31))
    html = html_of(client)
    assert "Not known" in html
    assert "last heard from" in html
    Source.objects.filter(pk=source.pk).update(last_heard_at=now() - timedelta(minutes=29))
    assert "last heard from" not in html_of(client)


def test_a_gap_on_call_is_a_state_and_comes_first(client: Client, ada: Person) -> None:
    rota("Alpha", ada)
    rota("Zulu")
    html = html_of(client)
    assert "1 of 2 covered" in html
    assert "1 rota has nobody" in html
    part = html_of(client, "/part/oncall/")
    assert part.index("Zulu") < part.index("Alpha")
    assert f"/reach/?person={ada.pk}" in part


def test_the_reader_sees_their_own_shift(signed_in: SignIn, ada: Person, bo: Person) -> None:
    rota("Web", ada, bo)
    texts = {html_of(signed_in(person), "/part/you/").count("On call now:") for person in (ada, bo)}
    assert texts == {0, 1}
    both = "".join(html_of(signed_in(person), "/part/you/") for person in (ada, bo))
    assert "Next on call:" in both
    assert "Swap a shift" in both


def test_who_can_be_reached_is_not_told_to_add_a_way(client: Client, bo: Person) -> None:
    ContactMethod.objects.create(person=bo, kind="email", address=bo.email, created_at=now())
    assert "Nothing can reach you yet." not in html_of(client)


def test_every_region_names_its_topic_and_its_address(client: Client) -> None:
    html = html_of(client)
    assert 'data-live-topics="now"' in html
    assert "data-live-since=" in html
    for name in PARTS:
        assert f'data-live="now" data-src="/part/{name}/"' in html
        assert html_of(client, f"/part/{name}/").strip() in html or name == "asking"


def test_a_part_that_does_not_exist_is_not_found(client: Client) -> None:
    assert client.get("/part/secrets/").status_code == 404


def test_what_people_wrote_is_shown_as_text(client: Client, bo: Person) -> None:
    incident = incidents.declare("<script>alert(1)</script>", by=bo)
    incidents.post(incident, incidents.Said(kind=Entry.Kind.ASK, text="<img src=x onerror=1>"), by=bo)
    html = html_of(client)
    assert "<script>alert" not in html
    assert "<img src=x" not in html


def test_a_heads_up_is_offered_once_on_now_and_on_every_other_page(client: Client) -> None:
    for address in ("/", "/alerts/"):
        wide = re.sub(r'<details class="menu nav-phone">.*?</details>', "", html_of(client, address), flags=re.S)
        assert wide.count("Give a heads-up") == 1, address
