#!/bin/sh
# Rebuilds every guest from its source, each .wasm beside it. With a directory as argument, builds into that directory instead.
# Needs Debian's packages clang, lld and wabt: the guests are freestanding C and text; those in wasi/ also wasi-libc and libclang-rt-14-dev-wasm32.
set -eu
cd "$(dirname "$0")"
out=${1:-.}
CLANG=${CLANG:-clang}
WASM_LD=${WASM_LD:-wasm-ld}
WAT2WASM=${WAT2WASM:-wat2wasm}
objects=$(mktemp -d)
trap 'rm -rf "$objects"' EXIT
umask 022
mkdir -p "$out"

for source in *.c; do
  name=${source%.c}
  # MVP features only, so that the oldest engines run them too. Linked by wasm-ld itself: as a linker, clang would run wasm-opt
  # where that is installed, and drop the names that backtraces show.
  "$CLANG" --target=wasm32 -mcpu=mvp -O3 -std=c11 -Wall -Wextra -Werror -ffreestanding -fno-math-errno -ffp-contract=off \
    -c -o "$objects/$name.o" "$source"
  "$WASM_LD" --no-entry -z stack-size=65536 -o "$out/$name.wasm" "$objects/$name.o"
  chmod 644 "$out/$name.wasm"
done
for source in *.wat; do
  "$WAT2WASM" --debug-names --enable-multi-memory -o "$out/${source%.wat}.wasm" "$source"
done

mkdir -p "$out/wasi"
for source in wasi/*.c; do
  name=${source%.c}
  "$CLANG" --target=wasm32-wasi -O2 -std=c11 -D_GNU_SOURCE -Wall -Wextra -Werror -c -o "$objects/wasi.o" "$source"
  "$CLANG" --target=wasm32-wasi -Wl,--strip-debug -o "$out/$name.wasm" "$objects/wasi.o"
  chmod 644 "$out/$name.wasm"
done

if [ "$out" = . ]; then
  debug/build.sh
else
  debug/build.sh "$(cd "$out" && pwd)/debug"
fi

# Which tools made them: check.sh compares binaries only under the same.
if [ "$out" = . ]; then
  "$CLANG" --version | head -n 1 >toolchain.txt
fi
