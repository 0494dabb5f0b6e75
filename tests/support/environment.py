"""Gives each test process its own data folder and database before Django reads its settings.

It is loaded by `-p tests.support.environment`, which pytest reads before any plugin; a conftest would come too late, as
pytest-django looks at the settings first.
"""

import atexit
import os
import shutil
import tempfile
from pathlib import Path

_data = Path(tempfile.mkdtemp(prefix="raglan-test-"))
atexit.register(shutil.rmtree, _data, ignore_errors=True)
for _name in [name for name in os.environ if name.startswith("RAGLAN_") and not name.startswith("RAGLAN_TEST_")]:
    del os.environ[_name]
os.environ["RAGLAN_DATA_DIR"] = str(_data)
os.environ["RAGLAN_CONFIG"] = str(_data / "raglan.toml")
os.environ["RAGLAN_ALLOW_NETWORKS"] = "127.0.0.0/8"
os.environ["RAGLAN_SMTP_URL"] = ""

if os.environ.get("RAGLAN_TEST_DATABASE_URL"):
    from tests.support import pg

    os.environ["RAGLAN_DATABASE_URL"] = pg.url_for_tests(os.environ["RAGLAN_TEST_DATABASE_URL"])
