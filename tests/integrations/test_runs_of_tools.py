"""Reports of Puppet, Chef, Ansible and Salt become runs that read alike."""

import contextlib
import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from raglan.core.errors import BadInput
from raglan.fleet.ports import MoveTold, Outcome, RunRequest, RunTold, ServiceTold, decoder_of
from raglan.integrations.ansible import packages
from raglan.integrations.puppet import ruby_yaml

PAYLOADS = Path(__file__).parent / "payloads"
KINDS = ("puppet", "chef", "ansible", "salt")
HTTPD = MoveTold("httpd", "2.4.6-40", "2.4.6-45")


def payload(name: str) -> bytes:
    return (PAYLOADS / name).read_bytes()


def read(kind: str, body: bytes | dict[str, object]) -> list[RunTold]:
    decoder = decoder_of(kind)
    assert decoder is not None, kind
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return list(decoder.decode(RunRequest(f"/runs/{kind}", {}, raw)))


def changed(name: str, **fields: object) -> dict[str, object]:
    return {**json.loads(payload(name)), **fields}


def test_a_report_of_puppet_says_what_moved_what_failed_and_what_a_file_was() -> None:
    (run,) = read("puppet", payload("puppet_failed.yaml"))
    assert (run.tool, run.key, run.outcome) == ("puppet", "3328a952-1f01-4258-b4ec-ff59c7f40aaa", Outcome.FAILED)
    assert (run.host.name, run.host.environment) == ("web17.willowfield.example", "production")
    assert run.started_at is not None
    assert run.ended_at is not None
    assert (run.ended_at - run.started_at).seconds == 3
    assert list(run.moves) == [HTTPD, MoveTold("telnet", "0.17-64", "")]  # which version "present" is, nobody said
    assert list(run.services) == [ServiceTold("httpd", "failed")]
    steps = {step.name: step for step in run.steps}
    assert list(steps) == [
        "Package[httpd]",
        "Package[tree]",
        "Package[telnet]",
        "File[/etc/httpd/conf.d/proxy.conf]",
        "Service[httpd]",
    ]
    assert "+timeout=60" in steps["File[/etc/httpd/conf.d/proxy.conf]"].sentence
    assert "by hand" in steps["File[/etc/httpd/conf.d/proxy.conf]"].sentence
    assert run.words.startswith("13 resources: 4 changed, 1 failed, 1 skipped\nchange from 'stopped'")


def test_a_noop_of_puppet_is_a_rehearsal_whatever_it_would_do() -> None:
    body = payload("puppet_failed.yaml").replace(b"\nnoop: false", b"\nnoop: true")
    (run,) = read("puppet", body.replace(b"status: success", b"status: noop"))
    assert (run.outcome, run.moves, run.services) == (Outcome.REHEARSED, (), ())
    assert run.steps[0].outcome is Outcome.REHEARSED


def test_ruby_tags_make_nothing_and_aliases_can_not_grow() -> None:
    assert ruby_yaml.read(b"--- !ruby/object:Gem::Installer\na: !ruby/sym b\nc: [!binary aMOk]\n") == {
        "a": "b",
        "c": ["hä"],
    }
    bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n" + "".join(
        f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 9)
    )
    for hostile in (bomb, "a: &a [*a]", "a: *b", "[" * 2_000, "a: [", "", "- x\n" * 300_001):
        with pytest.raises(BadInput):
            ruby_yaml.read(hostile.encode())


def test_a_converged_run_of_chef_says_the_same() -> None:
    (run,) = read("chef", payload("chef_converge.json"))
    assert (run.key, run.outcome) == ("5d6b27f9-3aab-4f92-a7fc-431a553ba5c6", Outcome.FAILED)
    host = run.host
    assert (host.machine, host.role, host.environment) == ("7c5f0d5d2f8e4bb2", "web", "production")
    assert (host.system, host.tags) == ("centos 7.9", ("canary",))
    assert list(run.moves) == [HTTPD, MoveTold("telnet", "0.17-64", "")]
    assert list(run.services) == [ServiceTold("httpd", "failed")]
    assert run.version == "base 3.1.0, httpd 0.4.2"
    assert [step.outcome for step in run.steps] == [Outcome.CHANGED] * 4 + [Outcome.FAILED]
    assert run.steps[0].sentence.endswith("-timeout=45\n+timeout=60")
    assert run.words.startswith("6 resources: 4 updated, 1 failed\nservice[httpd]")


