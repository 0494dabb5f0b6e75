"""A step that finds nobody costs no time, a page by hand to nobody is refused, and nothing rings without a pause."""

from datetime import timedelta

import pytest
from django.test import Client

from raglan.core.clock import now
from raglan.core.errors import BadInput
from raglan.paging import actions, foresight, queries
from raglan.paging.models import Page
from raglan.paging.plan import WhenNobody
from raglan.people import actions as people
from raglan.testing import world

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("time_stands")]


def told_of(page: Page, outbox: world.Outbox) -> list[tuple[str, int]]:
    """Return who was told of a page, and after how many seconds."""
    return [
        (item.message.person_name, int((item.at - page.created_at).total_seconds()))
        for item in outbox.sent
        if item.message.page_id == page.pk
    ]


@pytest.mark.parametrize("choice", [WhenNobody.NEXT_STEP, WhenNobody.FALL_BACK])
def test_the_only_step_with_nobody_falls_back_at_once(outbox: world.Outbox, choice: WhenNobody) -> None:
    world.administrator("Ada Lamb")
    policy = world.policy((300, [world.team()]), repeat=2, choices=actions.Choices(when_nobody=choice))

    page = world.page(policy)

    assert told_of(page, outbox) == [("Ada Lamb", 0)]


def test_a_round_without_anybody_falls_back_at_once(outbox: world.Outbox) -> None:
    world.administrator("Ada Lamb")
    page = world.page(world.policy((300, [world.team()]), (300, [world.schedule()]), repeat=2))

    assert told_of(page, outbox) == [("Ada Lamb", 0)]


def test_a_last_step_with_nobody_does_not_let_the_others_wait(outbox: world.Outbox) -> None:
    world.administrator("Ada Lamb")
    mara = world.person("Mara Keller")
    page = world.page(world.policy((300, [mara]), (900, [world.team()]), repeat=1))

    world.fast_forward(timedelta(minutes=9))

    assert told_of(page, outbox) == [("Mara Keller", 0), ("Mara Keller", 300)]


def test_rounds_do_not_follow_each_other_within_seconds(outbox: world.Outbox) -> None:
    mara = world.person("Mara Keller")
    page = world.page(world.policy((10, [mara]), (900, [world.team()]), repeat=1))

    world.fast_forward(timedelta(minutes=3))

    assert told_of(page, outbox) == [("Mara Keller", 0), ("Mara Keller", 60)]


def test_without_administrators_it_goes_round_with_its_waits(outbox: world.Outbox) -> None:
    page = world.page(world.policy((300, [world.team()]), repeat=1))

    assert page.next_step_at is not None
    assert page.next_step_at - now() > timedelta(seconds=290)


def test_hold_is_kept_as_it_was_chosen(outbox: world.Outbox) -> None:
    world.administrator("Ada Lamb")
    held = actions.Choices(when_nobody=WhenNobody.HOLD)
    page = world.page(world.policy((300, [world.team()]), repeat=2, choices=held))

    assert page.held_since is not None
    assert told_of(page, outbox) == []


def test_paging_a_team_with_nobody_in_it_is_refused_over_rest() -> None:
    ada = world.administrator()
    secret = people.issue_token(ada, name="t", scopes=["read", "page"], days=9, actor=ada)[1]
    team, full = world.team(name="Web"), world.team(world.person(), name="Net")

    def post(slug: str) -> tuple[int, str]:
        body = {"title": "Help", "team": slug}
        head = {"Authorization": f"Bearer {secret}"}
        answer = Client().post("/api/v1/pages", body, content_type="application/json", headers=head)
        return answer.status_code, answer.content.decode()

    status, said = post(team.slug)

    assert (status, "Nobody is in Web" in said) == (422, True)
    assert not Page.objects.exists()
    assert post(full.slug)[0] == 201


def test_a_step_of_which_all_is_empty_is_warned_of() -> None:
    mara, empty = world.person("Mara Keller"), world.team(name="Web")
    policy = world.policy((300, [empty]), (300, [empty, mara]))

    assert foresight.finds_nobody(queries.plan_of(policy)) == [
        "Step 1 asks everybody in Web, which is nobody as things are."
    ]


@pytest.mark.parametrize("repeat", [1, 20])
def test_a_repeat_without_any_wait_is_refused(repeat: int) -> None:
    mara = world.person("Mara Keller")

    with pytest.raises(BadInput, match="without any wait"):
        world.policy((0, [mara]), (0, [mara]), repeat=repeat)
    world.policy((0, [mara]), (60, [mara]), repeat=repeat)
    world.policy((0, [mara]))


