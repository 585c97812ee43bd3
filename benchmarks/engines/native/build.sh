#!/bin/sh
# Builds the command of the engine "native": the sources of the programs and kernels, compiled for this machine.
# build.sh OUTPUT
set -eu
output=$(realpath -m "$1")
cd "$(dirname "$0")"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
kernels=../../kernels
guests=../../../testdata/guests
programs="nbody fib_recursive pollard_rho_128 snappy_compress"

# Which compute what: a list of names for main.c, with the type of the result as the source says it.
for source in "$kernels"/*.c $(for p in $programs; do echo "$guests/$p.c"; done); do
  name=$(basename "$source" .c)
  sed -nE 's/^EXPORT\("(app_main|main)"\) (int32_t|int64_t|double) ([a-z0-9_]+)\((void|int32_t [a-z_]+)\).*/\1 \2 \3 \4/p' "$source" |
    while read -r entry type function arguments _; do
      kind=F64
      [ "$type" = int32_t ] && kind=I32
      [ "$type" = int64_t ] && kind=I64
      [ "$arguments" = void ] || kind=F64_OF_I32
      echo "PROGRAM($name, $entry, $kind, $type, $function)"
    done
done >"$work/programs.h"

# The program that copies a file, whose main function is called by another name.
"${CLANG:-clang}" -O2 -std=gnu11 -Wall -Dmain=copy_main -c -o "$work/copy.o" "$guests/wasi/copy.c"

# No vectors but those of the sources: the kernels are compiled to WebAssembly without others. SSE2 is all that the baseline has.
"${CLANG:-clang}" -O2 -fno-vectorize -fno-slp-vectorize -std=gnu11 -Wall -fno-math-errno -ffp-contract=off -Wno-unknown-attributes -I "$work" \
  -o "$output" main.c "$work/copy.o" "$kernels"/*.c $(for p in $programs; do echo "$guests/$p.c"; done) -lm