def test_chef_and_salt_tell_the_cluster_where_it_is_set() -> None:
    sides = {"default": {"cluster": "east"}, "normal": {"tags": ["a"], "cluster": ""}, "override": {"cluster": ["x"]}}
    said = {"message_type": "run_converge", "run_id": "r1", "node_name": "web17", "status": "success", "node": sides}
    (run,) = read("chef", said)
    assert (run.host.cluster, run.host.tags) == ("east", ("a",))
    assert run.words == "it told of no resource"
    (run,) = read("chef", {**said, "node": {**sides, "override": {"cluster": "west"}}})
    assert run.host.cluster == "west"
    (run,) = read("salt", changed("salt_return.json", grains={"cluster": "east", "roles": ["web"]}))
    assert (run.host.cluster, run.host.role) == ("east", "web")


def test_chef_tells_of_a_start_and_of_what_is_no_run() -> None:
    start = {"message_type": "run_start", "run_id": "r1", "node_name": "web17", "start_time": "2026-11-23T07:46:26Z"}
    (run,) = read("chef", start)
    assert (run.outcome, run.key, run.ended_at) == (Outcome.STARTED, "r1", None)
    assert read("chef", {"message_type": "action", "node_name": "web17"}) == []


def test_a_play_book_is_a_run_of_each_of_its_hosts() -> None:
    web17, web18, db01 = read("ansible", payload("ansible_run.json"))
    assert [run.outcome for run in (web17, web18, db01)] == [Outcome.CHANGED, Outcome.FAILED, Outcome.FAILED]
    assert web17.key == "0d4e8f2a-5b7e-4a53-8f54-3a0f9b8f2f11:web17"
    assert (web17.host.machine, web17.host.cluster, web17.host.tags) == ("7c5f0d5d2f8e4bb2", "fra1", ("web",))
    assert list(web17.moves) == [
        MoveTold("apache2-bin", "2.4.61-1~deb12u1", "2.4.62-1~deb12u2"),
        MoveTold("libapr1", "", "1.7.2-3", "amd64"),
        MoveTold("telnet", "0.17-64", ""),
    ]
    assert list(web17.services) == [ServiceTold("apache2", "active")]
    assert web17.steps[3].outcome is Outcome.REHEARSED
    assert "tree 1.8.0-1 → 2.1.0-1" in web17.steps[3].sentence
    assert list(web18.moves) == [MoveTold("httpd", "1:2.4.53-11.el9", "1:2.4.57-5.el9", "x86_64")]
    assert list(web18.services) == [ServiceTold("httpd", "failed")]
    assert db01.steps[0].sentence == "could not be reached"


def test_a_check_run_of_ansible_moves_nothing() -> None:
    run = read("ansible", changed("ansible_run.json", check=True))[0]
    assert (run.outcome, run.moves, run.services) == (Outcome.REHEARSED, (), ())
    assert run.steps[0].outcome is Outcome.REHEARSED
    assert "rehearsal" in run.words


def test_yum_says_in_its_own_words_what_moved() -> None:
    lines = [
        "  Updating   : httpd-2.4.6-45.el7.centos.x86_64                     1/2 ",
        "  Cleanup    : httpd-2.4.6-40.el7.centos.x86_64                     2/2 ",
        "  Installing : 12:dhcp-libs-4.2.5-58.el7.x86_64                     1/1 ",
    ]
    assert packages.moves(lines) == [
        MoveTold("httpd", "2.4.6-40.el7.centos", "2.4.6-45.el7.centos", "x86_64"),
        MoveTold("dhcp-libs", "", "12:4.2.5-58.el7", "x86_64"),
    ]


def test_a_return_of_salt_is_judged_by_its_results() -> None:
    (run,) = read("salt", payload("salt_return.json"))
    assert (run.outcome, run.key) == (Outcome.FAILED, "20261123075401557539:web17.willowfield.example")
    assert (run.host.machine, run.host.role, run.host.system) == ("7c5f0d5d2f8e4bb2", "web", "Debian 12")
    assert list(run.moves) == [MoveTold("apache2", "2.4.61-1", "2.4.62-1"), MoveTold("libapr1", "", "1.7.2-3")]
    assert list(run.services) == [ServiceTold("apache2", "failed")]
    assert [step.name for step in run.steps] == [
        "pkg.installed apache2",
        "file.managed /etc/apache2/proxy.conf",
        "service.running apache2",
    ]
    assert run.version == "httpd"


