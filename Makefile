# Run `make` for the list of targets.

# Environment variables are set over what the machine's Go is configured to do.
export GOTOOLCHAIN := go1.27.3
export GOEXPERIMENT := simd
# The experiment slows scalar code on some processors unless the runtime interrupts goroutines
# only where they call functions: docs/adr/0009-preemption.md.
LINK := -X=runtime.godebugDefault=asyncpreemptoff=1
# No VCS stamping, which fails in a checkout of another user; --version gets its revision below.
export GOFLAGS += -buildvcs=false -ldflags=$(LINK)

GIT := git -c safe.directory='$(CURDIR)'
REVISION = $(shell $(GIT) describe --always --dirty --abbrev=12 2>/dev/null)
GOFMT := "$$(go env GOROOT)/bin/gofmt"

STATICCHECK := honnef.co/go/tools/cmd/staticcheck@v0.8.2
GOLANGCI := github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.15.0
# PROMTOOL=promtool takes one that is installed.
PROMTOOL ?= go run github.com/prometheus/prometheus/cmd/promtool@v0.316.0
BUF := github.com/bufbuild/buf/cmd/buf@v1.75.0

PART := scripts/part.sh

.DEFAULT_GOAL := help
.PHONY: help deps deps-cuda toolchain images opencv onnxruntime build build-plain demo bench bench-reference bench-eval parity rigs \
	reliability losses overload test test-race test-python test-client fuzz fuzz-kernels check-deploy lint golangci fmt proto clean

help: ## print this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "make %-15s  %s\n", $$1, $$2}' $(MAKEFILE_LIST)

deps: toolchain images opencv onnxruntime ## install what building and running need: Go's toolchain, libjpeg-turbo, libpng, OpenCV, ONNX Runtime

toolchain:
	@scripts/check-go.sh

images:
	@scripts/install-images.sh

opencv:
	@scripts/install-opencv.sh

onnxruntime:
	@scripts/install-onnxruntime.sh

deps-cuda: ## install ONNX Runtime for NVIDIA GPUs with CUDA and cuDNN beside the one for CPUs (1.4 GB)
	@scripts/install-onnxruntime-gpu.sh

build: deps ## build bin/solofusion
	@go build -ldflags '$(LINK) -X=main.revision=$(REVISION)' -o bin/solofusion ./cmd/solofusion

build-plain: deps
	@GOEXPERIMENT= go build ./...

demo: ## render a drive, serve it over NATS, detect, grade, draw
	@$(PART) deps $(MAKE) --no-print-directory deps
	@$(PART) build $(MAKE) --no-print-directory build
	@$(PART) demo bin/solofusion demo

bench: build ## time every stage of the default bundle, and those between the networks at the full size
	@bin/solofusion bench
	@bin/solofusion bench --size r50

bench-reference: build .venv/.installed ## time the stages between the networks against the reference's arithmetic in PyTorch
	@.venv/bin/python training/bench_reference.py

bench-eval: build .venv/.installed ## time eval against nuscenes-devkit on made-up data of real size (3 GB in out/)
	@mkdir -p out
	@go run ./nuscenes/eval/internal/benchset --out out/bench-eval
	@go run ./nuscenes/eval/internal/benchset --out out/bench-eval-trainval --size trainval
	@.venv/bin/python training/bench_eval.py --data out/bench-eval --tables out/bench-eval-trainval --program bin/solofusion

parity: build .venv/.installed ## compare every stage with an oracle in PyTorch, write docs/parity.md
	@PYTHONPATH=training .venv/bin/python -m reference.parity --report docs/parity.md

rigs: build .venv/.installed ## grade the default bundle on drives as other vehicles record them, write docs/rigs.md
	@test -d out/rigs/v1.0-synth || bin/solofusion synth --out out/rigs --seed 1000 --drives 8 --frames 10
	@PYTHONPATH=training .venv/bin/python -m reference.rigs out/rigs --report docs/rigs.md

reliability: build ## a short form of all that docs/reliability.md reports, in ten minutes
	@scripts/reliability.sh

OUT_LOSSES := out/losses
losses: build ## grade the default bundle with cameras and frames lost, write docs/reliability.md; half an hour
	@test -d $(OUT_LOSSES)/drives/v1.0-synth || bin/solofusion synth --out $(OUT_LOSSES)/drives --seed 1000 --drives 16 --frames 24 --window 352x128@0.24+16+88
	@go run ./internal/reliability/cmd losses --drives $(OUT_LOSSES)/drives --cache $(OUT_LOSSES)/results --report docs/reliability.md

overload: build ## send the service twice and ten times of what it can work off, ten minutes each, write docs/reliability.md
	@test -d out/drives/v1.0-synth || bin/solofusion synth --out out/drives --seed 1 --frames 4
	@go run ./internal/reliability/cmd overload --drives out/drives --duration 10m --report docs/reliability.md

