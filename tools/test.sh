#!/usr/bin/env bash
# Install what the tests need, then run them on SQLite and what touches the database on PostgreSQL too.
# Arguments go to pytest, for the run on SQLite only: tools/test.sh tests/paging -x
set -euo pipefail
. "$(dirname "$0")/lib.sh"

tools/environment.sh tests
debian "the tests" chromium fonts-dejavu-core prometheus prometheus-alertmanager nagios4-core zabbix-server-pgsql baresip-core ngircd espeak-ng sox gcc libc6-dev puppet-agent createrepo-c rpm dpkg-dev apache2-bin dnf dnf-plugins-core systemd curl rsync
(debian "quicker tests" chromium-headless-shell) || say "the tests use the whole of Chromium"
if [ "$#" -gt 0 ]; then
    exec "$PYTHON" -m pytest "$@"
fi
# One worker more than cores: many tests wait for a server, a browser or the end of a moment.
workers=(-n "$(($(nproc) + 1))" --dist worksteal -o console_output_style=count)
MOST_UNSTEADY=3

# on NAME OPTIONS...: run the tests. Few that fail are run once more, alone; docs/decisions/0023 says why and for how long.
on() {
    local cache=.pytest_cache/$1 status=0 failed
    shift
    rm -rf "$cache"
    "$PYTHON" -m pytest -q -o cache_dir="$cache" "${workers[@]}" "$@" || status=$?
    [ "$status" = 1 ] || return "$status"
    failed=$("$PYTHON" -c 'import json, sys; print(len(json.load(open(sys.argv[1]))))' "$cache/v/cache/lastfailed")
    [ "$failed" -le "$MOST_UNSTEADY" ] || return 1
    say "failed: $failed; once more, alone. What passes now is unsteady, named above, and to be mended first …"
    "$PYTHON" -m pytest -q -o cache_dir="$cache" --last-failed "$@"
}

status=0
say "tests on SQLite …"
on sqlite || status=$?
say "tests of what touches the database, on PostgreSQL …"
RAGLAN_TEST_DATABASE_URL=postgres on postgres --database-only || status=$?
exit "$status"
