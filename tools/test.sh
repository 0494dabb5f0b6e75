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
workers=(-n "$(($(nproc) + 1))" --dist worksteal -q -o console_output_style=count)
status=0
say "tests on SQLite …"
"$PYTHON" -m pytest "${workers[@]}" || status=$?
say "tests of what touches the database, on PostgreSQL …"
RAGLAN_TEST_DATABASE_URL=postgres "$PYTHON" -m pytest "${workers[@]}" --database-only || status=$?
exit "$status"
