"""A long list of choices folds, and is narrowed by a part of what its choices say."""

import pytest
from django import forms
from playwright.sync_api import Browser, expect

from raglan.people.forms import Form
from tests.support import browser as screens
from tests.ui.fake_server import World
from tests.ui.render import Reader, render

pytestmark = pytest.mark.e2e
PAGE = """{% extends "ui/base.html" %}{% block main %}<h1>Who</h1><form method="post">
<c-field :field="form.few" /><c-field :field="form.many" ALL/><button>Save</button></form>{% endblock %}"""


class Chosen(Form):
    """A short list and a long one."""

    few = forms.MultipleChoiceField(choices=[("a", "Ada"), ("b", "Bo")], widget=forms.CheckboxSelectMultiple)
    many = forms.MultipleChoiceField(
        choices=[(str(number), f"Person {number:03}") for number in range(200)], widget=forms.CheckboxSelectMultiple
    )


def test_a_long_list_is_narrowed_and_what_is_chosen_stays_chosen(browser: Browser, world: World, address: str) -> None:
    world.pages["/who/"] = render(
        PAGE.replace("ALL", 'all="yes" '), {"form": Chosen(initial={"many": ["3", "150"]})}, reader=Reader()
    )
    with screens.browser_page(browser, base_url=address, bypass_csp=True) as page:
        page.goto("/who/")
        expect(page.locator("[data-narrow]")).to_have_count(1)
        expect(page.get_by_text("192 more, 1 chosen")).to_be_visible()
        find = page.get_by_label("Find in this list")
        find.fill("person 15")
        expect(page.get_by_role("status").filter(has_text="10 of 200")).to_be_visible()
        expect(page.get_by_label("Person 150")).to_be_checked()
        expect(page.get_by_label("Person 003")).to_be_hidden()
        page.get_by_role("button", name="Choose all").click()
        find.press("Enter")
        assert world.posts == []
        assert screens.axe(page) == []
        find.fill("person 151")
        page.get_by_role("button", name="Choose none").click()
        find.fill("")
        expect(page.get_by_label("Person 003")).to_be_visible()
        chosen = page.locator("[name=many]:checked").evaluate_all("boxes => boxes.map(box => box.value)")
        assert chosen == ["3", "150", *(str(number) for number in range(152, 160))]
        expect(page.get_by_text("192 more, 9 chosen")).to_be_visible()
        page.get_by_label("Person 150").uncheck()
        expect(page.get_by_text("192 more, 8 chosen")).to_be_visible()
        for button, said in (("Choose all", "192 more, all chosen"), ("Choose none", "192 more")):
            page.get_by_role("button", name=button).click()
            expect(page.locator("fieldset summary")).to_have_text(said)


def test_the_word_to_find_stays_when_another_page_of_a_list_is_opened(
    browser: Browser, world: World, address: str
) -> None:
    older = PAGE.replace(
        "<button>Save", '<a href="?many_before=7">Older ones</a><a href="?">The newest</a><button>Save'
    )
    world.pages["/who/"] = render(older.replace("ALL", ""), {"form": Chosen()}, reader=Reader())
    with screens.browser_page(browser, base_url=address) as page:
        page.goto("/who/")
        find, told = page.get_by_label("Find in this list"), page.get_by_role("status").filter(has_text="of 200")
        find.fill("person 15")
        page.get_by_role("link", name="Older ones").click()
        page.wait_for_url("**/who/?many_before=7*")
        expect(find).to_have_value("person 15")
        expect(told).to_have_text("10 of 200")
        page.get_by_role("link", name="The newest").click()
        page.wait_for_url(lambda url: "many_before" not in url)
        expect(told).to_have_text("10 of 200")
        find.fill("")
        page.get_by_role("link", name="The newest").click()
        page.wait_for_url(lambda url: "find" not in url)
        expect(told).to_have_count(0)


def test_where_all_of_it_is_hardly_meant_nothing_chooses_all(browser: Browser, world: World, address: str) -> None:
    world.pages["/who/"] = render(PAGE.replace("ALL", ""), {"form": Chosen()}, reader=Reader())
    with screens.browser_page(browser, base_url=address) as page:
        page.goto("/who/")
        expect(page.get_by_label("Find in this list")).to_be_visible()
        expect(page.get_by_role("button", name="Choose all")).to_have_count(0)


def test_without_script_a_long_list_folds_and_has_no_field_to_find_in(
    browser: Browser, world: World, address: str
) -> None:
    world.pages["/who/"] = render(PAGE.replace("ALL", ""), {"form": Chosen()}, reader=Reader())
    with screens.browser_page(browser, base_url=address, script=False) as page:
        page.goto("/who/")
        expect(page.get_by_label("Find in this list")).to_be_hidden()
        expect(page.get_by_label("Person 199")).to_be_hidden()
        page.get_by_text("192 more").click()
        page.get_by_label("Person 199").check()
