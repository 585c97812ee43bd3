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
# `make differential`: how many cases are run through the Go package, and the seed; `make test-differential` runs DIFFERENTIAL_CI_CASES of a fixed seed.
CASES ?= 200000
SEED ?= $$(date +%s)
DIFFERENTIAL_CI_CASES := 3000
# How many rounds of mixed load `make soak` runs.
ROUNDS ?= 1000000
# The engine, and the tool that makes what other languages know of it. Not the whole workspace: what other crates of it ask of dependencies that they
# share would be built into the library, too; rust/fuzz would switch on features of the code generator that the library does not need.
ENGINE := -p gowasmer-engine -p gowasmer-header
# What the Rust tests need of the engine beyond that.
TESTING := --features gowasmer-engine/testing

# The engine's image for this machine's architecture, as `make image` makes it. Where it differs from the committed one, Go is given it in that one's place.
ARCHITECTURE := $(shell $(GO) env GOARCH 2>/dev/null)
IMAGE := build/image_$(ARCHITECTURE).bin
OVERLAY := build/overlay.json
ifneq ($(and $(wildcard $(IMAGE)),$(wildcard $(OVERLAY)),$(shell cmp -s $(IMAGE) go/internal/image/image_$(ARCHITECTURE).bin || echo differs)),)
export GOFLAGS += -overlay=$(CURDIR)/$(OVERLAY)
endif

# The static library, which the tag gowasmer_static links by cgo.
LIBRARY := build/libgowasmer.a
HEADER := go/internal/engine/wasmer.h
# Holds the library's hash, so that Go's build and test caches notice a new library.
STAMP := go/internal/engine/library_stamp.go
GO_SOURCES = $$(find go internal examples benchmarks scripts -name '*.go' 2>/dev/null)

.PHONY: help
help: ## list the targets
	@grep -hE '^[a-z0-9-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  %-18s %s\n", $$1, $$2}'

.PHONY: build
build: ## build the command bin/gowasmer (needs Go alone)
	$(GO) build -o bin/gowasmer ./go/cmd/gowasmer

.PHONY: demo
demo: ## run the demonstration programs through the Go package (needs Go alone)
	@$(GO) run ./go/cmd/demo testdata/guests

.PHONY: test
test: ## run the Go tests with what is here: a C compiler and cargo are used if they are; says what was left out
	@GO="$(GO)" CARGO="$(CARGO)" scripts/test.sh

.PHONY: test-long
test-long: test-rust test-static test-fuzz test-differential test-versions compat programs ## run the long tests: Rust, the static library, differential, real programs

# The oldest Go that is supported, and the newest that there is; the one that is installed runs everything else.
GO_VERSIONS := go1.25.9 go1.27.4

.PHONY: test-versions
test-versions: ## run the tests of the packages with other versions of Go (GO_VERSIONS)
	@for version in $(GO_VERSIONS); do echo "== $$version"; \
		GOTOOLCHAIN=$$version CGO_ENABLED=0 $(GO) test -short -timeout 15m ./go/wasmer ./go/internal/... || exit 1; done

.PHONY: test-arm64
test-arm64: ## run the Go tests for linux/arm64 under qemu (SHORT=1: those that CI runs; Debian, root if gcc is missing)
	@GO="$(GO)" CARGO="$(CARGO)" scripts/test_arm64.sh $(if $(SHORT),short)

.PHONY: compat
compat: ## run the test suite of go-ext-wasm 0.3.1 against this package
	@GO="$(GO)" scripts/compat.sh

.PHONY: tools
tools: ## check that Rust, Go and a C compiler are here and new enough
	@GO="$(GO)" CARGO="$(CARGO)" scripts/tools.sh

.PHONY: image
image: tools ## build the engine's image for this architecture into build/, and have Go use it from now on
	scripts/image.sh $(ARCHITECTURE)
	@printf '{"Replace": {"%s": "%s", "%s": "%s"}}\n' "$(CURDIR)/go/internal/image/image_$(ARCHITECTURE).bin" "$(CURDIR)/$(IMAGE)" \
		"$(CURDIR)/go/internal/image/image_$(ARCHITECTURE).sum" "$(CURDIR)/$(IMAGE:.bin=.sum)" > $(OVERLAY)

.PHONY: image-arm64
image-arm64: tools ## build the image for arm64 into build/ (fetches a compiler into build/arm64; Debian, root)
	scripts/image.sh arm64

.PHONY: check-image-arm64
check-image-arm64: image-arm64 ## rebuild the image for arm64 and compare it with the committed one
	@cmp build/image_arm64.bin go/internal/image/image_arm64.bin || $(STALE)
	@cmp build/image_arm64.sum go/internal/image/image_arm64.sum || $(STALE)

