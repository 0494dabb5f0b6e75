#!/usr/bin/env bash
# Measure, with ratios taken in one run. Arguments choose measurements by name.
set -euo pipefail
. "$(dirname "$0")/lib.sh"

tools/environment.sh dev
exec "$PYTHON" -m bench "$@"
