#!/usr/bin/env bash
# Runs the Go tests for linux/arm64 under qemu, on x86-64, and says at the end what was left out and
# why. The engine is the committed image, or that of build/ where there is one (make image-arm64).
#
# usage: scripts/test_arm64.sh [short]
#
# The short form is for continuous integration: the packages without cgo, the whole specification
# suite, and of go/tests what touches what an architecture has of its own (entries, traps, pauses,
# signals, C functions). One test program runs at a time, so that clocks and memory are its own.
#
# Go is needed; qemu and a cross compiler are fetched by scripts/arm64.sh (Debian; as root for the
# compiler, without which the tests of C functions are left out). cargo writes the specification's
# scripts, if build/testsuite does not have them.
set -euo pipefail
cd "$(dirname "$0")/.."

GO=${GO:-go}
CARGO=${CARGO:-cargo}
form=${1-long}
left_out=()
took=()

fail() {
  echo "test_arm64.sh: $1" >&2
  exit 1
}

case $form in long | short) ;; *) fail "usage: scripts/test_arm64.sh [short], not $form" ;; esac
command -v "$GO" >/dev/null || fail "missing: Go (https://go.dev/dl)"

# step TITLE COMMAND...: runs a command and notes how long it took, if it succeeds.
step() {
  local start=$SECONDS title=$1
  shift
  echo "== $title: $*"
  "$@" || return
  took+=("$(printf '%4d s  %s' $((SECONDS - start)) "$title")")
}

# Before what is exported for arm64: this is a program of this machine.
if [ ! -d build/testsuite ] && command -v "$CARGO" >/dev/null; then
  step "the specification's scripts" "$CARGO" run --release --locked -q -p gowasmer-suite -- build/testsuite
fi

step "fetching qemu" scripts/arm64.sh qemu
cgo=yes
step "a C compiler" scripts/arm64.sh gcc || cgo=
# shellcheck disable=SC1091
. build/arm64/go.sh

if [ -f build/image_arm64.bin ] && ! cmp -s build/image_arm64.bin go/internal/image/image_arm64.bin; then
  printf '{"Replace": {"%s": "%s", "%s": "%s"}}\n' "$PWD/go/internal/image/image_arm64.bin" "$PWD/build/image_arm64.bin" \
    "$PWD/go/internal/image/image_arm64.sum" "$PWD/build/image_arm64.sum" >build/overlay_arm64.json
  export GOFLAGS="${GOFLAGS-} -overlay=$PWD/build/overlay_arm64.json"
  echo "== the image is build/image_arm64.bin"
fi

# compile CGO: compiles what tests use, on all processors: run has one for it.
compile() {
  CGO_ENABLED=$1 "$GO" build ./go/wasmer ./go/internal/... ./go/tests/cfuncs ./internal/... testing runtime/pprof
}

# run TITLE CGO ARGUMENT...: runs tests, with cgo (1) or without (0).
run() {
  local title=$1 enabled=$2
  shift 2
  CGO_ENABLED=$enabled step "$title" "$GO" test -p 1 -short -count=1 -timeout 30m -exec "$GOWASMER_TEST_EMULATOR" "$@"
}

# c_example runs the example of C functions and compares what it prints.
c_example() {
  CGO_ENABLED=1 "$GO" build -o build/imports-cgo.arm64 ./examples/imports-cgo || return
  "$GOWASMER_TEST_EMULATOR" build/imports-cgo.arm64 | diff examples/imports-cgo/output.txt -
}

# names NAME...: the pattern of these tests alone.
names() {
  local IFS='|'
  echo "^($*)\$"
}

suite=(TestSpecification)
[ -d build/testsuite ] || {
  suite=()
  left_out+=("the specification suite: neither build/testsuite nor cargo is here (make suite; https://rustup.rs)")
}
# Of go/tests, what is short and depends on the architecture: calls and traps, pauses and deadlines,
# thousands of goroutines, signals, C functions.
calls=(TestTraps TestTrapBacktrace TestNestedCalls TestInnerTrap TestHostError TestHostPanic TestHostGoexit
  TestGoFaultsStillPanic TestVectorsSurvivePauses TestExternrefSpinningGuest)
time=(TestDeadlineOfLongFill TestEndlessGuestOnOneP TestDeadlineInHostFunction TestDeadlineOfNestedCalls TestDeadlineOfStart)
goroutines=(TestManyBlockedHostCalls TestCollectWhileGuestsOccupyAllProcessors)
signals=('TestAssume.*' TestSignalsAndProcesses TestNotifyWhileGuestRuns TestQuitWhileGuestRuns TestSentFaultWhileGuestRuns)
c=(TestThreadsOfC TestCFunctionUnderAssemblyEntry TestCFunctionsInSharedTables TestGoexitInCallbackOfC)

case $form in
short)
  step "compiling, without cgo" compile 0
  run "internal packages" 0 ./go/internal/... ./internal/...
  run "the package" 0 ./go/wasmer
  run "whole, without cgo" 0 -run "$(names "${suite[@]}" "${calls[@]}" "${time[@]}" "${goroutines[@]}" "${signals[@]}")" ./go/tests
  if [ -n "$cgo" ]; then
    step "compiling, with cgo" compile 1
    run "whole, with cgo" 1 -run "$(names "${calls[@]}" "${time[@]}" "${signals[@]}" "${c[@]}")" ./go/tests
    step "example of C functions" c_example
  fi
  left_out+=("what the long form runs besides (make test-arm64): time")
  ;;
long)
  CGO_ENABLED=0 step "vet" "$GO" vet ./go/... ./internal/... ./examples/...
  run "internal packages" 0 ./go/internal/... ./internal/...
  run "the package" 0 ./go/wasmer
  run "command and examples" 0 ./go/cmd/... ./examples
  run "whole, without cgo" 0 -skip 'Stress|Hammer' ./go/tests
  if [ -n "$cgo" ]; then
    step "compiling, with cgo" compile 1
    run "the package, with cgo" 1 ./go/internal/engine ./go/internal/image ./go/wasmer
    run "whole, with cgo" 1 -skip 'Stress|Hammer|Specification' ./go/tests
    run "examples, with cgo" 1 ./examples
  fi
  left_out+=("what go test -short leaves out, stress tests, and the real programs: hours under qemu")
  ;;
esac
[ -n "$cgo" ] || left_out+=("C functions: there is no cross compiler (Debian, as root: scripts/arm64.sh gcc)")
left_out+=("the race detector: it needs addresses that qemu does not give"
  "what qemu cannot show: memory order, speed, instruction caches (RATIONALE.md, \"arm64\")")

echo "all tests passed; times:"
printf '  %s\n' "${took[@]}"
echo "left out:"
printf '  %s\n' "${left_out[@]}"
