#!/usr/bin/env bash
# Checks that a linked image keeps to what Go relies on: it resolves nothing, it has no thread-local storage, it is moved by adding the distance to
# words, and it uses only registers that a pause saves. scripts/check_image_test.sh shows that each rule finds who breaks it.
#
# usage: scripts/check_image.sh amd64|arm64 FILE.elf OBJDUMP
set -euo pipefail

architecture=$1 file=$2 objdump=$3
lines=$(mktemp)
trap 'rm -f "$lines"' EXIT
bad=0
refuse() { # WHAT, LINES
  echo "check_image.sh: $file: $1:" >&2
  head -5 <<<"$2" >&2
  bad=1
}
# none WHAT PATTERN [EXCEPT]: no line that was written to $lines has the pattern, but for those that have the other.
none() {
  local found
  found=$(grep -E -- "$2" "$lines" | grep -vE -- "${3-^$}" || true)
  [ -z "$found" ] || refuse "$1" "$found"
}

readelf -rW "$file" >"$lines"
none 'relocations that are not relative' 'R_(X86_64|AARCH64)_' '_RELATIV' # cut off where the column ends
readelf -lW "$file" >"$lines"
none 'a segment for thread-local storage or an interpreter' '^ *(TLS|INTERP) '
none 'a segment that can be written and executed' '^ *LOAD .* RWE '
# With the weak ones, which a linker lets be null.
readelf -sW "$file" >"$lines"
none 'symbols to be resolved' ' UND ' ' 0: 0+ +0 NOTYPE'
none 'symbols that are chosen when it is loaded' ' IFUNC '
readelf -dW "$file" >"$lines"
none 'libraries or functions to be run when it is loaded' '\((NEEDED|INIT|INIT_ARRAY|FINI|FINI_ARRAY|PREINIT_ARRAY|TEXTREL)\)'

"$objdump" -d --no-show-raw-insn "$file" >"$lines"
[ "$(wc -l <"$lines")" -gt 100000 ] || refuse 'too little code was disassembled' "$(wc -l <"$lines") lines"
case $architecture in
amd64)
  none 'vector registers that a pause does not save' '%[yz]mm|%k[0-7]'
  none 'thread-local storage' '%fs:|%gs:'
  ;;
arm64)
  # Registers, and what reads their length; names of functions stand between < and >.
  none 'registers of SVE' '^[^<]*([[:space:],{]([zp][0-9]+)\b|\b(cnt[bhwd]|rdvl|rdffr|addvl|addpl|smstart)\b)'
  none "the thread's register" '[Tt][Pp][Ii][Dd][Rr]'
  none 'the register of the platform, x18' '^[^<]*\b[xw]18\b'
  none 'outlined atomics' '__aarch64_(cas|swp|ld)'
  # Last, as it leaves out what saves and restores it for other forms of the engine: the stubs.
  awk '/^[0-9a-f]+ <.*>:$/ { stub = $2 ~ /^<gw_/ } !stub' "$lines" >"$lines.functions"
  mv "$lines.functions" "$lines"
  none "the register of Go's g, x28" '^[^<]*\b[xw]28\b'
  ;;
*) refuse 'unknown architecture' "$architecture" ;;
esac
exit $bad