def test_a_test_of_salt_is_a_rehearsal_and_a_ping_is_no_run() -> None:
    (run,) = read("salt", changed("salt_return.json", fun_args=["httpd", "test=True"]))
    assert (run.outcome, run.moves) == (Outcome.REHEARSED, ())
    assert read("salt", {"id": "web17", "jid": "1", "fun": "test.ping", "return": True}) == []
    (moved,) = read(
        "salt", {"id": "web17", "jid": "2", "fun": "pkg.upgrade", "return": {"a": {"old": "1", "new": "2"}}}
    )
    assert (moved.outcome, list(moved.moves)) == (Outcome.CHANGED, [MoveTold("a", "1", "2")])
    (broken,) = read(
        "salt", {"id": "web17", "jid": "3", "fun": "state.apply", "return": ["Rendering failed"], "retcode": 1}
    )
    assert (broken.outcome, broken.words) == (Outcome.FAILED, "Rendering failed")


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "body", [b"", b"\xff\xfe", b"[]", b"{}", b"null", b"[" * 100_000, b'{"a":' * 40, b'{"host":1}']
)
def test_what_is_no_run_is_refused_or_nothing(kind: str, body: bytes) -> None:
    with contextlib.suppress(BadInput):
        assert read(kind, body) == []


JSONS = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.text(max_size=5) | st.floats(allow_nan=False),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=5,
)


CUTS = {
    "puppet_failed.yaml": ("puppet", 7),
    "chef_converge.json": ("chef", 7),
    "ansible_run.json": ("ansible", 7),
    "salt_return.json": ("salt", 7),
}


@pytest.mark.parametrize("name", CUTS)
def test_a_report_that_is_cut_off_is_refused_or_tells_all_the_same(name: str) -> None:
    kind, step = CUTS[name]
    body = payload(name).rstrip()
    whole, refused = read(kind, body), []
    for end in (*range(0, len(body), step), len(body) - 1):
        try:
            found = read(kind, body[:end])
        except BadInput as error:
            refused.append((error.status, bool(str(error))))
        else:  # behind what counts, Puppet tells of its catalogue
            assert (name, found) == ("puppet_failed.yaml", whole)
            assert body[:end].count(b"\ncorrective_change: ") == 1
    assert {status // 100 for status, _ in refused} == {4}
    assert all(has_words for _, has_words in refused)


def test_an_old_report_of_puppet_is_whole_when_it_names_all_its_resources() -> None:
    body = payload("puppet_failed.yaml").partition(b"\ncorrective_change")[0] + b"\n"
    old = body.replace(b"report_format: 12", b"report_format: 5")
    with pytest.raises(BadInput, match="cut off"):
        read("puppet", old)
    statuses = len(ruby_yaml.read(old)["resource_statuses"])  # type: ignore[index]  # a report
    assert read("puppet", old.replace(b"- 13\n", f"- {statuses}\n".encode(), 1))


@settings(max_examples=40, deadline=None)
@given(st.sampled_from(KINDS), st.data())
def test_any_value_in_any_place_is_read_or_refused(kind: str, data: st.DataObject) -> None:
    name = {"puppet": "puppet_failed.yaml", "chef": "chef_converge.json", "ansible": "ansible_run.json"}
    raw = payload(name.get(kind, "salt_return.json"))
    value = ruby_yaml.read(raw) if kind == "puppet" else json.loads(raw)
    place = value
    for _level in range(data.draw(st.integers(0, 4))):
        inner = [
            one
            for one in (place.values() if isinstance(place, dict) else place)
            if isinstance(one, dict | list) and one
        ]
        if not inner:
            break
        place = data.draw(st.sampled_from(inner))
    key = data.draw(st.sampled_from(sorted(place))) if isinstance(place, dict) else 0
    place[key] = data.draw(JSONS)
    try:
        runs = read(kind, json.dumps(value).encode())
    except BadInput:
        return
    for run in runs:
        assert run.host.name
        assert run.key
        assert all(isinstance(move.new, str) and len(move.new) <= 200 for move in run.moves)
