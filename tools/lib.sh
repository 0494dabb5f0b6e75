# Shared by the scripts in this folder: where we are, one progress line for each long step, and rights.
cd "$(dirname "${BASH_SOURCE[0]}")/.."
export DJANGO_SETTINGS_MODULE=raglan.settings PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_INPUT=1
unset PYTHONDONTWRITEBYTECODE # hundreds of processes start here, and each would read all of the source anew
PYTHON=.venv/bin/python
INTERACTIVE=$([ -t 0 ] && echo yes || echo no) # before anything is redirected: may sudo ask somebody?
STARTED=$(date +%s)

say() { printf '[%4d s] %s\n' "$(($(date +%s) - STARTED))" "$*"; }

fail() {
    printf '\n%s\n' "$*" >&2
    exit 1
}

# step TEXT COMMAND...: run quietly; show the end of the output only when it fails.
step() {
    local text=$1 log status=0
    shift
    say "$text …"
    log=$(mktemp)
    "$@" >"$log" 2>&1 || status=$?
    if [ "$status" -ne 0 ]; then
        tail -n 60 "$log" >&2
        rm -f "$log"
        fail "That did not work: $text"
    fi
    rm -f "$log"
}

# as_root COMMAND...: as root, or by sudo where that asks nothing or somebody can answer.
as_root() {
    if [ "$(id -u)" = 0 ]; then
        "$@"
    elif command -v sudo >/dev/null && { sudo -n true 2>/dev/null || [ "$INTERACTIVE" = yes ]; }; then
        sudo "$@"
    else
        return 77
    fi
}

# debian PURPOSE PACKAGE...: install Debian packages that are missing.
debian() {
    local purpose=$1 missing=() package
    shift
    for package in "$@"; do
        dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || missing+=("$package")
    done
    [ "${#missing[@]}" -eq 0 ] && return
    command -v apt-get >/dev/null || fail "$purpose needs: ${missing[*]}. Install them by your system's package manager."
    say "installing Debian packages for $purpose: ${missing[*]} …"
    local log status=0
    log=$(mktemp)
    { as_root apt-get update -qq && as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}"; } \
        >"$log" 2>&1 </dev/null || status=$?
    if [ "$status" -ne 0 ]; then
        tail -n 20 "$log" >&2
        fail "$purpose needs Debian packages, and they could not be installed. As root: apt-get install ${missing[*]}"
    fi
    rm -f "$log"
}

fingerprint() { cat "$@" | sha256sum | cut -d' ' -f1; }
