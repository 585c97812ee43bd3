#!/bin/sh
# Rebuilds every kernel from its source, each .wasm beside it, and writes expected.txt: what the same sources return natively.
# Needs Debian's packages clang and lld. Only features of the first version of WebAssembly, so that the oldest engines run them too; those
# named simd_... use vectors of 128 bits.
set -eu
cd "$(dirname "$0")"
CLANG=${CLANG:-clang}
WASM_LD=${WASM_LD:-wasm-ld}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
umask 022

for source in *.c; do
  name=${source%.c}
  vectors=
  case $name in simd_*) vectors=-msimd128 ;; esac
  "$CLANG" --target=wasm32 -mcpu=mvp $vectors -O2 -std=c11 -Wall -Wextra -Werror -ffreestanding -fno-math-errno -ffp-contract=off \
    -c -o "$work/$name.o" "$source"
  "$WASM_LD" --no-entry -z stack-size=65536 -o "$name.wasm" "$work/$name.o"
  chmod 644 "$name.wasm"
done

../engines/native/build.sh "$work/native"
for source in *.c; do
  name=${source%.c}
  "$work/native" -expected -program "$name.wasm"
done >"$work/expected.txt"
cp "$work/expected.txt" expected.txt
cat expected.txt
