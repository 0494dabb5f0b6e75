import re
from datetime import timedelta

import pytest
from django.test import Client
from django.utils.text import slugify

from raglan.core import timeline
from raglan.core.errors import BadInput, Conflict
from raglan.incidents import actions as incidents
from raglan.incidents.actions import Said
from raglan.incidents.models import Entry, Incident
from raglan.people.models import Person
from raglan.reviews import actions, queries
from raglan.reviews.models import Moment, Reply, Review
from raglan.reviews.questions import QUESTIONS
from raglan.testing import world
from tests.support import people

mara, bo = people.mara, people.bo

Kind = Entry.Kind


@pytest.fixture
def over(mara: Person, bo: Person) -> Incident:
    """An incident that people stood down from."""
    incident = incidents.declare("Apache is down", by=mara)
    incidents.post(incident, Said(Kind.NOTE, "The login answers 503"), by=mara)
    doing = incidents.post(incident, Said(Kind.DOING, "Restarting one host"), by=bo)
    incidents.tell_outcome(doing, "It came back.", by=bo)
    question = incidents.post(incident, Said(Kind.VERIFY, "Slow for you, too?"), by=mara)
    incidents.answer(question, "yes", by=bo, text="in Berlin")
    return incidents.stand_down(incident, by=mara, words="All hosts serve again.")


@pytest.fixture
def review(over: Incident) -> Review:
    world.fire_all()
    return Review.objects.get()


def write(review: Review, by: Person, seen_version: int, title: str = "What restarts teach") -> Review:
    return actions.write(
        review, title=title, summary="s", surprised="p", went_right="r", seen_version=seen_version, by=by
    )


def test_standing_down_drafts_a_review_with_every_entry(review: Review, over: Incident) -> None:
    assert [moment.text for moment in review.moments.all()] == [
        "The login answers 503",
        "Restarting one host",
        "Slow for you, too?",
        "All hosts serve again.",
    ]
    assert (review.title, review.summary, review.state) == ("Apache is down", "All hosts serve again.", "draft")


def test_outcomes_and_answers_stand_beside_their_moment(review: Review) -> None:
    outcomes = {moment.text: moment.outcome for moment in review.moments.all()}

    assert outcomes["Restarting one host"] == "It came back."
    assert outcomes["Slow for you, too?"] == "Bo Silva: Yes, me too. in Berlin"


def test_a_second_end_adds_what_came_since_and_keeps_what_was_written(
    review: Review, over: Incident, mara: Person
) -> None:
    write(review, mara, 0)
    actions.keep_moment(review, review.moments.all()[0].entry_id, in_story=False, by=mara)
    incidents.reopen(over, by=mara, why="It is back.")
    incidents.stand_down(over, by=mara, words="Now it is over.")
    world.fire_all()

    review.refresh_from_db()
    assert (Review.objects.count(), review.title) == (1, "What restarts teach")
    assert [moment.text for moment in review.moments.all()][-2:] == ["It is back.", "Now it is over."]
    assert review.moments.all()[0].in_story is False


def test_drafting_again_without_news_changes_nothing(review: Review, over: Incident) -> None:
    before = timeline.newest_id()

    actions.draft(over)

    assert timeline.newest_id() == before


def test_two_who_write_at_once_do_not_overwrite_each_other(review: Review, mara: Person, bo: Person) -> None:
    assert write(review, mara, 0).version == 1

    with pytest.raises(Conflict, match="while you were writing"):
        write(review, bo, 0, title="Other words")

    review.refresh_from_db()
    assert review.title == "What restarts teach"


def test_a_review_needs_a_title(review: Review, mara: Person) -> None:
    with pytest.raises(BadInput) as caught:
        write(review, mara, 0, title=" ")

    assert caught.value.field == "title"


def test_answers_of_several_people_stand_side_by_side(review: Review, mara: Person, bo: Person) -> None:
    key = QUESTIONS[0].key
    for person, text in ((mara, "nothing"), (bo, "the heat"), (bo, "the new rack")):
        actions.reply(review, key, text, by=person)

    asked = queries.asked(review)[QUESTIONS[0].group][0]
    assert [(item.person.name, item.text) for item in asked.replies] == [
        ("Mara Keller", "nothing"),
        ("Bo Silva", "the new rack"),
    ]


def test_questions_that_were_answered_stand_open_and_are_counted(review: Review, mara: Person, client: Client) -> None:
    first, other = QUESTIONS[0], next(one for one in QUESTIONS if one.group != QUESTIONS[0].group)
    actions.reply(review, first.key, "the heat", by=mara)
    client.force_login(mara)
    shown = client.get(f"/reviews/{review.pk}/").content.decode()
    assert f'<details id="g-{slugify(first.group)}" open>' in shown
    assert f'<details id="g-{slugify(other.group)}">' in shown
    assert shown.count(", 1 answer<") == 1


def test_an_answer_can_be_taken_back(review: Review, mara: Person) -> None:
    for text in ("nothing", " "):
        actions.reply(review, QUESTIONS[0].key, text, by=mara)

    assert not Reply.objects.exists()


def test_only_the_questions_can_be_answered(review: Review, mara: Person) -> None:
    with pytest.raises(BadInput) as caught:
        actions.reply(review, "whose-fault", "nobody's", by=mara)

    assert caught.value.field == "question"


