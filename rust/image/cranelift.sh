#!/usr/bin/env bash
# Writes to build/cranelift-codegen the crate as the image for arm64 needs it: compiled code does not use x28, where Go without cgo has its g.
#
# usage: rust/image/cranelift.sh [folder]
#
# The source is cargo's copy of the version in Cargo.lock, which holds its checksum. One line is changed, which has to be there exactly once. cargo is told
# of the copy by `--config paths=[...]` (scripts/image.sh), which leaves the lock file as it is.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
out=${1:-$root/build/cranelift-codegen}
file=src/isa/aarch64/abi.rs
# The last of the registers that a function may use if it preserves them.
line='                .with(preg(xreg(27)))'
next='                .with(preg(xreg(28))),'

fail() {
  echo "cranelift.sh: $1" >&2
  exit 1
}

host=$(cd "$root" && "${RUSTC:-rustc}" -vV | sed -n 's/^host: //p')
manifest=$(cd "$root" && "${CARGO:-cargo}" metadata --locked --format-version 1 --filter-platform "$host" |
  grep -o '"manifest_path":"[^"]*/cranelift-codegen-[0-9.]*/Cargo.toml"' | cut -d'"' -f4 | sort -u)
[ -f "$manifest" ] || fail "cargo metadata does not name one cranelift-codegen: '$manifest'"
source=$(dirname "$manifest")

[ "$(grep -cxF -- "$line" "$source/$file")" = 1 ] && [ "$(grep -cxF -- "$next" "$source/$file")" = 1 ] &&
  [ "$(grep -xF -A1 -- "$line" "$source/$file" | tail -1)" = "$next" ] ||
  fail "$source/$file does not list x27 and x28 as is expected: look how it allocates registers, and change this script"

mkdir -p "$(dirname "$out")"
new=$(mktemp -d "$out.XXXXXX")
trap 'rm -rf "$new"' EXIT
chmod 755 "$new"
cp -r "$source/." "$new"
chmod -R u+w "$new"
rm -f "$new/Cargo.lock" "$new/.cargo-ok" "$new/.cargo_vcs_info.json"
grep -vxF -- "$next" "$source/$file" | sed "s/^$(sed 's/[.]/\\&/g' <<<"$line")\$/&,/" >"$new/$file"
[ "$(diff "$source/$file" "$new/$file" | grep -c '^[<>]')" = 3 ] || fail "the change of $file does not apply"

# A copy that is the same stays as it is, so that cargo builds nothing again.
if [ -d "$out" ] && diff -rq "$new" "$out" >/dev/null; then
  exit 0
fi
rm -rf "$out"
mv "$new" "$out"
echo "cranelift.sh: wrote $out"
