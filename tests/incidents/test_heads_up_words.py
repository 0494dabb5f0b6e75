import pytest

from raglan.incidents import heads_up_words
from raglan.testing import world

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("I restarted httpd", ("I restarted httpd", "", "", [], [])),
        ("broke it; saw: 503; need: root ; services: httpd", ("broke it", "503", "root", ["httpd"], [])),
        (
            "broke it\nSAW: 503\nall over\nservice: Web shop, mail",
            ("broke it", "503\nall over", "", ["shop"], ["mail"]),
        ),
        ("saw: nothing answers", ("nothing answers", "nothing answers", "", [], [])),
        (
            "the log saw: that, see https://a.test/?did:1",
            ("the log saw: that, see https://a.test/?did:1", "", "", [], []),
        ),
        ("x; services: httpd SHOP", ("x", "", "", ["httpd", "shop"], [])),
        ("; ; need:", ("", "", "", [], [])),
        ('x; saw: "a; need: b" in the log', ("x", '"a; need: b" in the log', "", [], [])),
        ('x; services: "Web shop", “mail; need: it, now”', ("x", "", "", ["shop"], ["mail;", "need:", "it,", "now"])),
    ],
)
def test_words_and_labels(text: str, found: tuple[str, str, str, list[str], list[str]]) -> None:
    team = world.team()
    world.service("httpd", team)
    shop = world.service("shop", team)
    shop.name = "Web shop"
    shop.save()
    read = heads_up_words.read(text)
    warned = read.warned
    slugs = sorted(one.slug for one in warned.services)
    assert (warned.text, warned.saw, warned.need, slugs, read.unknown) == found
