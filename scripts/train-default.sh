#!/bin/sh
# train-default.sh [OUT]
# Makes the default bundle from nothing: renders the drives, trains the three
# stages, exports with an 8-bit head, grades on held-out drives, and writes
# OUT/bundle (default out/default). Every part resumes or is passed over if
# its result is there. An hour and a half on two quiet cores; copy the bundle to
# model/default to embed it.
set -eu
out=${1:-out/default}
python=$(pwd)/.venv/bin/python
window=352x128@0.24+16+88
mkdir -p "$out"
say() { echo "== $*"; }

say "drives to train on"
[ -e "$out/train/.rendered" ] || {
	bin/solofusion synth --out "$out/train" --seed 1 --drives 220 --frames 14 --window $window --depth
	touch "$out/train/.rendered"
}
[ -e "$out/cache/frames.pt" ] || PYTHONPATH=training $python -m solofusion.prepare "$out/train" --out "$out/cache"

stage() {
	say "stage $1"
	name=$1
	shift
	PYTHONPATH=training $python -m solofusion.train "$name" "$out/cache" --out "$out/run" "$@"
}
stage single --steps 3000
stage stereo --steps 400
stage fusion --steps 1400

say "bundle"
PYTHONPATH=training $python -m solofusion.export "$out/run" --cache "$out/cache" --float --out "$out/float" \
	--data "220 rendered drives of 14 frames at network size (synth seed 1)" --command scripts/train-default.sh

say "eight bits"
[ -e "$out/calibration/.rendered" ] || {
	bin/solofusion synth --out "$out/calibration" --seed 3000 --drives 16 --frames 20 --window $window
	touch "$out/calibration/.rendered"
}
bin/solofusion model quantize "$out/float" --calibration "$out/calibration" --max-loss 0.06 --out "$out/bundle"

say "held-out drives"
[ -e "$out/held-out/.rendered" ] || {
	bin/solofusion synth --out "$out/held-out" --seed 1000 --drives 16 --frames 20
	touch "$out/held-out/.rendered"
}
bin/solofusion replay "$out/held-out" --model "$out/bundle" --out "$out/results.json"
bin/solofusion eval "$out/results.json" --dataset "$out/held-out" --dataset-version v1.0-synth \
	--split all --out "$out/metrics"
PYTHONPATH=training $python -m solofusion.provenance "$out/bundle" --metrics "$out/metrics/metrics_summary.json" \
	--drives "16 full-size drives of 20 frames, synth seed 1000"
