"""Files become runbooks; what was written here is not lost to them."""

from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner
from django.test import Client

from raglan.catalog.models import Service
from raglan.cli.runbooks import files_below
from raglan.cli.runbooks import runbooks as command
from raglan.people.models import Person
from raglan.runbooks import actions, importing, queries
from raglan.runbooks.actions import Draft
from raglan.runbooks.importing import File
from raglan.runbooks.models import Runbook

TEXT = "---\nservices: [httpd, unheard]\nneeds: [httpd, VPN]\nteam: nobody\n---\n# By hand\n\n1. Look\n"


@pytest.fixture
def take(mara: Person) -> Callable[..., importing.Taken]:
    def taken(text: str = TEXT, *, overwrite: bool = False) -> importing.Taken:
        return importing.take(File("web/hand.md", text), writer=actions.by(mara), overwrite=overwrite)

    return taken


Take = Callable[..., importing.Taken]


def test_a_file_becomes_a_runbook_and_says_what_is_not_known(take: Take, httpd: Service) -> None:
    taken = take()
    runbook = queries.runbook("web-hand")
    assert (taken.outcome, taken.unknown) == ("new", ("service unheard", "team nobody"))
    assert (runbook.title, runbook.text, list(runbook.services.all())) == ("By hand", "1. Look", [httpd])
    assert (list(runbook.needs.all()), runbook.needs_words) == ([httpd], "VPN")
    assert queries.version(runbook, 1).came_from == "imported from web/hand.md"


def test_the_same_again_changes_nothing_and_another_text_makes_a_version(take: Take) -> None:
    assert [take().outcome, take().outcome, take(TEXT + "2. Do").outcome] == ["new", "same", "changed"]
    assert queries.runbook("web-hand").version == 2


def test_what_was_changed_here_is_kept_unless_told_otherwise(take: Take, mara: Person) -> None:
    take()
    actions.rewrite(queries.runbook("web-hand"), Draft("Mine", "1. mine"), seen_version=1, writer=actions.by(mara))
    kept = take()
    assert (kept.outcome, kept.why) == ("kept", "web-hand was changed here")
    assert take(overwrite=True).outcome == "changed"
    assert queries.version(queries.runbook("web-hand"), 2).title == "Mine"


def test_what_was_written_or_removed_here_is_kept(take: Take, mara: Person) -> None:
    mine = actions.write_new(Draft("Mine", "1. mine", slug="web-hand"), writer=actions.by(mara))
    assert take().outcome == "kept"
    actions.remove(mine, writer=actions.by(mara))
    assert take().why == "web-hand was removed here"
    assert take(overwrite=True).outcome == "changed"
    assert queries.runbooks().get().title == "By hand"


def test_links_and_hidden_files_are_passed_over(tmp_path: Path) -> None:
    for name in ("b.md", "a.markdown", "c.txt", ".d.md", "in/e.md", ".git/f.md"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("1. a")
    (tmp_path / "secret.md").symlink_to("/etc/passwd")
    (tmp_path / "out").symlink_to("/etc")
    assert [path.relative_to(tmp_path).as_posix() for path in files_below(tmp_path)] == [
        "a.markdown",
        "b.md",
        "in/e.md",
    ]


def test_rest_writes_changes_and_follows(browser: Client, runbook: Runbook, mara: Person) -> None:
    found = browser.get("/api/v1/runbooks/put-it-back-by-hand").json()
    assert [step["number"] for step in found["steps"]] == [1, 2, 3]
    assert (found["services"], found["version"], found["followed_at"]) == (["httpd"], 1, None)
    assert browser.get("/api/v1/runbooks?q=httpd").json()[0]["slug"] == "put-it-back-by-hand"
    assert browser.get("/api/v1/runbooks/put-it-back-by-hand/versions").json()[0]["by"] == "Mara Keller"


def test_the_command_says_when_there_is_nothing_to_import(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("1. no Markdown")
    result = CliRunner().invoke(command, ["import", str(tmp_path)])
    assert result.exit_code == 1
    assert "There is no Markdown file below" in result.output
