#!/usr/bin/env bash
# Write the lock files anew: hashes, no addresses. The smaller ones constrain the larger one, so that they agree.
set -euo pipefail
. "$(dirname "$0")/lib.sh"

compile() {
    step "lock: $1" "$PYTHON" -m uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
        --no-header --no-annotate --no-emit-index-url --no-emit-find-links --output-file "$@"
}

compile requirements.lock pyproject.toml --group build ${LOCK_OPTIONS:-}
compile requirements-node.lock --group node ${LOCK_OPTIONS:-}
compile requirements-alerta.lock --group alerta ${LOCK_OPTIONS:-}
compile requirements-salt.lock --group salt ${LOCK_OPTIONS:-}
compile requirements-dev.lock pyproject.toml --group dev -c requirements.lock -c requirements-node.lock ${LOCK_OPTIONS:-}
