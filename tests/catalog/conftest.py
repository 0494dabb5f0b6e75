from pathlib import Path

import pytest
from django.conf import settings


@pytest.fixture(autouse=True, scope="session")
def _a_folder_for_static_files() -> None:
    """Serve requests from a checkout that was never built, without a warning."""
    Path(settings.STATIC_ROOT).mkdir(parents=True, exist_ok=True)
