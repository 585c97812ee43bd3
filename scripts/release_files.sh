#!/usr/bin/env bash
# Gathers what a release consists of beside the module itself, in build/release, and writes SHA256SUMS of it.
#
# usage: scripts/release_files.sh gather amd64|arm64    what this machine has built: its image with symbols, and on amd64 the static library
#        scripts/release_files.sh sums                  the sums anew, when the files of both architectures and the bill of materials are there
#
# An image with symbols belongs to a release only if the image that was built with it is the committed one.
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/.."
release=build/release
committed=go/internal/image

fail() {
  echo "release_files.sh: $1" >&2
  exit 1
}

sums() (
  cd "$release"
  rm -f SHA256SUMS
  files=(*)
  sha256sum -- "${files[@]}" >SHA256SUMS.new
  mv SHA256SUMS.new SHA256SUMS
  cat SHA256SUMS
)

case ${1-} in
gather)
  architecture=${2-}
  [ "$architecture" = amd64 ] || [ "$architecture" = arm64 ] || fail "given '$architecture', expected amd64 or arm64"
  mkdir -p "$release"
  # Of both architectures, as they are committed; those of the machine that makes the release are the same.
  cp "$committed"/image_amd64.sum "$committed"/image_arm64.sum "$release"
  for name in "image_$architecture.bin" "image_$architecture.sum"; do
    [ -f "build/$name" ] || fail "no build/$name: run make image"
    cmp "build/$name" "$committed/$name" || fail "build/$name is not the committed one: run make check-image"
  done
  (cd "$committed" && head -n 1 "image_$architecture.sum" | sha256sum --check --quiet) || fail "image_$architecture.sum has another hash"
  cp "build/image_$architecture.elf" "$release"
  if [ "$architecture" = amd64 ]; then
    [ -f build/libgowasmer.a ] || fail "no build/libgowasmer.a: run make library"
    cp build/libgowasmer.a "$release/libgowasmer_linux_amd64.a"
  fi
  sums
  ;;
sums)
  for name in image_amd64.elf image_amd64.sum image_arm64.elf image_arm64.sum libgowasmer_linux_amd64.a sbom.spdx.json; do
    [ -s "$release/$name" ] || fail "$release/$name is missing"
  done
  sums
  ;;
*) fail "given '${1-}', expected gather or sums" ;;
esac
