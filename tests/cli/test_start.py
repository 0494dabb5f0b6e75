import json
import os
import subprocess
import sys
from pathlib import Path

from raglan.cli import SERVING, TALKING

BUDGET_S = 0.150
FORBIDDEN = ("django", "pydantic", "ninja", "uvicorn")
LOOK = """
import sys, json
from raglan.cli import main
try:
    main(sys.argv[1:])
except SystemExit as ended:
    code = ended.code
print(json.dumps({"code": code, "modules": sorted({name.partition(".")[0] for name in sys.modules})}))
"""


def run(*arguments: str) -> dict[str, object]:
    env = {**os.environ, "RAGLAN_URL": "http://127.0.0.1:1", "RAGLAN_TOKEN": "rgl_none"}
    done = subprocess.run([sys.executable, "-c", LOOK, *arguments], env=env, capture_output=True, text=True, check=True)
    found = json.loads(done.stdout.splitlines()[-1])
    assert isinstance(found, dict)
    return found


def test_a_talking_command_imports_neither_django_nor_pydantic() -> None:
    for arguments in (["oncall"], ["heads-up", "I think I broke httpd"], ["ack"], ["--help"]):
        modules = run(*arguments)["modules"]
        assert isinstance(modules, list)
        assert not set(FORBIDDEN) & set(modules), arguments


def test_a_talking_command_starts_in_under_150_ms_of_cpu() -> None:
    env = {**os.environ, "RAGLAN_URL": "http://127.0.0.1:1", "RAGLAN_TOKEN": "rgl_none"}
    assert min(_cpu([sys.executable, "-m", "raglan", "oncall"], env) for _ in range(7)) < BUDGET_S


def _cpu(command: list[str], env: dict[str, str]) -> float:
    child = subprocess.Popen(command, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    used = os.wait4(child.pid, 0)[2]
    child.returncode = 1
    return used.ru_utime + used.ru_stime


def test_help_names_every_command() -> None:
    done = subprocess.run([sys.executable, "-m", "raglan", "--help"], capture_output=True, text=True, check=True)
    for name in (
        "serve",
        "demo",
        "doctor",
        "migrate",
        "backup",
        "restore",
        "config",
        "heads-up",
        "declare",
        "page",
        "ack",
    ):
        assert f"  {name} " in done.stdout


EXPLAIN = """
import sys
from raglan.cli import main
for name in sys.argv[1:]:
    try:
        main([name, "--help"])
    except SystemExit as ended:
        print("ended", name, ended.code or 0)
"""


def test_every_command_explains_itself(tmp_path: Path) -> None:
    names = [*TALKING, *SERVING]
    env = {**os.environ, "RAGLAN_DATA_DIR": str(tmp_path)}
    done = subprocess.run([sys.executable, "-c", EXPLAIN, *names], env=env, capture_output=True, text=True, check=True)
    rest = done.stdout
    for name in names:
        words, _, rest = rest.partition(f"ended {name} 0\n")
        assert words.startswith(f"Usage: raglan {name}"), done.stderr
    assert rest == ""


TOOLS = """
import json, sys
from raglan.cli import ready, serve
ready.prepare()
serve.leave_test_tools_out()
import raglan.urls
from django.urls import resolve, reverse
reverse("console:now")
screens_only = not [name for name in sys.modules if name.startswith("raglan.") and name.endswith("rest.rooms")]
found = resolve("/api/v1/incidents").route
left_out = not {"django.test", "django.test.utils"} & set(sys.modules)
import ninja.conf, django.core.signals
same = ninja.conf.setting_changed is django.core.signals.setting_changed
import django.test
print(json.dumps([screens_only, found, left_out, same, hasattr(django.test, "Client")]))
"""


def test_a_server_does_without_rest_until_it_is_asked_and_without_djangos_tools_for_tests(
    tmp_path: Path,
) -> None:
    env = {**os.environ, "RAGLAN_DATA_DIR": str(tmp_path)}
    done = subprocess.run([sys.executable, "-c", TOOLS], env=env, capture_output=True, text=True, check=True)
    assert json.loads(done.stdout) == [True, "api/v1/incidents", True, True, True]


LOOKS = """
import gc
from raglan.cli import ready
looks = []
gc.callbacks.append(lambda phase, _: looks.append(phase) if phase == "start" else None)
ready.prepare()
print(len(looks) <= 1, gc.isenabled())  # one may follow when all is loaded
"""


def test_nothing_looks_for_rubbish_among_what_is_being_loaded(tmp_path: Path) -> None:
    env = {**os.environ, "RAGLAN_DATA_DIR": str(tmp_path)}
    done = subprocess.run([sys.executable, "-c", LOOKS], env=env, capture_output=True, text=True, check=True)
    assert done.stdout == "True True\n"
