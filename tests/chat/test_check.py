"""Whether a platform answers is told the same way on the screen and over REST."""

from collections.abc import Callable

import pytest
from django.test import Client

from raglan.chat import ports
from raglan.chat.models import Workspace
from raglan.testing import world
from tests.chat import memory

pytestmark = pytest.mark.django_db


def away(there: memory.There, chat: Workspace) -> str:
    there.is_away = True
    return "nobody answers"


def sealed_elsewhere(there: memory.There, chat: Workspace) -> str:
    Workspace.objects.filter(pk=chat.pk).update(secrets_sealed="sealed with a key that is gone")
    return "This was sealed with another signing key."


def not_installed(there: memory.There, chat: Workspace) -> str:
    ports.forget_platform("memory")
    return "No integration offers memory."


@pytest.mark.parametrize("trouble", [away, sealed_elsewhere, not_installed])
def test_what_is_in_the_way_is_told_in_words(
    client: Client, there: memory.There, chat: Workspace, trouble: Callable[[memory.There, Workspace], str]
) -> None:
    client.force_login(world.administrator())
    why = trouble(there, chat)
    over_rest = client.post(f"/api/v1/chat/{chat.pk}/check")
    assert (over_rest.status_code, over_rest.json()) == (200, {"ok": False, "words": why})
    if trouble is not not_installed:
        shown = client.post(f"/chat/{chat.pk}/check/", follow=True).content.decode()
        assert f"Team chat: {why.rstrip('.')}.<" in shown


def test_who_answers_says_as_whom_it_knows_us(client: Client, chat: Workspace) -> None:
    client.force_login(world.administrator())
    assert client.post(f"/api/v1/chat/{chat.pk}/check").json() == {"ok": True, "words": "@raglan:memory"}
    shown = client.post(f"/chat/{chat.pk}/check/", follow=True).content.decode()
    assert "Team chat answers, and knows us as @raglan:memory." in shown
