#!/bin/bash
# The documents against the whole source tree, not only against the files that a sandbox shows.
set -eu
root="$(dirname "$(readlink -f WORKSPACE)")"
exec python3 -B "$root/tests/docs/names_test.py" --verbose
