#!/bin/sh
# Checks the committed guests against their sources and the machine itself:
#   check.sh          compiles the programs natively, runs them, and compares what they return with expected.txt (which the guests
#                     must return, too); rebuilds every guest and says which committed binary differs from its source.
#   check.sh --write  writes expected.txt from the native run.
# CC is the native compiler; clang alone is needed for the rebuilding, which is left out, saying so, when clang is of another version
# than the one that made the committed files (their bytes would differ without fault).
set -eu
cd "$(dirname "$0")"
CC=${CC:-cc}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# The same arithmetic as wasm's: no fused multiply-add, no errno, wrapping integers are unsigned in the sources.
"$CC" -O2 -std=c11 -fno-math-errno -ffp-contract=off -Wno-attributes -Wno-unknown-warning-option -o "$work/native" native/main.c \
  nbody.c fib_recursive.c pollard_rho_128.c snappy_compress.c -lm
"$work/native" >"$work/expected.txt"
if [ "${1:-}" = --write ]; then
  cp "$work/expected.txt" expected.txt
  echo "wrote expected.txt"
  exit 0
fi
diff -u expected.txt "$work/expected.txt" || {
  echo "check.sh: the native run differs from expected.txt (above)" >&2
  exit 1
}
echo "guests: the native run agrees with expected.txt ($(wc -l <expected.txt) results)"

maker=$(cat toolchain.txt)
here=$("${CLANG:-clang}" --version 2>/dev/null | head -n 1 || true)
if [ "$here" != "$maker" ]; then
  echo "guests: not rebuilt: made with \"$maker\", here is \"${here:-no clang}\""
  exit 0
fi
./build.sh "$work/out" >/dev/null
status=0
for guest in *.wasm wasi/*.wasm debug/dwarf*.wasm; do
  if ! cmp -s "$guest" "$work/out/$guest"; then
    echo "check.sh: $guest differs from what its source builds to; run \"make guests\"" >&2
    status=1
  fi
done
[ $status = 0 ] && echo "guests: every committed binary is what its source builds to"
exit $status
