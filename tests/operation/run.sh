#!/bin/sh
# run.sh SUITE_test.py smelt-server
set -eu
SMELT_SERVER=$(realpath "$2")
export SMELT_SERVER
PYTHONDONTWRITEBYTECODE=1 exec python3 "$1" --verbose
