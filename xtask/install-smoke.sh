#!/usr/bin/env bash
# An embedder's first minute: install the library somewhere, find it with pkg-config, compile and start a program.
set -euo pipefail
cd "$(dirname "$0")/.."
prefix=$(mktemp -d)
trap 'rm -rf "$prefix"' EXIT
cargo run --quiet --package xtask -- install --prefix "$prefix" --profile dev
export PKG_CONFIG_PATH="$prefix/lib/pkgconfig"
[ "$(pkg-config --modversion kinora)" = "$(sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -n 1)" ]
cat >"$prefix/first.c" <<'C'
#include <kinora.h>
#include <stdio.h>

int main(void) {
  kinora_player *player = NULL;
  if (kinora_player_create(NULL, &player) != KINORA_ERROR_NONE) {
    fprintf(stderr, "%s\n", kinora_last_error_message());
    return 1;
  }
  if (kinora_player_load(player, "https://example.invalid/stream/manifest.mpd", NULL, NULL) != KINORA_ERROR_NONE) return 1;
  kinora_player_destroy(&player);
  printf("libkinora %s\n", kinora_version());
  return 0;
}
C
# Flags are words on purpose.
# shellcheck disable=SC2046
gcc -std=c11 -Wall -Wextra -Werror "$prefix/first.c" -o "$prefix/first" $(pkg-config --cflags --libs kinora)
LD_LIBRARY_PATH="$prefix/lib" "$prefix/first"
