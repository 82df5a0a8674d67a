#!/usr/bin/env bash
# The desktop app in a real window under a virtual display: it shows a film that came through backend and edge.
set -euo pipefail
cd "$(dirname "$0")/.."
bin=${CARGO_TARGET_DIR:-target}/debug
work=$(mktemp -d)
pids=()
cleanup() {
  for pid in "${pids[@]}"; do kill "$pid" 2>/dev/null || true; done
  for pid in "${pids[@]}"; do wait "$pid" 2>/dev/null || true; done
  rm -rf "$work"
}
trap cleanup EXIT
fail() { echo "ui-smoke: $*" >&2; [ -f "$work/app.log" ] && tail -n 20 "$work/app.log" >&2; exit 1; }

# A display number that the server picks itself, so that nothing collides.
exec 7<>"$work/display"
Xvfb -displayfd 7 -noreset -screen 0 1280x720x24 +extension GLX >"$work/xvfb.log" 2>&1 &
pids+=($!)
for _ in $(seq 1 100); do [ -s "$work/display" ] && break; sleep 0.1; done
[ -s "$work/display" ] || fail "the virtual display did not start"
DISPLAY=":$(head -n 1 "$work/display")"
export DISPLAY LIBGL_ALWAYS_SOFTWARE=1 XDG_CONFIG_HOME="$work/config" XDG_DATA_HOME="$work/data" KINORA_SECRETS=memory
unset WAYLAND_DISPLAY

"$bin/kinora-backend" demo --data target/demo --port 0 >"$work/ready" 2>"$work/backend.log" &
pids+=($!)
field() { sed -n "s/.*\"$1\":\"\([^\"]*\)\".*/\1/p" "$work/ready" | head -n 1; }
for _ in $(seq 1 1200); do [ -n "$(field backend)" ] && break; sleep 0.1; done
[ -n "$(field backend)" ] || fail "the backend did not start: $(tail -n 3 "$work/backend.log")"

# picture NAME: what is on the screen, and how many colours it has.
picture() {
  import -window root "$work/$1.png" && identify -format '%k' "$work/$1.png"
}
# colourful NAME MINIMUM: waits until the screen shows something.
colourful() {
  local colours=0
  for _ in $(seq 1 120); do
    colours=$(picture "$1" 2>/dev/null || echo 0)
    [ "$colours" -ge "$2" ] && return 0
    sleep 0.5
  done
  fail "$1 shows only $colours colours"
}

KINORA_EMAIL=$(field email) KINORA_PASSWORD=$(field password) \
  "$bin/kinora" --backend "$(field backend)" >"$work/app.log" 2>&1 &
app=$!
pids+=("$app")
colourful home 2000
kill "$app"; wait "$app" 2>/dev/null || true

# Straight to a film through the same binary: two pictures apart in time must differ.
origin=$(python3 - <<'PY'
import os
print(sorted(t for t in os.listdir("target/demo/media") if not t.startswith("."))[0])
PY
)
python3 -u -m http.server --bind 127.0.0.1 --directory target/demo/media 0 >"$work/http.log" 2>&1 &
pids+=($!)
for _ in $(seq 1 100); do grep -q ' port ' "$work/http.log" && break; sleep 0.1; done
port=$(sed -n 's/.* port \([0-9]*\).*/\1/p' "$work/http.log" | head -n 1)
"$bin/kinora" "http://127.0.0.1:$port/$origin/master.m3u8" >"$work/app.log" 2>&1 &
app=$!
pids+=("$app")
colourful film 2000
sleep 2
picture later >/dev/null
moved=$(compare -metric AE "$work/film.png" "$work/later.png" null: 2>&1 || true)
[ "${moved%%.*}" -gt 2000 ] || fail "the film does not move: $moved pixels differ after two seconds"
kill -0 "$app" || fail "the app ended by itself"
if [ -n "${KINORA_PICTURES:-}" ]; then mkdir -p "$KINORA_PICTURES" && cp "$work"/*.png "$KINORA_PICTURES"; fi
