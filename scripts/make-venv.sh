#!/bin/sh
# make-venv.sh DIR REQUIREMENTS... [--no-deps REQUIREMENTS...]
# Makes a virtual environment, from nothing, so that it depends on the files alone. What
# comes after --no-deps is installed without its dependencies.
set -eu
dir=$1
shift
rm -rf "$dir"
python3 -m venv "$dir"
fail() {
    echo "venv: $1 could not be installed for $("$dir/bin/python" --version): check the network, pip's index, and 8 GB of free disk" >&2
    exit 1
}
deps=
for file; do
    if [ "$file" = --no-deps ]; then
        deps=--no-deps
        continue
    fi
    # shellcheck disable=SC2086 # nothing, or one flag
    "$dir/bin/python" -m pip install --quiet $deps -r "$file" || fail "$file"
done
