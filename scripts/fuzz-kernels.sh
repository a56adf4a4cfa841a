#!/bin/sh
# fuzz-kernels.sh TIME
# Fuzzes every kernel's implementations against its generic one, TIME for each test.
set -eu
for package in $(go list ./... | grep '/kernel$'); do
    for test in $(go test -list '^Fuzz' "$package" | grep '^Fuzz'); do
        go test -run '^$' -fuzz "^$test\$" -fuzztime "$1" -fuzzminimizetime 100x "$package"
    done
done
