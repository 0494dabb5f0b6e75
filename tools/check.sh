#!/usr/bin/env bash
# Everything that can be said without running the product. All of it runs; the exit code tells whether all was well.
set -uo pipefail
. "$(dirname "$0")/lib.sh"

tools/environment.sh dev || exit 1
bad=()
data=$(mktemp -d)
trap 'rm -rf "$data"' EXIT
export RAGLAN_DATA_DIR=$data

try() {
    local text=$1
    shift
    say "$text …"
    "$@" || bad+=("$text")
}

# The wheel waits for packages most of the time, so it is made beside the rest and told of when its turn comes.
say "the wheel in a clean environment, beside the rest …"
"$PYTHON" tools/wheel_check.py >"$data/wheel" 2>&1 &
wheel=$!

the_wheel() {
    local status=0
    wait "$wheel" || status=$?
    cat "$data/wheel"
    return "$status"
}

try "format" "$PYTHON" -m ruff format --check --quiet .
try "lint" "$PYTHON" -m ruff check --quiet .
try "types" "$PYTHON" -m mypy
try "layers" .venv/bin/lint-imports
try "lock files, fragments and names" "$PYTHON" tools/tree_check.py
try "generated pages" "$PYTHON" tools/reference.py --check
try "migrations" "$PYTHON" -m django makemigrations --check --dry-run
try "changelog" sh -c '.venv/bin/towncrier build --draft --version next >/dev/null'
try "the wheel" the_wheel
if [ "${#bad[@]}" -gt 0 ]; then
    fail "Not well: $(printf '%s; ' "${bad[@]}")"
fi
say "all checks are fine"
