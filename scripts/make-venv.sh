#!/bin/sh
# make-venv.sh DIR REQUIREMENTS REQUIREMENTS-WITHOUT-DEPENDENCIES
# Makes a virtual environment, from nothing, so that it depends on the two files alone.
set -eu
dir=$1 requirements=$2 bare=$3
rm -rf "$dir"
python3 -m venv "$dir"
fail() {
    echo "venv: $1 could not be installed for $("$dir/bin/python" --version): check the network, pip's index, and 8 GB of free disk" >&2
    exit 1
}
"$dir/bin/python" -m pip install --quiet -r "$requirements" || fail "$requirements"
"$dir/bin/python" -m pip install --quiet --no-deps -r "$bare" || fail "$bare"
