# Debian's packages that smelt is built from. Sourced: `install_packages` installs those that are missing.
# docs/dependencies.md says what each is for.

SMELT_PACKAGES=(
  # The build.
  bazel-bootstrap bazel-rules-cc bazel-rules-java bazel-rules-proto bazel-platforms bazel-skylib
  g++ pkg-config dpkg-dev git python3
  # Libraries.
  libgrpc++-dev libprotobuf-dev protobuf-compiler protobuf-compiler-grpc
  librocksdb-dev libzstd-dev libabsl-dev libfmt-dev libgoogle-glog-dev
  libcurl4-openssl-dev libjemalloc-dev libpugixml-dev libmicrohttpd-dev
  libtoml11-dev nlohmann-json3-dev
  # Tests.
  libgtest-dev libgmock-dev strace
)

# What only tools/check needs.
SMELT_CHECK_PACKAGES=(clang-format)

# Prints those of the arguments that are not installed, one per line.
missing_packages() {
  local package
  for package in "$@"; do
    [[ "$(dpkg-query -W -f='${db:Status-Abbrev}' "$package" 2>/dev/null)" == ii* ]] || echo "$package"
  done
}

# Runs a command as root, or says why it cannot.
as_root() {
  if [[ "$(id -u)" == 0 ]]; then
    "$@"
  elif command -v sudo >/dev/null; then
    sudo "$@"
  else
    echo "error: not root, and sudo is not installed. Run as root: $*" >&2
    return 1
  fi
}

# Installs those of the arguments that are missing; does nothing, and needs no rights, when none is.
install_packages() {
  if ! command -v dpkg-query >/dev/null || ! command -v apt-get >/dev/null; then
    echo "error: apt-get and dpkg-query are not here; smelt is built on Debian 12's packages:" >&2
    echo "  $*" >&2
    return 1
  fi
  local missing
  mapfile -t missing < <(missing_packages "$@")
  ((${#missing[@]})) || return 0
  echo "Installing: ${missing[*]}" >&2
  as_root apt-get -q update >&2 || {
    echo "error: apt-get update failed; see above. Missing are: ${missing[*]}" >&2
    return 1
  }
  as_root env DEBIAN_FRONTEND=noninteractive apt-get -qq -y --no-install-recommends -o Dpkg::Use-Pty=0 \
    install "${missing[@]}" >&2 || {
    echo "error: apt-get could not install: ${missing[*]}" >&2
    echo "Is this Debian 12 (bookworm), and is its main archive in /etc/apt/sources.list(.d)?" >&2
    return 1
  }
}

# Ends with an explanation unless cargo is on PATH (rustup's usual place is tried).
require_cargo() {
  command -v cargo >/dev/null || PATH="${CARGO_HOME:-$HOME/.cargo}/bin:$PATH"
  export PATH
  if ! cargo --version >/dev/null 2>&1; then
    echo "error: no working cargo on PATH. Install Rust with rustup (https://rustup.rs), then run this again." >&2
    return 1
  fi
}

# Bazel's options for a log, or for a terminal.
bazel_output_options() {
  if [[ -n "${CI:-}" || ! -t 2 ]]; then
    echo "--color=no --curses=no --show_progress_rate_limit=60"
  else
    echo "--color=auto --curses=auto"
  fi
}
