#!/bin/sh
# part.sh NAME COMMAND...
# Runs the command as one named part of a longer job, and says how long it took.
name=$1
shift
start=$(date +%s)
echo "== $name"
"$@"
code=$?
outcome=done
[ "$code" -eq 0 ] || outcome="FAILED ($code)"
echo "== $name: $outcome, $(($(date +%s) - start)) s"
exit "$code"
