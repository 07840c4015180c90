#!/bin/bash
# The rules hold for the whole source tree, not only for the files that a sandbox shows: one of them leads to it.
set -eu
root="$(dirname "$(readlink -f WORKSPACE)")"
exec python3 -B tools/tidy/tidy.py "$root"
