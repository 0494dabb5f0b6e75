"""The newer of two versions, by the rules of Debian and rpm."""

import shutil
import subprocess

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from raglan.fleet.versions import compare_deb, compare_rpm, is_same

DEB = st.from_regex(r"([0-2]:)?[0-9][0-9a-b.+~]{0,5}(-[0-9a-b.+~]{1,4})?", fullmatch=True)
RPM = st.from_regex(r"[0-9a-b.~^_]{1,6}", fullmatch=True)

RULE = [  # as rpm's own tests have them: the first against the second
    ("1.0", "1.0", 0),
    ("1.0", "2.0", -1),
    ("2.0.1", "2.0", 1),
    ("2.0.1a", "2.0.1", 1),
    ("5.5p1", "5.5p10", -1),
    ("10xyz", "10.1xyz", -1),
    ("xyz10", "xyz10.1", -1),
    ("xyz.4", "8", -1),
    ("5.5p2", "5.6p1", -1),
    ("6.5p1", "5.6p1", 1),
    ("6.0.rc1", "6.0", 1),
    ("10b2", "10a1", 1),
    ("1.0aa", "1.0a", 1),
    ("10.0001", "10.1", 0),
    ("10.0001", "10.0039", -1),
    ("4.999.9", "5.0", -1),
    ("20101121", "20101122", -1),
    ("2_0", "2.0", 0),
    ("a+", "a_", 0),
    ("1.0~rc1", "1.0", -1),
    ("1.0~rc1", "1.0~rc2", -1),
    ("1.0~rc1~git123", "1.0~rc1", -1),
    ("1.0^", "1.0", 1),
    ("1.0^git1", "1.0", 1),
    ("1.0^git1", "1.0^git2", -1),
    ("1.0^git1", "1.01", -1),
    ("1.0^20160101", "1.0.1", -1),
    ("1.0~rc1^git1", "1.0~rc1", 1),
    ("1.0^git1~pre", "1.0^git1", -1),
    ("2.4.6-40", "2.4.6-45", -1),
    ("1:2.4.6-40", "2.4.6-45", 1),
    ("0:2.4.6-40", "2.4.6-40", 0),
    ("2.4.6", "2.4.6-45", 0),
]


@pytest.mark.parametrize(("one", "other", "expected"), RULE)
def test_rpm_versions_are_compared_by_its_rule(one: str, other: str, expected: int) -> None:
    assert compare_rpm(one, other) == expected
    assert compare_rpm(other, one) == -expected


@settings(max_examples=8, deadline=None)
@given(st.lists(st.tuples(DEB, DEB), min_size=20, max_size=20))
def test_debian_versions_are_compared_as_dpkg_does(pairs: list[tuple[str, str]]) -> None:
    script = "".join(
        f"if dpkg --compare-versions '{a}' lt '{b}'; then echo -1; "
        f"elif dpkg --compare-versions '{a}' gt '{b}'; then echo 1; else echo 0; fi\n"
        for a, b in pairs
    )
    said = subprocess.run(["sh", "-c", script], capture_output=True, text=True, check=True).stdout.split()
    assert [compare_deb(a, b) for a, b in pairs] == [int(word) for word in said]


@settings(max_examples=6, deadline=None)
@given(st.lists(st.tuples(RPM, RPM), min_size=50, max_size=50))
def test_rpm_versions_are_compared_as_rpm_does(pairs: list[tuple[str, str]]) -> None:
    program = shutil.which("rpm")
    assert program, "There is no rpm here: `apt-get install rpm`."
    calls = " ".join(f"print(rpm.vercmp('{a}', '{b}') .. ' ')" for a, b in pairs)
    said = subprocess.run([program, "--eval", f"%{{lua:{calls}}}"], capture_output=True, text=True, check=True).stdout
    assert [compare_rpm(a, b) for a, b in pairs] == [int(word) for word in said.split()]


def test_an_epoch_of_nothing_may_be_left_out() -> None:
    assert is_same("0:2.4.62-1", "2.4.62-1", "deb")
    assert not is_same("1:2.4.62-1", "2.4.62-1", "deb")
