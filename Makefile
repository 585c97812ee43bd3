# Everything that is built, tested, checked and measured here. `make help` lists the targets.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := build
.DELETE_ON_ERROR:
# Cargo and Go use all cores by themselves, and the order of checks matters.
.NOTPARALLEL:

GO ?= go
CARGO ?= cargo
STATICCHECK_VERSION := v0.7.0
STATICCHECK := $(GO) run honnef.co/go/tools/cmd/staticcheck@$(STATICCHECK_VERSION)
# Packages of the Go module; the modules under benchmarks/ stand by themselves.
PACKAGES := ./...
# Seconds that `make stress` lasts; the run inside of `make test` is shorter.
STRESS_SECONDS ?= 60
# `make fuzz`: how long, or how many cases, and the seed; `make test` runs FUZZ_CI_CASES of a fixed seed.
FUZZ_SECONDS ?= 600
FUZZ_CASES ?=
FUZZ_SEED ?= $$(date +%s)
FUZZ_CI_CASES := 10000
# What is shipped, and the tool that makes its header. Not the whole workspace: what other crates of it ask of dependencies that they
# share would be built into the library, too; rust/fuzz would switch on features of the code generator that the library does not need.
ENGINE := -p gowasmer-engine -p gowasmer-header
# What the Rust tests need of the engine beyond that.
TESTING := --features gowasmer-engine/testing

LIBRARY := build/libgowasmer.a
# Written when it changes; the library keeps what it declares.
HEADER := go/internal/engine/wasmer.h
# Holds the library's hash, so that Go's build and test caches notice a new library.
STAMP := go/internal/engine/library_stamp.go
GO_SOURCES = $$(find go internal examples benchmarks scripts -name '*.go' 2>/dev/null)

.PHONY: help
help: ## list the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  %-14s %s\n", $$1, $$2}'

.PHONY: tools
tools: ## check that Rust, Go and a C compiler are here and new enough
	@GO="$(GO)" CARGO="$(CARGO)" scripts/tools.sh

.PHONY: build
build: library ## build the engine, the C header and the command bin/gowasmer
	@echo "building bin/gowasmer"
	$(GO) build -o bin/gowasmer ./go/cmd/gowasmer

.PHONY: engine
engine: tools
	@echo "building the engine (the first time this takes some minutes)"
	$(CARGO) build --release --locked $(ENGINE)

# The library is made anew only when cargo's changed, so that what depends on it is not built again for nothing.
.PHONY: library
library: header
	@[ $(LIBRARY) -nt target/release/libgowasmer.a ] && [ $(LIBRARY) -nt scripts/library.sh ] && [ $(LIBRARY) -nt $(HEADER) ] || \
		scripts/library.sh target/release/libgowasmer.a $(LIBRARY)
	@scripts/stamp.sh $(LIBRARY) $(STAMP)

.PHONY: header
header: engine ## write the C header and the Go constants from the Rust sources
	target/release/gowasmer-header

.PHONY: guests
guests: ## rebuild the guests in testdata/ (needs Debian's clang, lld, wabt, wasi-libc and libclang-rt-14-dev-wasm32)
	$(MAKE) -C testdata/guests
	go/tests/testdata/build.sh

.PHONY: demo
demo: library ## run the demonstration programs through the Go package
	@$(GO) build -o bin/demo ./go/cmd/demo
	@bin/demo testdata/guests

.PHONY: test
test: build test-rust test-go test-race test-fuzz ## run all tests: Rust, specification, golden files, Go, examples, short stress, short race run, differential

.PHONY: test-rust
test-rust: tools ## run the Rust tests, the specification suite and the golden files
	$(CARGO) test --release --locked $(ENGINE) -p gowasmer-suite $(TESTING)

.PHONY: spec
spec: tools ## run the specification suite alone (BLESS=1 rewrites its counts if every assertion passes)
	$(CARGO) test --release --locked -p gowasmer-engine $(TESTING) --test spec

# The Go tests can neither read a crate nor the text format of scripts.
.PHONY: suite
suite: tools ## write the scripts of the specification suite to build/testsuite, encoded for the Go tests
	$(CARGO) run --release --locked -q -p gowasmer-suite -- build/testsuite

.PHONY: test-go
test-go: build suite ## run the Go tests, the examples and a short stress test
	$(GO) test -timeout 15m $(PACKAGES)

.PHONY: test-race
test-race: build suite ## run the Go tests under the race detector, shortened
	$(GO) test -race -short -timeout 15m $(PACKAGES)

