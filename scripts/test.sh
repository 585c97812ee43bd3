#!/usr/bin/env bash
# Runs the Go tests with what is on this machine, and says at the end what was left out and why. Go is all that is needed; a C compiler brings the tests
# with C functions and the race detector, cargo the specification's scripts, which are read from a crate.
set -euo pipefail
cd "$(dirname "$0")/.."

GO=${GO:-go}
CARGO=${CARGO:-cargo}
left_out=()

step() {
  local start=$SECONDS
  echo "== $*"
  "$@"
  echo "== took $((SECONDS - start)) s"
}

if command -v "$CARGO" >/dev/null; then
  step "$CARGO" run --release --locked -q -p gowasmer-suite -- build/testsuite
elif [ ! -d build/testsuite ]; then
  left_out+=("the specification's scripts: cargo is not here (https://rustup.rs)")
fi

# The real programs are a part of make test-long.
packages=$($GO list ./... | grep -v /go/tests/programs)
left_out+=("the real programs: make programs")
# shellcheck disable=SC2086
if command -v "${CC:-gcc}" >/dev/null || command -v clang >/dev/null; then
  CGO_ENABLED=1 step $GO test -timeout 15m $packages
  CGO_ENABLED=1 step $GO test -race -short -timeout 15m ./go/wasmer ./go/internal/...
  # The same without cgo, where that makes a difference.
  CGO_ENABLED=0 step $GO test -timeout 15m ./go/wasmer ./go/internal/image ./go/internal/engine ./examples
else
  CGO_ENABLED=0 step $GO test -timeout 15m $packages
  left_out+=("C functions, C programs, and the race detector: there is no C compiler (Debian: apt-get install gcc libc6-dev)")
fi

echo "all tests passed; left out:"
printf '  %s\n' "${left_out[@]}"
