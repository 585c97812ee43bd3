#!/usr/bin/env bash
# Builds the engine's image for an architecture and checks it.
#
# usage: scripts/image.sh amd64|arm64
#
# Writes build/image_ARCH.bin, which is what the Go package embeds, and build/image_ARCH.elf with symbols, for debuggers. Both are the same bytes
# wherever they are built, with the toolchain that go/internal/image/image_ARCH.sum names.
set -euo pipefail

fail() {
  echo "image.sh: $1" >&2
  exit 1
}

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$root"
architecture=${1-}
build=$root/build/image/$architecture
mkdir -p "$build"

case $architecture in
amd64)
  triple=x86_64-unknown-linux-gnu
  flags=
  options=()
  host=$(rustc -vV | sed -n 's/^host: //p')
  tools=$(rustc --print sysroot)/lib/rustlib/$host/bin
  linker=$tools/rust-lld
  objcopy=$tools/rust-objcopy
  objdump=objdump
  toolchain="rustc $(rustc -V | cut -d' ' -f2) (rustup)"
  # It is linked to a library of the toolchain.
  export LD_LIBRARY_PATH=$(rustc --print sysroot)/lib${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}
  [ -x "$linker" ] && [ -x "$objcopy" ] || fail "rust-lld and rust-objcopy are not in $tools (rustup component add llvm-tools)"
  ;;
arm64)
  triple=aarch64-unknown-linux-gnu
  scripts/arm64.sh
  # shellcheck disable=SC1091
  . build/arm64/env.sh
  flags=$IMAGE_RUSTFLAGS
  read -ra options <<<"$IMAGE_CARGOFLAGS"
  linker=$LLD
  objcopy=$OBJCOPY
  objdump=aarch64-linux-gnu-objdump
  toolchain="$IMAGE_TOOLCHAIN"
  export RUSTC_BOOTSTRAP=1
  rust/image/cranelift.sh
  options+=(--config "paths=['/tmp/gowasmer-image/build/cranelift-codegen']")
  ;;
*) fail "given '$architecture', expected amd64 or arm64" ;;
esac

[ -f build/wast/Cargo.toml ] && [ build/wast/Cargo.toml -nt rust/image/wast.sh ] || rust/image/wast.sh

# Paths are not part of what is built. Those in debugging information and messages are remapped; but cargo makes the path of a crate that is not of a registry
# a part of its names, which decide the order of functions. So the sources are built by one path wherever they lie, by one at a time.
fixed=/tmp/gowasmer-image
exec 9>"$fixed.lock"
flock 9
ln -sfn "$root" "$fixed"
registry=${CARGO_HOME:-$HOME/.cargo}
sysroot=$("${RUSTC:-rustc}" --print sysroot)
flags+=" --remap-path-prefix=$fixed= --remap-path-prefix=$root= --remap-path-prefix=$registry/registry/src/=crates/ --remap-path-prefix=$sysroot=rust"
# Cranelift asks git for the commit that it is built from, and would be told this repository's.
variable=CARGO_TARGET_$(tr a-z- A-Z_ <<<"$triple")_RUSTFLAGS
(cd "$fixed/rust/image" && env "$variable=$flags" CARGO_INCREMENTAL=0 GIT_DIR=/nonexistent "${CARGO:-cargo}" build --manifest-path "$fixed/rust/image/Cargo.toml" --release --locked \
  --target "$triple" --target-dir "$build/target" "${options[@]}")
flock -u 9

# Nothing unwinds: what only unwinders read is left out.
"$objcopy" --remove-section .eh_frame --remove-section .gcc_except_table \
  "$build/target/$triple/release/libgowasmer_image.a" "$build/image.a"
"$linker" -flavor gnu -static -pie --no-dynamic-linker -z text -z norelro -z noexecstack -z max-page-size=65536 --gc-sections --icf=none \
  --pack-dyn-relocs=relr --hash-style=gnu --build-id=none -e GW_TABLE -u GW_TABLE -o "$build/image.elf" "$build/image.a"
"$objcopy" --strip-all "$build/image.elf" "$build/image.bin"

scripts/check_image_test.sh "$architecture"
scripts/check_image.sh "$architecture" "$build/image.elf" "$objdump"
cp "$build/image.elf" "build/image_$architecture.elf"
cp "$build/image.bin" "build/image_$architecture.bin"
printf '%s  image_%s.bin\n%s\n' "$(sha256sum <"$build/image.bin" | cut -d' ' -f1)" "$architecture" "$toolchain" >"build/image_$architecture.sum"
echo "build/image_$architecture.bin: $(stat -c %s "$build/image.bin") bytes"
