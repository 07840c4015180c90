#!/bin/bash
# `bazel run //tools:wrapper -- ARGS` is `smelt ARGS`, freshly built and run where bazel was called.
set -eu
smelt="$(readlink -f "${RUNFILES_DIR:-$0.runfiles}/smelt/tools/programs/smelt")"
cd "${BUILD_WORKING_DIRECTORY:-$PWD}"
if (($#)); then
  exec "$smelt" "$@"
fi
cat <<TEXT
This is smelt, built from the source tree. To use it from cargo:

  RUSTC_WRAPPER=$smelt cargo build    for one build
  bazel run //tools:wrapper -- init   for every build: writes cargo's configuration
  tools/install                       installs it first, so that it stays when the tree changes

  bazel run //tools:wrapper -- --help says what else it does.
TEXT
