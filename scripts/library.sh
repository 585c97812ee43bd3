#!/usr/bin/env bash
# Makes the static library that Go links from the one that cargo builds: one object with what the C ABI reaches and nothing else,
# whose only global symbols are those of the header. So it is less than half as large, and its Rust standard library does not
# clash with that of another Rust library in the same program. CROSS is the prefix of another architecture's binutils.
set -eu

input=$1
output=$2
header=go/internal/engine/wasmer.h

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
grep -oE '\bgw_[a-z0-9_]+\(' "$header" | tr -d '(' | sort -u > "$work/symbols"
[ -s "$work/symbols" ] || { echo "library.sh: no functions found in $header" >&2; exit 1; }

# shellcheck disable=SC2046
"${CROSS:-}ld" -r --gc-sections $(sed 's/^/-u /' "$work/symbols") -o "$work/all.o" "$input"
# The standard library brings its LLVM bitcode along.
"${CROSS:-}objcopy" --strip-debug --remove-section .llvmbc --remove-section .llvmcmd --keep-global-symbols="$work/symbols" \
	"$work/all.o" "$work/gowasmer.o"
(cd "$work" && ar rcs libgowasmer.a gowasmer.o)
mkdir -p "$(dirname "$output")"
# At once, since a Go command may be linking it.
cp "$work/libgowasmer.a" "$output.new"
mv "$output.new" "$output"