.PHONY: images
images: image image-arm64 ## build both images and put them where they are committed
	cp build/image_amd64.bin build/image_amd64.sum build/image_arm64.bin build/image_arm64.sum go/internal/image/

STALE = { echo "the committed image is not what these sources make: run make images, and commit what it changed"; exit 1; }

.PHONY: check-image
check-image: image ## rebuild the image for this architecture and compare it with the committed one
	@cmp $(IMAGE) go/internal/image/image_$(ARCHITECTURE).bin || $(STALE)
	@cmp build/image_$(ARCHITECTURE).sum go/internal/image/image_$(ARCHITECTURE).sum || $(STALE)

.PHONY: engine
engine: tools
	@echo "building the engine (the first time this takes some minutes)"
	$(CARGO) build --release --locked $(ENGINE)

# The library is made anew only when cargo's changed, so that what depends on it is not built again for nothing.
.PHONY: library
library: header ## build the static library build/libgowasmer.a, which the tag gowasmer_static links
	$(CARGO) rustc --release --locked -p gowasmer-engine --lib --crate-type staticlib
	@[ $(LIBRARY) -nt target/release/libgowasmer.a ] && [ $(LIBRARY) -nt scripts/library.sh ] && [ $(LIBRARY) -nt $(HEADER) ] || \
		scripts/library.sh target/release/libgowasmer.a $(LIBRARY)
	@scripts/stamp.sh $(LIBRARY) $(STAMP)

.PHONY: header
header: engine ## write the C header, the Go bindings and constants, and the engine's table of its functions from the Rust sources
	target/release/gowasmer-header
	@# The table is a part of the engine: if it changed, that is built again.
	$(CARGO) build --release --locked -q $(ENGINE)

.PHONY: guests
guests: ## rebuild the guests in testdata/ (needs Debian's clang, lld, wabt, wasi-libc and libclang-rt-14-dev-wasm32)
	$(MAKE) -C testdata/guests
	go/tests/testdata/build.sh

.PHONY: test-rust
test-rust: tools ## run the Rust tests, the specification suite and the golden files
	$(CARGO) test --release --locked $(ENGINE) -p gowasmer-suite -p gowasmer-image-mem $(TESTING)

.PHONY: test-static
test-static: library ## run the Go tests of the package on the static library
	CGO_ENABLED=1 $(GO) test -tags gowasmer_static -timeout 15m ./go/wasmer ./go/internal/...

.PHONY: spec
spec: tools ## run the specification suite alone (BLESS=1 rewrites its counts if every assertion passes)
	$(CARGO) test --release --locked -p gowasmer-engine $(TESTING) --test spec

.PHONY: test-shapes
test-shapes: tools ## measure how long functions of odd shapes take to compile, up to 7 MB; fails above 8 times the usual time (SHAPES=name,name; half an hour)
	SHAPES=$(or $(SHAPES),1) $(CARGO) test --release --locked -p gowasmer-engine $(TESTING) --test shapes -- --nocapture time_is_in_proportion

# The Go tests can neither read a crate nor the text format of scripts.
.PHONY: suite
suite: tools ## write the scripts of the specification suite to build/testsuite, encoded for the Go tests
	$(CARGO) run --release --locked -q -p gowasmer-suite -- build/testsuite

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

# Without cgo, so that it is the image that runs the cases, whatever else is built.
DIFFERENTIAL := CGO_ENABLED=0 $(GO) run ./scripts/differential -emitter target/release/gowasmer-fuzz

.PHONY: emitter
emitter: tools
	$(CARGO) build --release --locked -p gowasmer-fuzz

.PHONY: differential
differential: emitter ## run CASES generated cases (default 200,000) through the Go package and compare with wasmi and wasmtime; SEED repeats a run
	$(DIFFERENTIAL) -cases $(CASES) -seed $(SEED)

.PHONY: test-differential
test-differential: emitter ## the same with 3,000 cases of a fixed seed
	$(DIFFERENTIAL) -cases $(DIFFERENTIAL_CI_CASES) -seed 1

.PHONY: soak
soak: build ## run the leak tests, ROUNDS of mixed load (default 1,000,000) and the tests of altered modules in full (half an hour)
	SOAK=1 ROUNDS=$(ROUNDS) $(GO) test -count=1 -timeout 12h -v -run 'LeaveNothing|LeavesNothing|TenThousandInstances|FlippedModules' ./go/tests

.PHONY: test-pauses
test-pauses: ## pause the compilations of all test guests at each instruction that they execute, and give up at 3,000 (some minutes; `make test` has a short form)
	PAUSES=1 CGO_ENABLED=0 $(GO) test -count=1 -timeout 60m -v ./go/tests/pauses

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
check: check-format check-workflows check-generated check-licenses check-lint check-documentation check-benchmarks ## check formats, lints, and that generated files are fresh

