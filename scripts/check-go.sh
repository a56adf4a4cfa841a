#!/bin/sh
# check-go.sh
# Makes sure of a Go that is, or fetches, the toolchain that GOTOOLCHAIN names.
set -eu
want="install Go 1.21 or later, which fetches $GOTOOLCHAIN by itself: https://go.dev/dl"
command -v go >/dev/null || {
    echo "deps: go is missing: $want" >&2
    exit 1
}
# An old Go knows neither of the two variables, and stops at the second.
local=$(GOTOOLCHAIN=local GOEXPERIMENT= go version 2>&1) || {
    echo "deps: $(command -v go) does not run: $local" >&2
    exit 1
}
minor=$(echo "$local" | sed -n 's/^go version .*go1\.\([0-9][0-9]*\).*/\1/p')
if [ -n "$minor" ] && [ "$minor" -lt 21 ]; then
    echo "deps: $(command -v go) is $(echo "$local" | cut -d' ' -f3), which is too old: $want" >&2
    exit 1
fi
reason=$(go version 2>&1) || {
    echo "deps: $GOTOOLCHAIN could not be fetched: check the network and GOPROXY: $reason" >&2
    exit 1
}
