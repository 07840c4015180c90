#!/bin/bash
# All C++ is as clang-format leaves it.
set -eu
root="$(dirname "$(readlink -f WORKSPACE)")"
if ! command -v clang-format >/dev/null; then
  echo "clang-format is not installed: nothing checked"
  exit 0
fi
exec "$root/tools/format" --check
