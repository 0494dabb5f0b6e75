#!/usr/bin/env bash
# Remove what was built and installed here. The data in var/ stays.
set -euo pipefail
. "$(dirname "$0")/lib.sh"

rm -rf .venv build dist site .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache \
    frontend/node_modules src/raglan/static_built src/raglan/ui/static/vendor
say "clean; the data is still in var/"
