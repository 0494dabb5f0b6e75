from datetime import timedelta

import pytest
from django.test import Client

from raglan.core import timeline
from raglan.core.clock import CLOCK
from raglan.core.errors import BadInput
from raglan.paging import actions, replies, reply_words
from raglan.paging.models import Notification, Page
from raglan.paging.plan import Acknowledge
from raglan.people.models import Person
from raglan.testing import world


@pytest.fixture
def paged(outbox: world.Outbox) -> tuple[Page, Person, Notification]:
    mara = world.person("Mara Keller")
    page = world.page(world.policy((600, [mara]), (600, [world.person("Bo Silva")])))
    return page, mara, Notification.objects.get(page=page)


def button(said: str, token: str) -> tuple[int, str]:
    answer = Client().post(f"/a/{said}/{token}/")
    return answer.status_code, answer.content.decode()


def test_a_button_takes_the_page(paged: tuple[Page, Person, Notification], outbox: world.Outbox) -> None:
    page, mara, notification = paged

    assert button("have", outbox.sent[0].message.have_url.split("/")[-2]) == (200, "You have it.\n")

    page.refresh_from_db()
    notification.refresh_from_db()
    assert (page.acknowledged_by, notification.confirmed_at is not None) == (mara, True)
    assert [event.data["via"] for event in timeline.about(page) if event.kind == "page.acknowledged"] == ["push"]


def test_the_same_button_twice_is_one_event(paged: tuple[Page, Person, Notification]) -> None:
    token = replies.token("have", paged[2].pk)

    assert [button("have", token) for _ in range(2)] == [(200, "You have it.\n")] * 2
    assert [event.kind for event in timeline.about(paged[0])].count("page.acknowledged") == 1


def test_a_button_passes_it_on_to_the_next_person(paged: tuple[Page, Person, Notification]) -> None:
    status, said = button("pass", replies.token("pass", paged[2].pk))

    assert (status, said) == (200, "Passed on. Bo Silva is next.\n")


def test_a_token_is_good_for_its_own_button_only(paged: tuple[Page, Person, Notification]) -> None:
    page, _, notification = paged
    have, passing = replies.token("have", notification.pk), replies.token("pass", notification.pk)
    forged = f"{notification.pk + 1:x}-{have.partition('-')[2]}"

    for said, token in (("pass", have), ("have", passing), ("have", forged), ("have", have[:-1] + "g"), ("join", have)):
        assert button(said, token)[0] == 404, (said, token)

    page.refresh_from_db()
    assert page.state == Page.State.TRIGGERED


@pytest.mark.parametrize("method", ["get", "head", "options", "put"])
def test_a_look_at_a_button_changes_nothing(paged: tuple[Page, Person, Notification], method: str) -> None:
    page, _, notification = paged

    answer = getattr(Client(), method)(f"/a/have/{replies.token('have', notification.pk)}/")

    page.refresh_from_db()
    assert (answer.status_code, page.state) == (405, Page.State.TRIGGERED)


def test_a_button_ends_after_three_days(paged: tuple[Page, Person, Notification]) -> None:
    token = replies.token("have", paged[2].pk)
    CLOCK.move(timedelta(hours=73))

    assert button("have", token)[0] == 404


def test_who_comes_second_joins(paged: tuple[Page, Person, Notification]) -> None:
    actions.acknowledge(paged[0], by=world.person("Bo Silva"), via=actions.Via.SCREEN)

    assert button("have", replies.token("have", paged[2].pk)) == (200, "Bo Silva has it already. You joined.\n")


def test_an_answer_to_what_is_over_says_so(paged: tuple[Page, Person, Notification]) -> None:
    actions.resolve(paged[0], why="it ended")

    assert button("have", replies.token("have", paged[2].pk))[1] == "It is over already. Nothing is left to do.\n"


def test_somebody_who_left_can_not_answer(paged: tuple[Page, Person, Notification]) -> None:
    Person.objects.filter(pk=paged[1].pk).update(is_active=False)

    assert button("have", replies.token("have", paged[2].pk))[0] == 404


HAVE = r"""ack|Ack.|ACK!|ok|OK, on it!|Okay, taking it|yes|Yes.|Yes, I have it|I have it|I've got it!
I’ll take it|have it|have|take|taken|taking it|on it|I'm on it|got it|mine|4|"4"|4.|+1|👍|👍🏽
Ack please|ok thanks|Ack, thank you!|acknowledged|working on it|looking into it|looking|*ack*
  ack  |4, thanks|ack\nAnd who looks at db2?|\n\nAck\n-- \nMara|ok - on it|I have this one"""
