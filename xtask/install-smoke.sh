#!/usr/bin/env bash
# An embedder's first minute: install the library somewhere, find it with pkg-config, compile and start programs. Then
# what packagers look at: links, versions, licences, debug symbols, other folders, no trace of this machine.
set -euo pipefail
cd "$(dirname "$0")/.."
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
die() { printf 'install: %s\n' "$*" >&2; exit 1; }
prefix=$folder/prefix
cargo run --quiet --package xtask -- install --prefix "$prefix" --profile dev
# A tree that was moved after it was installed.
mv "$prefix" "$folder/moved"
prefix=$folder/moved
export PKG_CONFIG_PATH="$prefix/lib/pkgconfig"
[ "$(pkg-config --modversion kinora)" = "$(sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -n 1)" ] || die version

cat >"$folder/first.c" <<'C'
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
gcc -std=c11 -Wall -Wextra -Werror "$folder/first.c" -o "$folder/first" $(pkg-config --cflags --libs kinora)
LD_LIBRARY_PATH="$prefix/lib" "$folder/first"
flags=$(pkg-config --static --cflags --libs kinora | sed "s#-lkinora#$prefix/lib/libkinora.a#")
# shellcheck disable=SC2086
gcc -std=c11 "$folder/first.c" -o "$folder/static" $flags
"$folder/static"
! ldd "$folder/static" | grep -q libkinora || die "the static program needs the shared library"

# The program of the README by the build line of the README.
awk '/^```c$/ { on = 1; next } /^```/ { on = 0 } on' README.md >"$folder/play.c"
(cd "$folder" && eval "$(grep -m1 '^gcc -o play' "$OLDPWD/README.md")")
! LD_LIBRARY_PATH="$prefix/lib" "$folder/play" 2>/dev/null || die "without an address there is nothing to play"

library=$prefix/lib/libkinora.so
[ "$(readlink "$library")" = libkinora.so.2 ] || die "libkinora.so is no link to the SONAME"
build_id=$(readelf -n "$library" | sed -n 's/ *Build ID: //p')
debug=$prefix/lib/debug/.build-id/${build_id:0:2}/${build_id:2}.debug
[ "$(readelf -n "$debug" | sed -n 's/ *Build ID: //p')" = "$build_id" ] || die "no debug symbols for build $build_id"
readelf -S "$debug" | grep -q '\.symtab' || die "the debug symbols are empty"
! readelf -S "$library" | grep -q '\.symtab\|\.debug' || die "the library has its symbols still"
for file in LICENSE-MIT LICENSE-APACHE LICENSES-RUNTIME.md LICENSES-CRATES.txt; do
  [ -s "$prefix/share/licenses/kinora/$file" ] || die "no $file"
done
for path in "$PWD" "${CARGO_HOME:-$HOME/.cargo}" "${RUSTUP_HOME:-$HOME/.rustup}"; do
  ! grep -rqF "$path/" "$prefix" || die "$path is in $(grep -rlF "$path/" "$prefix" | tr '\n' ' ')"
done

# With the path of the installed library Cargo would build everything above GStreamer again, here and at the next build.
DESTDIR=$folder/root env -u PKG_CONFIG_PATH cargo run --quiet --package xtask -- install --prefix /usr --libdir lib/multi/arch --profile dev
[ -e "$folder/root/usr/lib/multi/arch/libkinora.so" ] && [ -e "$folder/root/usr/include/kinora.hpp" ] || die "DESTDIR or --libdir is not followed"
PKG_CONFIG_PATH=$folder/root/usr/lib/multi/arch/pkgconfig
# shellcheck disable=SC2046
gcc -std=c11 "$folder/first.c" -o "$folder/first" $(pkg-config --cflags --libs kinora)
