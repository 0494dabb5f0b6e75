from pathlib import Path

import pytest

from tools import wheel_check


@pytest.mark.slow
def test_the_wheel_holds_templates_migrations_and_browser_libraries(tmp_path: Path) -> None:
    assert list(wheel_check.content_faults(wheel_check.build(tmp_path))) == []
