# Sourced, from the repository's root: building what is installed, measured and shown.

source tools/packages.sh

# build_targets TARGET...: what is missing is installed first.
build_targets() {
  install_packages "${SMELT_PACKAGES[@]}" || return 1
  # shellcheck disable=SC2046
  bazel build $(bazel_output_options) -- "$@" >&2 || {
    echo "error: the build failed; see above" >&2
    return 1
  }
}

# build_smelt_into DIR: the wrapper, the daemon and the observer, side by side in DIR. A program that is running keeps
# its old file.
build_smelt_into() {
  build_targets //src/cmd:smelt //src/cmd:smeltd //src/observer:libsmelt_observer.so || return 1
  mkdir -p "$1" || return 1
  local file
  for file in cmd/smelt cmd/smeltd observer/libsmelt_observer.so; do
    install -m 755 "bazel-bin/src/$file" "$1/.new" && mv -f "$1/.new" "$1/${file##*/}" || return 1
  done
}

# build_server_into DIR: the cache server, likewise.
build_server_into() {
  build_targets //src/cmd:smelt-server || return 1
  mkdir -p "$1" || return 1
  install -m 755 bazel-bin/src/cmd/smelt-server "$1/.new" && mv -f "$1/.new" "$1/smelt-server"
}
