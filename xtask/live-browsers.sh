#!/usr/bin/env bash
# Plays the live channels of the demo with dash.js, hls.js and Shaka Player in headless Chromium: a stream that only our own player
# plays is no valid one. A line of JSON for each run; fails if one does not play. Without Chromium, Node or npm it is a skip.
#   xtask/live-browsers.sh [--seconds N] [--data DIR] [--only NAME,NAME]
# Needs a demo catalogue in DIR (default target/demo) and the built programs. The players come from npm, at the versions that
# tests/live-browsers/package.json pins, into target/tools/live-browsers.
set -euo pipefail
cd "$(dirname "$0")/.."
. xtask/system.sh

seconds=30 data=target/demo only=""
while [ $# -gt 0 ]; do
  case "$1" in
    --seconds) seconds=$2 ;;
    --data) data=$2 ;;
    --only) only=$2 ;;
    *) die "unknown argument $1" ;;
  esac
  shift 2
done

skip() {
  say "skipped: the live channels in browsers: $1"
  [ -z "${KINORA_SKIP_LOG:-}" ] || printf 'the live channels in browsers: %s\n' "$1" >>"$KINORA_SKIP_LOG"
  exit 0
}
chromium=$(command -v chromium || command -v chromium-browser || command -v google-chrome || true)
[ -n "$chromium" ] || skip "there is no Chromium (package chromium)"
command -v node >/dev/null || skip "there is no Node (package nodejs)"
command -v npm >/dev/null || skip "there is no npm (package npm)"

tools=target/tools/live-browsers
mkdir -p "$tools"
if ! cmp -s tests/live-browsers/package.json "$tools/package.json.done"; then
  cp tests/live-browsers/package.json "$tools/package.json"
  (cd "$tools" && npm install --silent --no-audit --no-fund --ignore-scripts) || skip "the players cannot be installed by npm"
  cp tests/live-browsers/package.json "$tools/package.json.done"
fi

bin=${CARGO_TARGET_DIR:-target}/debug
ready=$(mktemp) backend=""
cleanup() {
  if [ -n "$backend" ] && kill -0 "$backend" 2>/dev/null; then
    kill -TERM "$backend" 2>/dev/null || true
    wait "$backend" 2>/dev/null || true
  fi
  rm -f "$ready"
}
trap cleanup EXIT
"$bin/kinora-backend" demo --data "$data" --port 0 >"$ready" &
backend=$!
for _ in $(seq 1 600); do
  grep -q '"backend"' "$ready" && break
  kill -0 "$backend" 2>/dev/null || die "the backend ended before it was ready"
  sleep 0.1
done
node tests/live-browsers/play.mjs --ready "$ready" --seconds "$seconds" --modules "$tools/node_modules" \
  --chromium "$chromium" ${only:+--only "$only"}
