#!/bin/sh
# install-opencv.sh
# Makes sure of what cgo needs for OpenCV: its headers, pkg-config, a C++ compiler.
set -eu
here=$(dirname "$0")
missing=
command -v pkg-config >/dev/null || missing="$missing pkg-config"
command -v g++ >/dev/null || missing="$missing g++"
if [ -n "$missing" ] || ! pkg-config --exists opencv4; then
    # shellcheck disable=SC2086 # a list
    "$here/apt-install.sh" libopencv-dev $missing
fi
pkg-config --exists opencv4 || {
    echo "deps: pkg-config does not know opencv4: set PKG_CONFIG_PATH to the folder of opencv4.pc" >&2
    exit 1
}
