#!/bin/sh
# install-images.sh
# Makes sure of what cgo needs for decoding images: the headers of libjpeg-turbo and
# libpng, pkg-config, a C compiler.
set -eu
here=$(dirname "$0")
missing=
command -v pkg-config >/dev/null || missing="$missing pkg-config"
command -v gcc >/dev/null || missing="$missing gcc"
if [ -n "$missing" ] || ! pkg-config --exists libjpeg libpng; then
    # shellcheck disable=SC2086 # a list
    "$here/apt-install.sh" libjpeg-dev libpng-dev $missing
fi
pkg-config --exists libjpeg libpng || {
    echo "deps: pkg-config does not know libjpeg and libpng: set PKG_CONFIG_PATH to the folder of their .pc files" >&2
    exit 1
}
