#!/bin/sh
# Runs one suite under Bazel: run_suite.sh SUITE_test.py smelt smeltd libsmelt_observer.so
# The last three may lie in different directories: the harness copies them into one.
set -eu
suite=$1
shift
SMELT_BIN=
for program in "$@"; do
  SMELT_BIN="$SMELT_BIN$(dirname "$(realpath "$program")"):"
done
export SMELT_BIN
for tool in python3 cargo rustc cc; do
  if ! command -v "$tool" > /dev/null; then
    echo "SKIPPED: $tool is not on PATH" >&2
    exit 0
  fi
done
set --
if [ -n "${TESTBRIDGE_TEST_ONLY:-}" ]; then # bazel test --test_filter=…
  set -- -k "$TESTBRIDGE_TEST_ONLY"
fi
root=$(dirname "$(realpath "$suite")")
PYTHONPATH="$root:$root/../acceptance" PYTHONDONTWRITEBYTECODE=1 exec python3 "$suite" --verbose "$@"
