#!/bin/sh
# install-onnxruntime.sh
# Puts ONNX Runtime's library into .deps/onnxruntime of the checkout, out of the
# wheel that scripts/onnxruntime.txt pins by version and hash. Does nothing if
# it is there already.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
target=$(dirname "$here")/.deps/onnxruntime
version=$(sed -n 's/^onnxruntime==\([0-9.]*\).*/\1/p' "$here/onnxruntime.txt")
[ ! -f "$target/libonnxruntime.so.$version" ] || exit 0

machine=$(uname -m)
case $machine in
x86_64 | aarch64) ;;
*)
    echo "deps: no ONNX Runtime is pinned for $machine: set SOLOFUSION_ONNXRUNTIME to a libonnxruntime.so" >&2
    exit 1
    ;;
esac

"$here/install-python.sh"
mkdir -p "$target"
work=$(mktemp -d "$target/.install.XXXXXX")
trap 'rm -rf "$work"' EXIT
echo "deps: ONNX Runtime $version" >&2
# One wheel for every Python at hand: only the library in it is used.
if ! python3 -m pip download --quiet --no-deps --only-binary=:all: --require-hashes \
    --python-version 3.11 --platform "manylinux_2_28_$machine" \
    --dest "$work" -r "$here/onnxruntime.txt"; then
    echo "deps: ONNX Runtime $version could not be downloaded with pip: check the network and pip's index" >&2
    exit 1
fi
python3 -m zipfile -e "$work"/*.whl "$work/wheel"
package=$work/wheel/onnxruntime
mv "$package/LICENSE" "$package/ThirdPartyNotices.txt" \
    "$package"/capi/libonnxruntime_providers_shared.so "$target"
mv "$package/capi/libonnxruntime.so.$version" "$target" # last: its presence says the folder is whole