.PHONY: stress
stress: build ## run the stress tests for STRESS_SECONDS (default 60), plain and with the race detector
	STRESS_SECONDS=$(STRESS_SECONDS) $(GO) test -count=1 -timeout $$(( $(STRESS_SECONDS) * 10 + 600 ))s -run 'Stress|Hammer' $(PACKAGES)
	STRESS_SECONDS=$(STRESS_SECONDS) $(GO) test -race -count=1 -timeout $$(( $(STRESS_SECONDS) * 10 + 900 ))s -run 'Stress|Hammer' $(PACKAGES)

.PHONY: test-fuzz
test-fuzz: tools ## run the differential regressions, and 10,000 generated cases against wasmi and wasmtime
	$(CARGO) test --release --locked -p gowasmer-fuzz
	$(CARGO) run --release --locked -p gowasmer-fuzz -- --cases $(FUZZ_CI_CASES) --seed 1

.PHONY: fuzz
fuzz: tools ## run generated cases against wasmi and wasmtime for FUZZ_SECONDS (default 600) or FUZZ_CASES; FUZZ_SEED repeats a run
	$(CARGO) run --release --locked -p gowasmer-fuzz -- $(if $(FUZZ_CASES),--cases $(FUZZ_CASES),--seconds $(FUZZ_SECONDS)) --seed $(FUZZ_SEED)

.PHONY: soak
soak: build ## run the leak tests and the tests of altered modules in full (some minutes)
	SOAK=1 $(GO) test -count=1 -timeout 60m -v -run 'LeaveNothing|TenThousandInstances|FlippedModules' ./go/tests

.PHONY: programs
programs: build ## run the real programs of the tests as WASI guests, and show each (some minutes; fetches 15 MB)
	$(GO) test -count=1 -timeout 60m -v ./go/tests/programs

# The suite is no package of a registry: a checkout of it, with its tests built, has to be there.
.PHONY: wasi-testsuite
wasi-testsuite: build ## run the official WASI test suite from a checkout with built tests: WASI_TESTSUITE=its folder of preview 1
	@[ -n "$(WASI_TESTSUITE)" ] || { echo "usage: make wasi-testsuite WASI_TESTSUITE=folder with *.wasm of github.com/WebAssembly/wasi-testsuite"; exit 2; }
	$(GO) run ./scripts/wasisuite bin/gowasmer "$(WASI_TESTSUITE)"

.PHONY: bench
bench: build ## measure against other runtimes and print one table
	$(MAKE) -C benchmarks

.PHONY: check
check: check-format check-generated check-licenses check-lint check-benchmarks ## check formats, lints, and that generated files are fresh

.PHONY: check-format
check-format:
	$(CARGO) fmt --all --check
	@unformatted=$$(gofmt -l $(GO_SOURCES)); [ -z "$$unformatted" ] || { echo "not formatted (run gofmt -w):"; echo "$$unformatted"; exit 1; }

.PHONY: check-lint
check-lint: library
	$(CARGO) clippy --release --locked $(ENGINE) -- -D warnings
	$(CARGO) clippy --release --locked $(ENGINE) -p gowasmer-suite $(TESTING) --all-targets -- -D warnings
	$(CARGO) clippy --release --locked -p gowasmer-fuzz --no-deps --all-targets -- -D warnings
	$(GO) vet $(PACKAGES)
	$(STATICCHECK) $(PACKAGES)

.PHONY: check-generated
check-generated: engine
	target/release/gowasmer-header --check

.PHONY: check-benchmarks
check-benchmarks:
	$(MAKE) -C benchmarks check

.PHONY: licenses
licenses: tools ## write THIRD-PARTY.md: the licences of all crates in the static library
	@mkdir -p build
	CARGO="$(CARGO)" $(GO) run ./scripts/licenses > build/THIRD-PARTY.md
	@mv build/THIRD-PARTY.md THIRD-PARTY.md

.PHONY: check-licenses
check-licenses: tools
	@mkdir -p build
	CARGO="$(CARGO)" $(GO) run ./scripts/licenses > build/THIRD-PARTY.md
	@cmp build/THIRD-PARTY.md THIRD-PARTY.md || { echo "THIRD-PARTY.md is stale: run make licenses and commit it"; exit 1; }

# Not a part of `make check`: the compiler for arm64 takes 1.5 GB of Debian's packages, and installing qemu needs root.
.PHONY: check-arm64
check-arm64: ## check that the engine builds for linux/arm64 (fetches a compiler into build/arm64; Debian, root)
	scripts/arm64.sh
	. build/arm64/env.sh && $(CARGO) check --release --locked $(TESTING) -p gowasmer-engine

.PHONY: clean
clean: ## remove everything that was built
	$(CARGO) clean
	rm -rf build bin $(STAMP)
