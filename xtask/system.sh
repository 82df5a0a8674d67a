# What the build, the app and the tests need from the system. Sourced by ./run and ./test; does nothing by itself.
#
# kinora_system PURPOSE   installs what is missing: `build` to build and play, `test` for the tests as well, `peers` the
#                         players of `cargo xtask bench peers`.

KINORA_BUILD_PACKAGES="
  build-essential pkg-config clang mold
  libgstreamer1.0-dev libgstreamer-plugins-base1.0-dev
  gstreamer1.0-plugins-base gstreamer1.0-plugins-good gstreamer1.0-plugins-bad gstreamer1.0-plugins-ugly
  gstreamer1.0-libav gstreamer1.0-alsa gstreamer1.0-pulseaudio gstreamer1.0-x gstreamer1.0-gl
  ffmpeg fonts-dejavu-core
  libxkbcommon-dev libxkbcommon-x11-0 libwayland-dev libx11-6 libxcursor1 libxi6 libxrandr2
  libegl1 libgl1 libgl1-mesa-dri
"
KINORA_TEST_PACKAGES="xvfb xauth imagemagick dbus gnome-keyring python3 postgresql nats-server"
# ffplay is a part of ffmpeg, and playbin3 one of GStreamer's base plugins.
KINORA_PEER_PACKAGES="mpv vlc-bin vlc-plugin-base vlc-plugin-video-output"

say() { printf '\033[1mkinora:\033[0m %s\n' "$*" >&2; }
die() { printf 'kinora: %s\n' "$*" >&2; exit 1; }

_kinora_missing() {
  local package
  for package in "$@"; do
    [ "$(dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null)" = installed ] || printf '%s ' "$package"
  done
}

_kinora_without_apt() {
  local lacking="" tool
  for tool in pkg-config clang mold ffmpeg ffprobe; do
    command -v "$tool" >/dev/null || lacking="$lacking $tool"
  done
  pkg-config --atleast-version=1.22 gstreamer-1.0 gstreamer-app-1.0 gstreamer-video-1.0 2>/dev/null ||
    lacking="$lacking gstreamer-1.0(>=1.22,-with-development-files)"
  pkg-config --exists xkbcommon 2>/dev/null || lacking="$lacking xkbcommon(-with-development-files)"
  [ -z "$lacking" ] || die "this system has no apt; please install:$lacking
  and GStreamer's base, good, bad, ugly and libav plugins, EGL/GL drivers, and the DejaVu fonts. Then run this again."
}

kinora_system() {
  local wanted="$KINORA_BUILD_PACKAGES" missing as_root=""
  [ "$1" = test ] && wanted="$wanted $KINORA_TEST_PACKAGES"
  [ "$1" = peers ] && wanted="$wanted $KINORA_PEER_PACKAGES"
  if ! command -v apt-get >/dev/null || ! command -v dpkg-query >/dev/null; then
    _kinora_without_apt
  else
    # Words on purpose: the lists are lists of names.
    # shellcheck disable=SC2086
    missing=$(_kinora_missing $wanted)
    if [ -n "$missing" ]; then
      if [ "$(id -u)" != 0 ]; then
        command -v sudo >/dev/null || die "these packages are missing, and there is no sudo; install as root: $missing"
        as_root="sudo"
      fi
      say "installing with apt: $missing"
      local apt="$as_root env DEBIAN_FRONTEND=noninteractive apt-get -qq -o DPkg::Lock::Timeout=600"
      $apt update || die "apt-get update failed: check the network and the package sources"
      # shellcheck disable=SC2086
      $apt install -y --no-install-recommends $missing >/dev/null ||
        die "apt-get install failed; the lines above say why"
    fi
  fi
  kinora_rust
}

kinora_rust() {
  command -v cargo >/dev/null || { [ -r "$HOME/.cargo/env" ] && . "$HOME/.cargo/env"; }
  command -v cargo >/dev/null ||
    die "Rust is missing: install it with rustup (https://rustup.rs); the version is chosen by rust-toolchain.toml"
  local version
  version=$(cargo --version 2>&1) || die "cargo does not start: $version"
  version=${version#cargo }
  case "$version" in
    0.*|1.[0-9].*|1.[0-8][0-9].*|1.9[0-4].*) die "Rust $version is too old: 1.95 is needed (rustup update)" ;;
  esac
}

# kinora_tool NAME VERSION   installs one program of crates.io, at this version, into target/tools.
kinora_tool() {
  local installed=""
  [ -x "target/tools/bin/$1" ] && installed=$(cargo install --list --root target/tools 2>/dev/null | grep -F "$1 v$2:")
  [ -n "$installed" ] && return
  say "installing $1 $2"
  # A target folder of its own is removed afterwards; the program stays.
  cargo install --quiet --locked --root target/tools --version "$2" "$1" ||
    { say "$1 $2 cannot be installed: check the network"; return 1; }
}
