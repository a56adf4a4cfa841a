#!/bin/sh
# install-python.sh
# Makes sure of Python 3 with pip and venv, which Debian ships as packages of their own.
set -eu
here=$(dirname "$0")
complete() { python3 -c 'import ensurepip, pip, venv' 2>/dev/null; }
complete || "$here/apt-install.sh" python3 python3-pip python3-venv
complete || {
    echo "deps: $(command -v python3) lacks pip or venv: install them for it, or put /usr/bin first in PATH" >&2
    exit 1
}