PASSED = r"pass|PASS.|no|No, sorry|6|-1|👎|can't|I can’t|I cannot|busy|next|pass it on|not me|pass\nI am on a train"
NONE = r"""Have you seen this?|Take a look at db1, it was broken before|OK who is on call?|ok?
Yes but who broke this?|No idea, ask Bo|Next time call me earlier|Mine too|I have no laptop
I have it?|Yesterday it was fine|4 of them are down|no, I have it|pass, ack|can't you see it
acknowledgement|ack ack what|thanks|sorry|please||...|>ack|Busy day!|join us|What is this?\nack
take it down|on its way|4?|On it should be written why"""


@pytest.mark.parametrize(
    ("text", "said"),
    [
        *((text, "have") for text in HAVE.replace("\n", "|").replace("\\n", "\n").split("|")),
        *((text, "pass") for text in PASSED.replace("\\n", "\n").split("|")),
        *((text, "join") for text in ("join", "Joining!", "I join", "join, thanks")),
        *((text, "") for text in NONE.replace("\n", "|").replace("\\n", "\n").split("|")),
    ],
)
def test_a_reply_is_an_answer_when_its_first_line_is_one_and_not_when_it_begins_with_one(text: str, said: str) -> None:
    assert reply_words.said_in(text) == said


def test_an_answer_that_is_none_is_refused(paged: tuple[Page, Person, Notification]) -> None:
    with pytest.raises(BadInput):
        replies.answer(paged[2], "delete", via=actions.Via.REPLY)


def test_a_reply_without_a_token_means_the_newest_open_page_at_that_address(outbox: world.Outbox) -> None:
    mara = world.person("Mara Keller")
    pages = [world.page(world.policy((600, [mara]))) for _ in range(3)]
    actions.resolve(pages[2], why="over")

    found = replies.newest_to("email", world.mail_of(mara).address, "have")

    assert found is not None
    assert found.page == pages[1]
    assert replies.newest_to("email", "stranger@example.test", "have") is None


def at_mara(pages: int) -> tuple[Person, list[Page]]:
    mara, bo = world.person("Mara Keller"), world.person("Bo Silva")
    return mara, [world.page(world.policy((600, [mara]), (600, [bo])), f"Disk {number}") for number in range(pages)]


def told(mara: Person, said: str) -> str:
    return str(replies.answer_newest("email", world.mail_of(mara).address, said, via=actions.Via.REPLY))


def test_replies_without_a_token_take_one_page_after_another_and_name_it(outbox: world.Outbox) -> None:
    mara, pages = at_mara(3)

    assert [told(mara, "have") for _ in range(4)] == [
        "You have it. Page: Disk 2. 2 more wait for your answer.",
        "You have it. Page: Disk 1. 1 more waits for your answer.",
        "You have it. Page: Disk 0.",
        "You have it. Page: Disk 2.",
    ]
    assert set(Page.objects.values_list("state", "acknowledged_by")) == {("acknowledged", mara.pk)}
    assert len(pages) == 3


def test_what_others_took_or_oneself_passed_on_is_not_what_a_reply_means(outbox: world.Outbox) -> None:
    mara, pages = at_mara(3)
    actions.acknowledge(pages[2], by=world.person("Ada Lamb"), via=actions.Via.SCREEN)

    assert told(mara, "pass") == "Passed on. Bo Silva is next. Page: Disk 1. 1 more waits for your answer."
    assert told(mara, "have") == "You have it. Page: Disk 0."
    assert told(mara, "have") == "You have it. Page: Disk 1."  # nothing else is open: they changed their mind
    assert told(mara, "have") == "Ada Lamb has it already. You joined. Page: Disk 2."


def test_joining_means_the_newest_page_that_is_not_over(outbox: world.Outbox) -> None:
    mara, pages = at_mara(2)
    actions.acknowledge(pages[1], by=world.person("Ada Lamb"), via=actions.Via.SCREEN)

    assert told(mara, "join") == "You joined. Page: Disk 1. 1 more waits for your answer."


def test_a_page_that_asks_each_is_taken_once_and_what_waits_comes_next(outbox: world.Outbox) -> None:
    mara, bo = world.person("Mara Keller"), world.person("Bo Silva")
    world.page(world.policy((600, [mara])), "Older")
    both = tuple(world.target(one) for one in (mara, bo))
    world.page(world.policy_of(actions.StepDraft(600, both, Acknowledge.EACH)), "Newer")

    assert told(mara, "have") == "You have it. Others are asked too. Page: Newer. 1 more waits for your answer."
    assert told(mara, "have") == "You have it. Page: Older."


def test_a_long_title_is_cut_and_a_strange_one_is_one_line(outbox: world.Outbox) -> None:
    mara = world.person("Mara Keller")
    world.page(world.policy((600, [mara])), "Disk\x07 \u202e full\non " + "x" * 100)

    assert told(mara, "have") == "You have it. Page: " + ("Disk full on " + "x" * 100)[:60] + "..."