test: ## install what is needed, lint, run all Go tests
	@$(PART) deps $(MAKE) --no-print-directory deps
	@$(PART) lint $(MAKE) --no-print-directory lint
	@$(PART) "build without GOEXPERIMENT" $(MAKE) --no-print-directory build-plain
	@$(PART) "Go tests" go test -timeout 30m ./...
	@$(PART) "kernels, every vector length" scripts/test-kernels.sh

test-race: deps ## run all Go tests under the race detector
	@$(PART) "Go tests, race detector" go test -race -timeout 60m ./...

FUZZTIME ?= 3m
# Making an input that reaches new code small stops all others; a hundred tries do.
FUZZ := go test -run '^$$' -fuzztime $(FUZZTIME) -fuzzminimizetime 100x -fuzz
fuzz: deps ## fuzz the readers of results, tables, messages and images, FUZZTIME (3m) each
	@$(FUZZ) FuzzResults ./nuscenes
	@$(FUZZ) FuzzTables ./nuscenes
	@$(FUZZ) FuzzSkip ./nuscenes/internal/pull
	@$(FUZZ) FuzzFloat ./nuscenes/internal/pull
	@for f in FuzzCalibration FuzzFrame FuzzPose FuzzControl FuzzSubject FuzzResult FuzzStatus; do \
		$(FUZZ) "^$$f\$$" ./bus || exit 1; done
	@$(FUZZ) FuzzDecode ./perception/preprocess/internal/codec
	@$(FUZZ) FuzzParse ./onnx/graph

fuzz-kernels: deps ## fuzz every kernel against its generic one, FUZZTIME (3m) each
	@scripts/fuzz-kernels.sh $(FUZZTIME)

.venv/.installed: training/requirements.txt training/requirements-devkit.txt
	@scripts/install-python.sh
	@scripts/make-venv.sh .venv $< --no-deps training/requirements-devkit.txt
	@touch $@

test-python: ## make .venv with PyTorch and nuscenes-devkit, run what compares with them
	@$(PART) build $(MAKE) --no-print-directory build
	@$(PART) .venv $(MAKE) --no-print-directory .venv/.installed
	@$(PART) "Python lint" .venv/bin/ruff check
	@$(PART) "Python tests" .venv/bin/python -m pytest

# The NATS server's own program, of the version that go.mod has: tests end and restart it.
NATS_SERVER := github.com/nats-io/nats-server/v2
out/test-client/nats-server: go.mod
	@mkdir -p $(@D)
	@GOBIN=$(abspath $(@D)) go install -ldflags= $(NATS_SERVER)@$$(go list -m -f '{{.Version}}' $(NATS_SERVER))
	@touch $@

CLIENT := examples/python
.venv-client/.installed: $(CLIENT)/requirements.txt $(CLIENT)/tests/requirements.txt
	@scripts/install-python.sh
	@scripts/make-venv.sh .venv-client $^
	@touch $@

test-client: ## make .venv-client, drive the program with the Python client of examples/python
	@$(PART) build $(MAKE) --no-print-directory build
	@$(PART) .venv-client $(MAKE) --no-print-directory .venv-client/.installed out/test-client/nats-server
	@$(PART) "client tests" .venv-client/bin/python -m pytest -c $(CLIENT)/pyproject.toml $(CLIENT)/tests

lint: deps ## vet, gofmt and staticcheck
	@go vet ./...
	@files=$$($(GIT) ls-files '*.go') && bad=$$($(GOFMT) -l $$files) || exit 1; \
	test -z "$$bad" || { echo "lint: not formatted, run make fmt:"; echo "$$bad"; exit 1; }
	@go run $(STATICCHECK) ./...

golangci: deps ## the linters of .golangci.yml; building golangci-lint takes minutes the first time
	@go run $(GOLANGCI) run ./...

fmt: toolchain ## format Go, and Python if .venv is there
	@files=$$($(GIT) ls-files '*.go') && $(GOFMT) -w $$files
	@if [ -x .venv/bin/ruff ]; then .venv/bin/ruff format; fi

check-deploy: deps ## check the alert rules with promtool, whose build takes minutes the first time, and the systemd unit
	@cd deploy && $(PROMTOOL) check rules alerts.yml && $(PROMTOOL) test rules alerts_test.yml
	@go test ./internal/service -run 'TestUnit|TestMetricsAreDocumented|TestRulesAndDashboardNameMetrics' -count 1 -v

proto: deps ## lint the wire schema, generate its Go, fail if that changes what is committed
	@cd proto && go run $(BUF) lint && go run $(BUF) generate
	@$(GIT) diff --exit-code -- proto

clean: ## remove what make made, but not the dependencies
	@rm -rf bin out $(CLIENT)/generated .pytest_cache .ruff_cache
