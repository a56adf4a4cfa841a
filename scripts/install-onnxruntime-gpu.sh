#!/bin/sh
# install-onnxruntime-gpu.sh
# Puts ONNX Runtime's build for NVIDIA GPUs, and the libraries of CUDA and cuDNN that it
# needs, into .deps/onnxruntime-gpu of the checkout, out of the wheels that
# scripts/onnxruntime-gpu.txt pins by version and hash. Does nothing if they are there
# already. It needs no GPU; using them needs NVIDIA's driver.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
pins=$here/onnxruntime-gpu.txt
target=$(dirname "$here")/.deps/onnxruntime-gpu
fail() {
    echo "deps-cuda: $1" >&2
    exit 1
}
say() {
    echo "deps-cuda: SOLOFUSION_ONNXRUNTIME=$target makes solofusion use it" >&2
}
if cmp -s "$pins" "$target/$(basename "$pins")"; then
    say
    exit 0
fi
[ "$(uname -m)" = x86_64 ] || fail "no ONNX Runtime for GPUs is pinned for $(uname -m): set SOLOFUSION_ONNXRUNTIME to a libonnxruntime.so built for it"

"$here/install-python.sh"
mkdir -p "$(dirname "$target")"
free=$(df -Pk "$(dirname "$target")" | awk 'NR == 2 { print int($4 / 1048576) }')
[ "$free" -ge 7 ] || fail "$free GB are free in $(dirname "$target"), want 7: downloads have 1.4 GB, and unpacked 2.2 GB, which stay"
work=$(mktemp -d "$target.XXXXXX")
trap 'rm -rf "$work"' EXIT
trap 'exit 1' INT TERM # without it a signal leaves the folder
echo "deps-cuda: 1.4 GB of ONNX Runtime, CUDA and cuDNN, the latter under NVIDIA's licenses" >&2
# One wheel for every Python at hand: only the libraries in it are used.
python3 -m pip download --quiet --no-deps --only-binary=:all: --require-hashes --no-cache-dir \
    --python-version 3.12 --platform manylinux_2_28_x86_64 --platform manylinux_2_27_x86_64 \
    --platform manylinux_2_17_x86_64 --platform manylinux_2_12_x86_64 --platform manylinux_2_5_x86_64 \
    --dest "$work/wheels" -r "$pins" ||
    fail "the wheels of $pins could not be downloaded with pip: check the network and pip's index"
for wheel in "$work"/wheels/*.whl; do
    python3 -m zipfile -e "$wheel" "$work/unpacked"
    rm "$wheel"
done
mkdir -p "$work/new/licenses"
find "$work/unpacked" -name '*.so*' ! -name 'onnxruntime_pybind*' ! -name 'libnvblas*' ! -name '*.alt.so*' -exec mv -t "$work/new" {} +
for info in "$work"/unpacked/*.dist-info "$work/unpacked/onnxruntime"; do
    mkdir "$work/new/licenses/$(basename "$info" .dist-info)"
    find "$info" -type f \( -iname '*license*' -o -iname '*notices*' \) -exec cp {} "$work/new/licenses/$(basename "$info" .dist-info)" \;
done
cp "$pins" "$work/new"
rm -rf "$target"
mv "$work/new" "$target" # at once: a folder that is there is whole
say