def test_no_question_asks_for_a_cause_or_for_somebody_at_fault() -> None:
    words = re.compile(r"\b(root|caused?|blame|fault|mistakes?|error|failed to|should have)\b", re.IGNORECASE)

    assert [question.text for question in QUESTIONS if words.search(question.text)] == []


def test_keys_of_questions_are_stored_with_answers_and_are_unique() -> None:
    keys = [question.key for question in QUESTIONS]

    assert len(keys) == len(set(keys)) > 30
    assert max(map(len, keys)) <= 40


def test_a_draft_is_shared_when_somebody_says_so(review: Review, mara: Person) -> None:
    assert actions.share(review, by=mara).state == Review.State.SHARED


def test_the_draft_asks_what_lost_tools_need_and_the_catalog_learns_it(mara: Person, client: Client) -> None:
    httpd, graphite = (world.service(slug) for slug in ("httpd", "graphite"))
    incident = incidents.declare("Apache is down", by=mara, services=[httpd])
    for name in ("Graphite", "The old wiki"):
        incidents.lose_tool(incident, name, by=mara)
    incidents.stand_down(incident, by=mara, words="It serves again.")
    world.fire_all()
    client.force_login(mara)
    address = f"/reviews/{incident.review.pk}/"

    shown = client.get(address).content.decode()
    assert "<b>Graphite</b> needs <b>Httpd</b>" in shown
    assert "Not in the catalog yet: The old wiki." in shown
    for _ in range(2):
        client.post(f"{address}needs/", {"need": "graphite httpd"})

    assert list(graphite.needs.values_list("needed__slug", flat=True)) == ["httpd"]
    assert "It does: Graphite" not in client.get(address).content.decode()
    assert client.post(f"{address}needs/", {"need": "httpd graphite"}).status_code == 422


def test_a_draft_of_an_incident_without_lost_tools_asks_nothing_of_them(
    review: Review, mara: Person, client: Client
) -> None:
    client.force_login(mara)

    assert "What lost tools need" not in client.get(f"/reviews/{review.pk}/").content.decode()


@pytest.mark.django_db
def test_a_very_long_timeline_has_pages_and_a_moment_stays_in_sight(
    client: Client, review: Review, bo: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(queries, "MOMENTS_PER_PAGE", 2)
    numbers = [moment.entry_id for moment in review.moments.all()]
    assert len(numbers) == 4
    client.force_login(bo)
    for page, shown in ((1, numbers[:2]), (2, numbers[2:])):
        page_of = client.get(f"/reviews/{review.pk}/?page={page}").content.decode()
        assert [int(number) for number in re.findall(r'id="m(\d+)"', page_of)] == shown
        assert "Timeline, 4 moments" in page_of
    for number, where in ((numbers[1], ""), (numbers[2], "?page=2")):
        answered = client.post(f"/reviews/{review.pk}/moments/{number}/", {"in_story": "no"})
        assert answered["Location"] == f"/reviews/{review.pk}/{where}#m{number}"
    assert queries.page_of(review, 0) == 1


def test_over_rest_a_review_holds_its_first_moments_and_pages_of_all(
    client: Client, review: Review, bo: Person
) -> None:
    at = review.moments.all()[3].at
    Moment.objects.bulk_create(
        Moment(review=review, entry_id=10_000 - number, at=at + timedelta(seconds=number), kind="note", text="x")
        for number in range(600)
    )
    numbers = [moment.entry_id for moment in review.moments.all()]
    client.force_login(bo)
    address = f"/api/v1/reviews/{review.pk}"

    told = client.get(address).json()
    assert ([one["entry_id"] for one in told["moments"]], told["moments_in_all"]) == (numbers[:500], 604)
    kept = client.put(f"{address}/moments/{numbers[0]}", {"in_story": False}, content_type="application/json").json()
    assert (len(kept["moments"]), kept["moments"][0]["in_story"], kept["moments_in_all"]) == (500, False, 604)

    rest = client.get(f"{address}/moments?after={numbers[499]}&limit=500").json()
    assert [one["entry_id"] for one in rest] == numbers[500:]
    seen, after = list[int](), 0
    while some := client.get(f"{address}/moments?after={after}").json():
        seen += [one["entry_id"] for one in some]
        after = seen[-1]
    assert seen == numbers
    assert client.get(f"{address}/moments?limit=501").status_code == 422
    assert client.get("/api/v1/reviews/9999/moments").status_code == 404
    assert client.get(f"{address}/moments?after=9999999").status_code == 404  # taken out, or never there


def test_a_long_timeline_is_drafted_some_at_a_time(over: Incident, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(actions, "AT_ONCE", 3)
    world.fire_all()
    review = Review.objects.get()
    drafted = [event.data["entries"] for event in timeline.about(review) if event.kind == "review.drafted"]
    assert sorted(len(some) for some in drafted) == [1, 3]
    told = [pk for some in sorted(drafted) for pk in some]
    assert told == list(over.entries.order_by("at", "pk").values_list("pk", flat=True))
    assert next(moment.text for moment in review.moments.all()) == "The login answers 503"
    assert review.moments.count() == 4
    actions.draft(over)
    assert len([event for event in timeline.about(review) if event.kind == "review.drafted"]) == 2
