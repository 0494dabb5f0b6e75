"""A room that a step tells hears of it also where that step finds nobody and the fallback is asked."""

import pytest

from raglan.chat.models import Workspace
from raglan.core.errors import DeliveryError
from raglan.paging import actions as paging
from raglan.paging import coming
from raglan.paging.models import ChatCall, WebhookCall
from raglan.paging.plan import Target
from raglan.people.models import Person
from raglan.testing import world
from tests.chat import memory
from tests.chat.conftest import send
from tests.chat.test_pages_in_rooms import ROOM, lines

pytestmark = pytest.mark.django_db
HOOK = "https://hooks.example.test/"


def test_a_room_is_told_of_a_step_that_finds_nobody_and_falls_back(
    chat: Workspace, there: memory.There, mara: Person, outbox: world.Outbox
) -> None:
    ada = world.administrator("Ada Lamb")
    mara.contact_methods.all().delete()
    told = (Target("chat", chat.pk, room=ROOM), Target("webhook", 0, HOOK))
    step = paging.StepDraft(600, (world.target(mara), *told))
    started = world.page(world.policy_of(step, slug="web"))
    send(chat)

    started.refresh_from_db()
    assert started.plan["policy"] == "fallback"
    assert ada in [reached.person for reached in started.reached.all()]
    assert ChatCall.objects.get().state == "handed_over"
    (line,) = lines(there)
    assert "It comes here by step 1 of the policy web." in line
    assert coming.policy_of(WebhookCall.objects.get()) == "web"


def test_a_room_that_can_not_be_told_for_now_is_told_after_the_fallback_began(
    chat: Workspace, there: memory.There, mara: Person, outbox: world.Outbox
) -> None:
    world.administrator("Ada Lamb")
    mara.contact_methods.all().delete()
    step = paging.StepDraft(600, (world.target(mara), Target("chat", chat.pk, room=ROOM)))
    there.is_away = True
    world.page(world.policy_of(step, slug="web"))
    with pytest.raises(DeliveryError):
        send(chat)
    assert ChatCall.objects.get().state == "waiting"

    there.is_away = False
    send(chat)

    assert len(lines(there)) == 1
