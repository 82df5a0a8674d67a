#!/usr/bin/env bash
# `./run --headless` as a newcomer types it: exits 0, and its report says that it really played.
set -euo pipefail
cd "$(dirname "$0")/.."
for form in "" --dash "--services split"; do
  # shellcheck disable=SC2086
  report=$(./run --headless --seconds 20 --data target/demo $form | tail -n 1)
  printf '%s\n' "$report"
  python3 - "$report" <<'PY'
import json, sys
report = json.loads(sys.argv[1])
def must(holds, what):
    if not holds:
        sys.exit(f"the report is not as it must be: {what}: {report}")
must(report["outcome"] == "stopped", "outcome stopped")
must(report["played_s"] >= 19, "played_s at least 19")
must(report["stalls"] == [], "no stall")
frames, rates = report["frames"], (24, 25, 30)
near = any(abs(frames["presented"] - rate * report["played_s"]) <= rate for rate in rates)
must(near, "frames presented within a second's worth")
must(frames["corrupt"] == 0, "no corrupt frame")
PY
done
