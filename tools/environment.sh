#!/usr/bin/env bash
# Make .venv from a lock file (`run` or `dev`) and put raglan into it; quick when nothing has changed.
# `tests` is `dev`, and .venv-salt beside it: a real Salt for one test, whose packages are its own. `salt` makes that only.
set -euo pipefail
. "$(dirname "$0")/lib.sh"

kind=${1:-run}

find_python() {
    local candidate
    for candidate in python3 python3.13 python3.12 python3.11; do
        if "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
            command -v "$candidate"
            return
        fi
    done
    fail "raglan needs Python 3.11 or newer. On Debian: apt-get install python3 python3-venv"
}

make_environment() {
    local base
    [ -x "$PYTHON" ] && "$PYTHON" -c 'import pip' 2>/dev/null && return
    base=$(find_python)
    if ! "$base" -c 'import ensurepip, venv' 2>/dev/null; then
        debian "a virtual environment" python3-venv
    fi
    step "making a virtual environment with $("$base" --version)" "$base" -m venv --clear .venv
}

# install LOCK...: only when the lock files differ from those installed last.
install() {
    local stamp=.venv/.locked-$1 now
    shift
    now=$(fingerprint "$@")
    [ -f "$stamp" ] && [ "$(cat "$stamp")" = "$now" ] && return
    local files=() file
    for file in "$@"; do files+=(-r "$file"); done
    step "installing packages by $* (a minute or two the first time)" \
        "$PYTHON" -m pip install --quiet --require-hashes --no-deps --no-compile "${files[@]}"
    # pip would do this file by file, on one core.
    step "compiling them" "$PYTHON" -m compileall -qq -j 0 .venv/lib
    echo "$now" >"$stamp"
}

install_raglan() {
    local stamp=.venv/.raglan now
    now=$(fingerprint pyproject.toml hatch_build.py)
    [ -f "$stamp" ] && [ "$(cat "$stamp")" = "$now" ] && return
    step "installing raglan from this folder" "$PYTHON" -m pip install --quiet --no-deps --no-build-isolation --editable .
    echo "$now" >"$stamp"
}

install_salt() {
    local stamp=.venv-salt/.locked now base
    now=$(fingerprint requirements-salt.lock)
    [ -f "$stamp" ] && [ "$(cat "$stamp")" = "$now" ] && return
    base=$(find_python)
    step "making an environment for Salt" "$base" -m venv --clear .venv-salt
    # Most of it is never loaded, so none of it is compiled beforehand.
    step "installing Salt for the tests (a minute the first time)" \
        .venv-salt/bin/python -m pip install --quiet --require-hashes --no-deps --no-compile -r requirements-salt.lock
    echo "$now" >"$stamp"
}

if [ "$kind" = salt ]; then
    install_salt
    exit
fi
make_environment
salt=
if [ "$kind" = tests ]; then
    install_salt &
    salt=$!
fi
case $kind in
    dev | tests) install dev requirements-dev.lock ;;
    *)
        [ -f .venv/.locked-dev ] && [ "$(cat .venv/.locked-dev)" = "$(fingerprint requirements-dev.lock)" ] \
            || install run requirements.lock
        command -v npm >/dev/null || install node requirements-node.lock
        ;;
esac
install_raglan
step "browser libraries" "$PYTHON" -m raglan.ui.build
[ -z "$salt" ] || wait "$salt"
