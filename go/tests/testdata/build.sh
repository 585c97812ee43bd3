#!/bin/sh
# Rebuilds the guests of the fault tests, each .wasm beside its source. Needs Debian's package wabt.
set -eu
cd "$(dirname "$0")"
for source in *.wat; do
  wat2wasm --debug-names -o "${source%.wat}.wasm" "$source"
done