def test_a_repeat_without_any_wait_is_refused_over_rest() -> None:
    ada = world.administrator()
    secret = people.issue_token(ada, name="t", scopes=["read", "configure"], days=9, actor=ada)[1]

    def post(**body: object) -> tuple[int, object]:
        step = {"wait_s": 0, "targets": [{"type": "person", "id": ada.pk}]}
        whole = {"name": "Web", "slug": "web", "steps": [step], "repeat": 20} | body
        head = {"Authorization": f"Bearer {secret}"}
        answer = Client().post("/api/v1/policies", whole, content_type="application/json", headers=head)
        return answer.status_code, answer.json().get("field")

    assert post() == (400, "repeat")
    assert post(repeat=0)[0] == 201


def test_a_repeat_without_any_wait_is_refused_on_the_screen() -> None:
    ada = world.administrator()
    browser = Client()
    browser.force_login(ada)
    typed = {"name": "Web", "slug": "web", "repeat": "20", "when_nobody": "next_step", "earlier_steps": "go_on"}
    typed |= {"urgency": "high", "forgotten_hours": "12", "target_1": f"person:{ada.pk}", "wait_1": "0"}

    answer = browser.post("/setup/policies/", typed)

    assert answer.status_code == 422
    assert "without any wait" in answer.content.decode()


@pytest.mark.parametrize("steps", [1, 2])
def test_a_policy_of_before_that_repeats_without_any_wait_is_bound_where_it_runs(
    outbox: world.Outbox, steps: int
) -> None:
    mara = world.person("Mara Keller")
    policy = world.policy(*[(60, [mara])] * steps, repeat=3)
    policy.steps.update(wait_s=0)  # as it could be saved before

    page = world.page(policy)
    world.fast_forward(timedelta(minutes=5))

    assert sorted({seconds // 10 * 10 for _, seconds in told_of(page, outbox)}) == [0, 60, 120, 180]
    page.refresh_from_db()
    assert page.state == Page.State.UNANSWERED


def test_a_page_that_runs_by_such_a_policy_is_bound_too(outbox: world.Outbox) -> None:
    mara = world.person("Mara Keller")
    page = world.page(world.policy((60, [mara]), repeat=20))
    steps = [{**step, "wait_s": 0} for step in page.plan["steps"]]
    Page.objects.filter(pk=page.pk).update(plan={**page.plan, "steps": steps})

    world.fast_forward(timedelta(minutes=4, seconds=30))

    assert [seconds // 10 * 10 for _, seconds in told_of(page, outbox)] == [0, 60, 120, 180, 240]


def test_the_screen_of_such_a_policy_and_rest_say_so() -> None:
    ada = world.administrator()
    policy = world.policy((60, [ada]), repeat=3)
    policy.steps.update(wait_s=0)
    browser = Client()
    browser.force_login(ada)
    words = "It begins again without any wait, so 1 minute passes before each round. Give a step a wait and save it."

    shown = browser.get(f"/setup/policies/{policy.slug}/").content.decode()
    secret = people.issue_token(ada, name="t", scopes=["read", "configure"], days=9, actor=ada)[1]
    head = {"Authorization": f"Bearer {secret}"}
    told = Client().get(f"/api/v1/policies/{policy.slug}", headers=head).json()

    assert words in shown
    assert "1 minute after the last step" in shown
    assert words in told["warnings"]
    assert [step["wait_s"] for step in told["steps"]] == [0]


def test_a_step_that_means_nobody_is_warned_of_before_and_after_it_is_saved() -> None:
    browser = Client()
    browser.force_login(world.administrator())
    empty = world.team(name="Shelf")
    typed = {"name": "Web", "slug": "web", "repeat": "1", "when_nobody": "next_step", "earlier_steps": "go_on"}
    typed |= {"urgency": "high", "forgotten_hours": "12", "target_1": f"team:{empty.pk}", "wait_1": "5"}
    words = "Step 1 asks everybody in Shelf, which is nobody as things are."

    before = browser.post("/setup/policies/", typed | {"preview": "1"}).content.decode()
    saved = browser.post("/setup/policies/", typed)

    assert words in before
    assert saved.status_code == 302
    assert words in browser.get("/setup/policies/web/").content.decode()
