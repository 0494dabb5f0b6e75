"""`raglan chat` takes Slack's archive, says at once by which import lines come, and lets one go on."""

import json
import zipfile
from pathlib import Path

import pytest
from click.testing import CliRunner

from raglan.cli import client as over_rest
from raglan.cli.chat import chat as command
from raglan.core.decode import Json
from tests.chat.test_whole_imports import EXPORT

TWO = "2026-05-04 14:02 Rowan: it is mine\n2026-05-04 15:30 Jun: it is over\n"


@pytest.fixture
def archive(tmp_path: Path) -> str:
    path = tmp_path / "export.zip"
    with zipfile.ZipFile(path, "w") as packed:
        for name, content in EXPORT.items():
            packed.writestr(name, content if isinstance(content, str) else json.dumps(content))
    return str(path)


def test_slacks_archive_is_taken_as_it_comes(archive: str) -> None:
    words = ["import", archive, "--incident", "7", "--preview"]
    asked = CliRunner().invoke(command, words)
    assert (asked.exit_code, asked.output) == (
        1,
        "Error: export.zip: channel: say which one: export.zip holds general, inc\n",
    )
    shown = CliRunner().invoke(command, [*words, "--channel", "#inc"], catch_exceptions=False).output
    assert "3 lines, read as slack" in shown
    assert "Rowan Ellis: it is mine" in shown
    assert "lunch?" not in shown


def test_a_channel_is_named_only_where_something_holds_channels(archive: str, tmp_path: Path) -> None:
    text, plain = tmp_path / "chat.txt", tmp_path / "plain.zip"
    text.write_text(TWO)
    with zipfile.ZipFile(plain, "w") as packed:
        packed.writestr("chat.txt", TWO)
    words = ["--incident", "7", "--preview", "--channel", "inc"]
    refused = CliRunner().invoke(command, ["import", str(text), *words])
    assert (refused.exit_code, refused.output) == (
        1,
        "Error: channel: is for the archive of an export (.zip) that holds several; here is none, so leave it out\n",
    )
    refused = CliRunner().invoke(command, ["import", str(plain), *words])
    assert (refused.exit_code, refused.output) == (
        1,
        "Error: plain.zip: channel: is for an archive with a folder for each; plain.zip has none, so leave it out\n",
    )
    both = CliRunner().invoke(command, ["import", archive, str(text), *words], catch_exceptions=False)
    assert (both.exit_code, both.output.count("lines, read as")) == (0, 2)


@pytest.mark.parametrize("where", [["--incident", "7"], ["--new", "Apache was down"]])
def test_a_failure_midway_leaves_the_number_of_the_import(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, where: list[str]
) -> None:
    monkeypatch.setattr("raglan.cli.chat.AT_ONCE", 1)
    sent = list[object]()

    def send(path: str, body: dict[str, Json]) -> dict[str, Json]:
        sent.append(body["import_id"])
        if len(sent) == 2:
            raise OSError("the line was cut")
        return {"new": 1, "known": 0, "import_id": 12}

    monkeypatch.setattr(over_rest, "post", send)
    (tmp_path / "chat.txt").write_text(TWO)
    result = CliRunner().invoke(command, ["import", str(tmp_path / "chat.txt"), *where])
    assert (sent, result.exit_code) == ([None, 12], 1)
    assert result.output == "Import 12: raglan chat take-out 12 takes all of it out again.\n"


def test_one_that_stopped_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = list[str]()

    def send(path: str, body: dict[str, Json]) -> dict[str, Json]:
        asked.append(path)
        made = {"platform": "slack", "made_at": "2026-05-04", "by": "Mara"}
        return {"id": 12, "state": "coming", "new": 50, "total": 400, **made}

    monkeypatch.setattr(over_rest, "post", send)
    result = CliRunner().invoke(command, ["go-on", "12"])
    assert asked == ["/chat-imports/12/go-on"]
    assert result.output == "12: 50 of 400 lines came in so far. slack, 2026-05-04, Mara\n"
