#!/usr/bin/env bash
# The desktop app in a real window under a virtual display: it shows a film that came through backend and edge, once with all
# services in one process, once with each in its own, of which those that serve titles and grants are killed meanwhile.
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

# moving NAME: two pictures apart in time differ.
moving() {
  picture "$1" >/dev/null
  sleep 2
  picture "$1-later" >/dev/null
  local moved
  moved=$(compare -metric AE "$work/$1.png" "$work/$1-later.png" null: 2>&1 || true)
  [ "${moved%%.*}" -gt 2000 ] || fail "$1 does not move: $moved pixels differ after two seconds"
}
field() { sed -n "s/.*\"$1\":\"\([^\"]*\)\".*/\1/p" "$work/ready" | head -n 1; }
secure() { sed -n "s/.*\"gateway\":{[^}]*\"$1\":\"\([^\"]*\)\".*/\1/p" "$work/ready" | head -n 1; }
# service NAME: the process of a service, as the ready line says.
service() { grep -o '{"name":"'"$1"'","pid":[0-9]*' "$work/ready" | grep -o '[0-9]*$'; }
# focused NAME: waits until a widget whose name begins so has the focus.
focused() {
  for _ in $(seq 1 240); do
    tail -n 1 "$work/trace" 2>/dev/null | grep -Eq "\"focus\":\{[^}]*\"name\":\"($1)" && return 0
    sleep 0.25
  done
  fail "$1 did not get the focus: $(tail -n 1 "$work/trace" | cut -c 1-300)"
}

for form in all split; do
  data="$work/$form"
  mkdir -p "$data"
  ln -s "$PWD/target/demo/media" "$data/media"
  "$bin/kinora-backend" demo --data "$data" --prepare-only 2>"$work/backend.log"
  if [ "$form" = split ]; then
    "$bin/kinora-supervisor" --topology mock-backend/supervisor/topologies/split.toml --data "$data" >"$work/ready" 2>"$work/backend.log" &
  else
    "$bin/kinora-backend" demo --data "$data" --port 0 >"$work/ready" 2>"$work/backend.log" &
  fi
  backend=$!
  pids+=("$backend")
  for _ in $(seq 1 1200); do [ -n "$(field backend)" ] && break; sleep 0.1; done
  [ -n "$(secure pin)" ] || fail "the backend did not start: $(tail -n 3 "$work/backend.log")"
  rm -f "$work/trace"
  KINORA_EMAIL=$(field email) KINORA_PASSWORD=$(field password) KINORA_UI_TRACE="$work/trace" \
    "$bin/kinora" --backend "$(secure url)" --pin "$(secure pin)" >"$work/app.log" 2>&1 &
  app=$!
  pids+=("$app")
  colourful "home-$form" 2000
  window=$(xdotool search --onlyvisible --name Kinora | tail -n 1)
  xdotool windowfocus "$window"
  if tail -n 1 "$work/trace" | grep -q '"page":"profiles"'; then xdotool key Return; fi
  focused "Play|Resume|Episodes"
  if tail -n 1 "$work/trace" | grep -q '"focus":{[^}]*"name":"Episodes'; then
    # The banner shows a series: its page has the episode to play.
    xdotool key Return
    focused "Play|Continue"
  fi
  xdotool key Return
  for _ in $(seq 1 240); do tail -n 1 "$work/trace" | grep -q '"page":"player"' && break; sleep 0.25; done
  colourful "film-$form" 1000
  moving "film-$form"
  if [ "$form" = split ]; then
    for name in browse catalogue playback; do kill -9 "$(service "$name")"; done
    moving "film-after-kills"
  fi
  kill -0 "$app" || fail "the app ended by itself"
  kill "$app"; wait "$app" 2>/dev/null || true
  kill "$backend"; wait "$backend" 2>/dev/null || true
done

# Straight to a film through the same binary: two pictures apart in time must differ.
python3 -u -m http.server --bind 127.0.0.1 --directory target/demo/media 0 >"$work/http.log" 2>&1 &
pids+=($!)
for _ in $(seq 1 100); do grep -q ' port ' "$work/http.log" && break; sleep 0.1; done
port=$(sed -n 's/.* port \([0-9]*\).*/\1/p' "$work/http.log" | head -n 1)
"$bin/kinora" "http://127.0.0.1:$port/broadcast-hour/master.m3u8" >"$work/app.log" 2>&1 &
app=$!
pids+=("$app")
colourful film 2000
moving film
kill -0 "$app" || fail "the app ended by itself"
if [ -n "${KINORA_PICTURES:-}" ]; then mkdir -p "$KINORA_PICTURES" && cp "$work"/*.png "$KINORA_PICTURES"; fi
