#!/bin/sh
# test-kernels.sh
# Runs the kernels' tests with portable vectors of every length that this machine has,
# emulated ones among them, and on amd64 those of an arm64 build under qemu-user.
set -eu
here=$(dirname "$0")
kernels=$(go list ./... | grep '/kernel$')
for bits in 0 128 256 512; do
    # A length that the processor lacks ends a program of vectors at its start.
    said=$(GODEBUG=simd=$bits go test -count 1 ./internal/isa 2>&1) || case $said in
        *"larger than the simd length"*)
            echo "vectors of $bits bits: not on this processor"
            continue
            ;;
        *)
            echo "$said"
            exit 1
            ;;
    esac
    echo "vectors of $bits bits"
    # shellcheck disable=SC2086 # a list
    GODEBUG=simd=$bits go test -count 1 $kernels
done
if [ "$(go env GOHOSTARCH)" = amd64 ]; then
    command -v qemu-aarch64 >/dev/null || "$here/apt-install.sh" qemu-user
    echo "arm64"
    # shellcheck disable=SC2086 # a list
    GOARCH=arm64 go test -count 1 -exec qemu-aarch64 $kernels
fi
