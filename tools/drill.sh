#!/usr/bin/env bash
# Break things on purpose, on real processes, and count what was lost. Arguments choose drills by name.
set -euo pipefail
. "$(dirname "$0")/lib.sh"

tools/environment.sh dev
exec "$PYTHON" -m drill "$@"
