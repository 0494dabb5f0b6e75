#!/usr/bin/env bash
# Start raglan from this folder: with the story (default) or empty.
set -euo pipefail
. "$(dirname "$0")/lib.sh"

tools/environment.sh run
export RAGLAN_DATA_DIR=${RAGLAN_DATA_DIR:-$PWD/var}
step "database" .venv/bin/raglan migrate
say "starting raglan; Ctrl-C ends it, and the data stays in ${RAGLAN_DATA_DIR#"$PWD"/}"
if [ "${1:-story}" = empty ]; then
    [ ! -e "$RAGLAN_DATA_DIR/demo.json" ] ||
        say "that is the demonstration's; RAGLAN_DATA_DIR=\$PWD/var/empty make run-empty starts without it"
    exec .venv/bin/raglan serve
fi
exec .venv/bin/raglan demo --serve ${DEMO_OPTIONS:-}
