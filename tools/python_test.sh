#!/bin/bash
# Runs the unittests in the files given, relative to the directory of the BUILD file (TEST_TARGET names it).
set -eu
package="${TEST_TARGET#//}"
cd "${package%%:*}"
exec python3 -B -m unittest "${@%.py}"
