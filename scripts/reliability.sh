#!/bin/sh
# reliability.sh
# Runs a short form of all that docs/reliability.md reports and prints one line for each.
# What each part said is in out/reliability. Longer forms by variables: CHECKS (event
# sequences of a property), FUZZTIME, LOAD (of an overload), DRIVES and ROUNDS (of losses).
: "${CHECKS:=300}" "${FUZZTIME:=3s}" "${LOAD:=20s}" "${DRIVES:=2}" "${ROUNDS:=1}"
out=out/reliability
mkdir -p "$out"
table="$out/table.md"
failed=0
printf '| what | outcome | s | result |\n|---|---|---|---|\n' > "$table"

# part NAME WHAT COMMAND: runs the command, then words_NAME, which says in one line what
# its output in $log means.
part() {
	name=$1 what=$2
	shift 2
	log="$out/$name.log"
	begun=$(date +%s)
	echo "== $what"
	if "$@" > "$log" 2>&1; then outcome=passed; else outcome=FAILED failed=1; tail -n 15 "$log"; fi
	echo "| $what | $outcome | $(($(date +%s) - begun)) | $("words_$name") |" >> "$table"
}

properties() { go test ./perception/framesync -count=1 -v -rapid.checks="$CHECKS"; }
words_properties() {
	awk '/OK, passed/ {n += $(NF-2); k++} END {print n+0 " event sequences of " k+0 " properties"}' "$log"
}

# fuzz_all fuzzes each decoder of bytes from outside.
fuzz_all() {
	for package in ./bus ./perception/preprocess/internal/codec ./perception/pipeline; do
		for target in $(go test "$package" -list '^Fuzz' | grep '^Fuzz'); do
			go test "$package" -run '^$' -fuzz "^$target\$" -fuzztime "$FUZZTIME" -fuzzminimizetime 100x || return 1
		done
	done
}
words_fuzz() {
	awk '/^fuzz: elapsed/ {for (i = 1; i < NF; i++) if ($i == "execs:") n = $(i+1)}
		/^PASS/ {all += n; k++; n = 0} END {print all+0 " executions of " k+0 " decoders"}' "$log"
}

agreement() { go test ./internal/service ./internal/playback ./nuscenes/replay -count=1 -v -run 'Agree|BothWays|Identity'; }
words_agreement() { words_tests; }

races() { go test -race -short -count=1 ./internal/queue ./internal/service ./bus ./perception/framesync; }
words_races() { awk '/^ok/ {n++} END {print n+0 " packages; goroutine leaks are checked where TestMain has goleak"}' "$log"; }

words_tests() { awk '/^--- PASS/ {n++} /^--- FAIL/ {f++} END {print n+0 " tests passed, " f+0 " failed"}' "$log"; }

client() { make --no-print-directory test-client; }
words_client() { grep -E '^[0-9]+ (passed|failed)' "$log"; }

overload() {
	test -d "$out/full/v1.0-synth" || bin/solofusion synth --out "$out/full" --seed 1 --frames 4 || return 1
	go run ./internal/reliability/cmd overload --drives "$out/full" --duration "$LOAD"
}
words_overload() {
	awk -F ' *[|] *' '/^\| [0-9.]+ x / {printf "%s%s: p50 %s, p99 %s, %s", sep, $2, $7, $8, $10; sep = "; "}' "$log"
}

losses() {
	drives="$out/drives-$DRIVES"
	test -d "$drives/v1.0-synth" ||
		bin/solofusion synth --out "$drives" --seed 1000 --drives "$DRIVES" --frames 6 --window 352x128@0.24+16+88 || return 1
	go run ./internal/reliability/cmd losses --drives "$drives" --frames 6 --rounds "$ROUNDS" --parts crashes --cache "$drives/results"
}
words_losses() {
	awk -F ' *[|] *' '/^\| [1-5] of 6 cameras / {printf "%s%s of %s", sep, $5, $3; sep = ", "} END {print " of mAP kept of images seen"}' "$log"
}

part properties "framesync's properties" properties
part agreement "live, replayed and direct agree" agreement
part fuzz "decoders of outside bytes" fuzz_all
part races "races and leaks" races
part client "cases with a client in another language" client
part overload "overload" overload
part losses "lost cameras and frames" losses

echo
cat "$table"
exit "$failed"
