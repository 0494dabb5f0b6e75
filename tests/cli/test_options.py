from pathlib import Path

import pytest
from click.testing import CliRunner

from raglan.cli import options
from raglan.config import Config

ROOT = Path(__file__).resolve().parents[2]


def test_the_reference_page_is_in_step_with_the_options() -> None:
    assert (ROOT / "docs" / "reference" / "config.md").read_text() == options.markdown()


def test_the_reference_page_names_every_option_with_a_meaning() -> None:
    page = options.markdown()
    for name, field in Config.model_fields.items():
        assert f"| `{name}` |" in page
        assert field.description, name


def test_options_that_fit_are_called_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RAGLAN_SMTP_URL", "smtp://127.0.0.1:25")
    monkeypatch.delenv("RAGLAN_CONFIG")
    assert list(options.complaints()) == []


def test_a_misspelt_variable_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RAGLAN_SMPT_URL", "smtp://127.0.0.1:25")
    assert "RAGLAN_SMPT_URL: there is no such option." in list(options.complaints())


def test_a_misspelt_line_of_the_file_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    file = tmp_path / "raglan.toml"
    file.write_text("prot = 8000\n")
    monkeypatch.setenv("RAGLAN_CONFIG", str(file))
    assert f"{file}: there is no option prot." in list(options.complaints())


@pytest.mark.parametrize(
    ("name", "value", "line"),
    [
        ("RAGLAN_PORT", "many", "port: "),
        ("RAGLAN_PUBLIC_URL", "raglan", "options: public_url: "),
        ("RAGLAN_HOST", "0.0.0.0", "options: public_url: raglan listens beyond this machine"),
        ("RAGLAN_ALLOW_DATA_LOSS", "true", "allow_data_loss: "),
        ("RAGLAN_SMTP_URL", "", "smtp_url: "),
    ],
)
def test_what_does_not_fit_is_said_in_one_line(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, line: str
) -> None:
    monkeypatch.setenv(name, value)
    assert any(said.startswith(line) for said in options.complaints()), list(options.complaints())


def test_the_demo_is_for_loopback_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RAGLAN_HOST", "0.0.0.0")
    monkeypatch.setenv("RAGLAN_PUBLIC_URL", "http://127.0.0.1:8000")
    monkeypatch.setenv("RAGLAN_DEMO", "true")
    assert any(said.startswith("demo: ") for said in options.complaints())


def test_an_address_for_people_that_ends_at_this_machine_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RAGLAN_HOST", "0.0.0.0")
    monkeypatch.setenv("RAGLAN_PUBLIC_URL", "http://127.0.0.1:8000")
    assert any(said.startswith("public_url: ") for said in options.complaints())


def test_checking_exits_with_1_when_something_does_not_fit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RAGLAN_PORT", "many")
    assert CliRunner().invoke(options.config, ["check"]).exit_code == 1


def test_the_page_can_be_written_to_a_file(tmp_path: Path) -> None:
    target = tmp_path / "config.md"
    assert CliRunner().invoke(options.config, ["reference", "--output", str(target)]).exit_code == 0
    assert target.read_text() == options.markdown()
