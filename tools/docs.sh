#!/usr/bin/env bash
# Build the documentation into site/, with the pages that are made from the source. mkdocs reads the same file.
set -euo pipefail
. "$(dirname "$0")/lib.sh"

tools/environment.sh dev
step "reference pages" "$PYTHON" tools/reference.py
if "$PYTHON" -c 'import zensical' 2>/dev/null; then
    step "site" .venv/bin/zensical build --clean --config-file mkdocs.yml
else
    step "site" "$PYTHON" -m mkdocs build --clean --strict
fi
say "open site/index.html"
