#!/bin/sh
# Builds the guests with debugging information into a directory (default: this one). Called by ../build.sh, whose variables it uses.
# The paths in them do not depend on where this is: all are below /guest.
set -eu
cd "$(dirname "$0")"
out=${1:-.}
CLANG=${CLANG:-clang}
WASM_LD=${WASM_LD:-wasm-ld}
objects=$(mktemp -d)
trap 'rm -rf "$objects"' EXIT
umask 022
mkdir -p "$out"

for version in 4 5; do
  for source in main account; do
    "$CLANG" --target=wasm32 -mcpu=mvp -O2 -std=c11 -Wall -Wextra -Werror -ffreestanding "-gdwarf-$version" \
      "-ffile-prefix-map=$(pwd -P)=/guest/debug" -fdebug-compilation-dir=/guest/debug \
      -c -o "$objects/$source.o" "$source.c"
  done
  "$WASM_LD" --no-entry -z stack-size=65536 -o "$out/dwarf$version.wasm" "$objects/main.o" "$objects/account.o"
  chmod 644 "$out/dwarf$version.wasm"
done
