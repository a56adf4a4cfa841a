#!/bin/sh
# apt-install.sh PACKAGE...
# Installs packages of Debian or Ubuntu, as root or through sudo.
set -eu
if ! command -v apt-get >/dev/null; then
    echo "deps: $* missing and there is no apt-get: install what corresponds to these Debian packages" >&2
    exit 1
fi
sudo=
if [ "$(id -u)" -ne 0 ]; then
    if ! command -v sudo >/dev/null; then
        echo "deps: $* missing and there is no sudo: as root, run apt-get install $*" >&2
        exit 1
    fi
    sudo=sudo
fi
log=$(mktemp)
trap 'rm -f "$log"' EXIT
install() {
    $sudo apt-get update &&
        $sudo env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends "$@"
}
echo "deps: apt-get install $*" >&2
if ! install "$@" >"$log" 2>&1; then
    tail -n 5 "$log" >&2
    echo "deps: apt-get could not install $*: mend its sources or install them by hand" >&2
    exit 1
fi