.PHONY: check-format
check-format:
	$(CARGO) fmt --all --check
	@unformatted=$$(gofmt -l $(GO_SOURCES)); [ -z "$$unformatted" ] || { echo "not formatted (run gofmt -w):"; echo "$$unformatted"; exit 1; }

.PHONY: check-workflows
check-workflows:
	@scripts/check_workflow.sh
	@scripts/check_workflow_test.sh

.PHONY: check-lint
check-lint: tools
	$(CARGO) clippy --release --locked $(ENGINE) -- -D warnings
	$(CARGO) clippy --release --locked $(ENGINE) -p gowasmer-suite -p gowasmer-image-mem $(TESTING) --all-targets -- -D warnings
	$(CARGO) clippy --release --locked -p gowasmer-engine --no-default-features -- -D warnings
	$(CARGO) clippy --release --locked -p gowasmer-fuzz --no-deps --all-targets -- -D warnings
	$(GO) vet $(PACKAGES)
	$(STATICCHECK) $(PACKAGES)

# Widths of lines, snippets, links, names of files, the list of guarded files.
.PHONY: check-documentation
check-documentation:
	$(GO) test -count=1 -run '^Test(Documentation|Width|Snippets|DocumentedNames|DocumentLinks|GuardedFiles|RationaleReferences)$$' ./go/tests

.PHONY: check-generated
check-generated: engine
	target/release/gowasmer-header --check

.PHONY: check-benchmarks
check-benchmarks:
	$(MAKE) -C benchmarks check

.PHONY: licenses
licenses: tools ## write THIRD-PARTY.md: the licences of all crates in the images and the static library
	@mkdir -p build
	rust/image/wast.sh
	CARGO="$(CARGO)" $(GO) run ./scripts/licenses > build/THIRD-PARTY.md
	@mv build/THIRD-PARTY.md THIRD-PARTY.md

.PHONY: check-licenses
check-licenses: tools
	@mkdir -p build
	rust/image/wast.sh
	CARGO="$(CARGO)" $(GO) run ./scripts/licenses > build/THIRD-PARTY.md
	@cmp build/THIRD-PARTY.md THIRD-PARTY.md || { echo "THIRD-PARTY.md is stale: run make licenses and commit it"; exit 1; }

# What a release consists of. The version is that of the tag, if there is one: make sbom VERSION=v1.2.3
SBOM := build/release/sbom.spdx.json
# The image where there is one; what its workspace changes of a crate has to be there before cargo reads it.
SBOM_MANIFEST = rust/image/Cargo.toml
SBOM_FILES = $(wildcard go/internal/image/image_*.bin)
VERSION ?=

.PHONY: sbom
sbom: ## write build/release/sbom.spdx.json: the crates, modules and images of a release (VERSION=v1.2.3)
	@mkdir -p build/release
	rust/image/wast.sh
	$(GO) run ./scripts/sbom -manifest $(SBOM_MANIFEST) -version "$(VERSION)" $(SBOM_FILES) > $(SBOM).new
	@mv $(SBOM).new $(SBOM)

# From what make image has built, which has to be the committed image. The static library is released for amd64 alone.
.PHONY: release-files
release-files: $(if $(filter amd64,$(ARCHITECTURE)),library) sbom ## gather what a release has of this architecture, and its hashes, in build/release (after make check-image)
	scripts/release_files.sh gather $(ARCHITECTURE)

.PHONY: release-sums
release-sums: ## write build/release/SHA256SUMS when the files of both architectures are there
	scripts/release_files.sh sums

# Flags of the proof: make installation INSTALLATION_FLAGS='-only zip,get,static'; `go -C scripts/installation run . -help` lists them.
INSTALLATION_FLAGS ?=

.PHONY: installation
installation: ## prove that the module can be fetched by go get, built and run: without cgo, with it, vendored, cross compiled (minutes)
	cd scripts/installation && $(GO) vet . && $(GO) test -short . && $(GO) run . -root ../.. $(INSTALLATION_FLAGS)

# Not a part of `make check`: the compiler for arm64 takes 1.5 GB of Debian's packages, and installing qemu needs root.
.PHONY: check-arm64
check-arm64: ## check that the engine builds for linux/arm64 (fetches a compiler into build/arm64; Debian, root)
	scripts/arm64.sh
	. build/arm64/env.sh && $(CARGO) check --release --locked $(TESTING) -p gowasmer-engine

.PHONY: clean
clean: ## remove everything that was built
	$(CARGO) clean
	rm -rf build bin $(STAMP)
