#!/usr/bin/env bash
# Fetches what building and testing for linux/arm64 on an x86-64 Debian machine needs.
#
# usage: scripts/arm64.sh [-o folder] [part]...
#
# Each part is fetched if it is not there; without a name all are. They lie in build/arm64, or in the
# folder given:
#
#   qemu   runs programs for arm64: the system's, if it is version 8 or newer. Debian 12's version 7
#          describes each page of reserved address space, 50 MB for a guest's memory of 8 GiB; there
#          it is Debian 13's, statically linked (86 MB are fetched, 17 MB kept)
#   gcc    a cross compiler for cgo and hosted builds, with its C library: installed by apt-get, which
#          needs root
#   rust   what images are built with (1.5 GB of packages):
#            rust/          Debian's rustc-web with the standard libraries of both architectures, and
#                           the sources of core and alloc, of which images are built. Unpacked, not
#                           installed: as a package it conflicts with rustup
#            rustc          runs that compiler with the libraries that it is linked to
#            objcopy        runs the pinned toolchain's rust-objcopy, likewise
#            toolchain.txt  name, version and architecture of each Debian package, and the linker: what
#                           an image made here is recorded with
#
# Two files are for a shell or a Makefile to read: go.sh before go is run (GOARCH, C compiler, qemu),
# and env.sh, with the part rust, before cargo and go are (RUSTC, linker, runner, flags; and go.sh).
#
# The linker of images and objcopy are those of rustup's toolchain that rust-toolchain.toml pins (they
# know all architectures), and so is cargo.
#
# Does nothing where all is there. To move to another toolchain change the versions below: it makes
# other images.
set -eu -o pipefail

RUST_VERSION=1.96.0+dfsg1-1~deb12u2
LLVM_VERSION=1:22.1.8-1~deb12u1
RUST_RELEASE=1.96
# Of the build machine, and of the target.
HOST_PACKAGES="rustc-web=$RUST_VERSION libstd-rust-web-dev=$RUST_VERSION libstd-rust-web-$RUST_RELEASE=$RUST_VERSION libllvm22=$LLVM_VERSION"
SOURCE_PACKAGE=rust-web-src=$RUST_VERSION
TARGET_PACKAGES="libstd-rust-web-dev:arm64=$RUST_VERSION libstd-rust-web-$RUST_RELEASE:arm64=$RUST_VERSION"
# What is installed: for cgo, and what the unpacked compiler needs of the system.
GCC_PACKAGES="gcc-aarch64-linux-gnu libc6-dev-arm64-cross"
RUST_LIBRARIES="libedit2 libxml2 libz3-4 libzstd1"

root=$(cd "$(dirname "$0")/.." && pwd)
out=$root/build/arm64
triple=aarch64-unknown-linux-gnu

fail() {
  echo "arm64.sh: $1" >&2
  exit 1
}

if [ "${1-}" = -o ]; then
  out=${2:?"-o wants a folder"}
  shift 2
fi
qemu='' gcc='' rust=''
for part in "${@:-all}"; do
  case "$part" in
    qemu) qemu=wanted ;;
    gcc) gcc=wanted ;;
    rust) rust=wanted ;;
    all) qemu=wanted gcc=wanted rust=wanted ;;
    *) fail "usage: scripts/arm64.sh [-o folder] [qemu|gcc|rust]..., not $part" ;;
  esac
done

[ "$(uname -s)-$(uname -m)" = Linux-x86_64 ] ||
  fail "this is for Linux on x86-64; here is $(uname -s) on $(uname -m)"
mkdir -p "$out"
out=$(cd "$out" && pwd)

# Says what is needed where the tools of Debian are not here.
needs_debian() {
  command -v apt-get >/dev/null && command -v dpkg-deb >/dev/null || fail "$1: apt-get and dpkg-deb are needed (Debian 12)"
}

# Installs packages that are not.
install_packages() {
  local package packages=()
  for package in "$@"; do
    [ "$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null)" = installed ] || packages+=("$package")
  done
  [ ${#packages[@]} -gt 0 ] || return 0
  [ "$(id -u)" = 0 ] || fail "run as root, or: apt-get install --no-install-recommends ${packages[*]}"
  apt-get -q update
  DEBIAN_FRONTEND=noninteractive apt-get -q -y install --no-install-recommends "${packages[@]}"
}

# apt-get with lists and caches in $out/download, which begins empty: the machine's own stay as they
# are, and that needs no root.
download() {
  apt-get -q -o Dir::State::lists="$out/download/lists" -o Dir::Cache="$out/download/cache" -o APT::Sandbox::User="$(id -un)" "$@"
}
begin_download() {
  rm -rf "$out/download"
  mkdir -p "$out/download/lists/partial" "$out/download/cache/archives/partial"
}

get_gcc() {
  command -v aarch64-linux-gnu-gcc >/dev/null && [ -e /usr/aarch64-linux-gnu/include/stdio.h ] && return
  needs_debian "a C compiler for arm64"
  # shellcheck disable=SC2086
  install_packages $GCC_PACKAGES
}

# No image depends on it: any version from 8 on does, so the system's is taken if it is new enough.
get_qemu() {
  [ ! -x "$out/qemu" ] || return 0
  local name version keys=/usr/share/keyrings/debian-archive-keyring.gpg
  for name in qemu-aarch64-static qemu-aarch64; do
    version=$({ "$name" --version 2>/dev/null || true; } | sed -n 's/^qemu-aarch64 version \([0-9]*\).*/\1/p')
    if [ "${version:-0}" -ge 8 ]; then
      ln -sfn "$(command -v "$name")" "$out/qemu"
      return
    fi
  done
  needs_debian "qemu"
  [ -e "$keys" ] || fail "qemu: apt-get install qemu-user, if that is version 8 or newer, or debian-archive-keyring"
  begin_download
  echo "deb [signed-by=$keys] http://deb.debian.org/debian trixie main" >"$out/download/trixie.list"
  local trixie=(-o Dir::Etc::SourceList="$out/download/trixie.list" -o Dir::Etc::SourceParts=-)
  download "${trixie[@]}" update
  (cd "$out/download" && download "${trixie[@]}" download qemu-user)
  dpkg-deb --fsys-tarfile "$out"/download/qemu-user_*.deb | tar -xO ./usr/bin/qemu-aarch64 >"$out/qemu.new"
  chmod +x "$out/qemu.new"
  mv "$out/qemu.new" "$out/qemu"
  rm -rf "$out/download"
}

[ -z "$gcc" ] || get_gcc
[ -z "$qemu" ] || get_qemu

# Written in any case, so that it is what this script says.
cat >"$out/go.sh.new" <<END
# Written by scripts/arm64.sh: for go, of programs for arm64.
export GOOS=linux GOARCH=arm64
# For builds with cgo.
export CC=aarch64-linux-gnu-gcc
# qemu's processor "max" restores vector registers from the SVE record of a signal frame, which Linux does not: one without SVE.
export QEMU_CPU=cortex-a57 QEMU_LD_PREFIX=/usr/aarch64-linux-gnu
# For go test -exec, and for tests that run themselves again, which that does not reach.
export GOWASMER_TEST_EMULATOR=$out/qemu
END
mv "$out/go.sh.new" "$out/go.sh"
[ -n "$rust" ] || exit 0

needs_debian "a Rust compiler for arm64"
# shellcheck disable=SC2086
install_packages $RUST_LIBRARIES

# The wanted lines of toolchain.txt, but for the linker.
wanted=$(for package in $HOST_PACKAGES; do echo "${package%%=*} ${package#*=} amd64"; done
  for package in $TARGET_PACKAGES; do name=${package%%=*}; echo "${name%:*} ${package#*=} arm64"; done
  echo "${SOURCE_PACKAGE%%=*} ${SOURCE_PACKAGE#*=} all")

if [ ! -e "$out/rust/.complete" ] || [ "$(cat "$out/rust/.complete")" != "$wanted" ]; then
  # The lists are of both architectures: the machine's dpkg learns of no foreign one.
  begin_download
  rm -rf "$out/rust" "$out/rust.new"
  mkdir -p "$out/rust.new"
  both=(-o APT::Architectures::=amd64 -o APT::Architectures::=arm64)
  download "${both[@]}" update
  # shellcheck disable=SC2086
  (cd "$out/download" && download "${both[@]}" download $HOST_PACKAGES $TARGET_PACKAGES $SOURCE_PACKAGE) ||
    fail "these versions are no longer offered here; older ones are on snapshot.debian.org, newer ones make another image"
  for package in "$out"/download/*.deb; do
    case "$package" in
      # The library alone: the whole is 340 MB.
      */rust-web-src_*) dpkg-deb --fsys-tarfile "$package" | tar -x -C "$out/rust.new" --wildcards ./usr/lib/rustlib/src/rust './usr/src/*/library/*' ;;
      *) dpkg-deb -x "$package" "$out/rust.new" ;;
    esac
  done
  rm -rf "$out/download" "$out/rust.new/usr/share/doc"
  echo "$wanted" > "$out/rust.new/.complete"
  mv "$out/rust.new" "$out/rust"
fi

cat > "$out/rustc.new" <<END
#!/bin/sh
# Debian's compiler, unpacked: written by scripts/arm64.sh.
LD_LIBRARY_PATH=$out/rust/usr/lib/x86_64-linux-gnu:$out/rust/usr/lib/llvm-22/lib exec $out/rust/usr/bin/rustc "\$@"
END
chmod +x "$out/rustc.new"
mv "$out/rustc.new" "$out/rustc"

pinned=$(cd "$root" && rustc --print sysroot) || fail "rustup with the toolchain of rust-toolchain.toml is needed for cargo and rust-lld"
tools=$pinned/lib/rustlib/x86_64-unknown-linux-gnu/bin
[ -x "$tools/rust-lld" ] && [ -x "$tools/rust-objcopy" ] || fail "no rust-lld and rust-objcopy in $tools"
cat > "$out/objcopy.new" <<END
#!/bin/sh
LD_LIBRARY_PATH=$pinned/lib exec $tools/rust-objcopy "\$@"
END
chmod +x "$out/objcopy.new"
mv "$out/objcopy.new" "$out/objcopy"
lld="rust-lld $("$tools/rust-lld" -flavor gnu --version | sed 's/^LLD //; s/ (compat.*//') of rustup's $(cd "$root" && rustc --version)"
printf '%s\n%s\n' "$wanted" "$lld" > "$out/toolchain.txt"

cat > "$out/env.sh" <<END
# Written by scripts/arm64.sh: for cargo --target $triple, GOARCH=arm64 go, and linking images.
export RUSTC=$out/rustc
export CARGO_TARGET_DIR=$out/target
export CARGO_BUILD_TARGET=$triple
# Of an image: RUSTC_BOOTSTRAP=1 CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_RUSTFLAGS="\$IMAGE_RUSTFLAGS" cargo build \$IMAGE_CARGOFLAGS. Debian's own core
# and alloc use x18, and functions that choose atomics at run time (__aarch64_cas4_acq and so on), which ask the C library for the processor. x28 is Go's.
export IMAGE_RUSTFLAGS="-C target-feature=-outline-atomics,+reserve-x28 -Z fixed-x18"
export IMAGE_CARGOFLAGS="-Z build-std=core,alloc"
export CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_LINKER=aarch64-linux-gnu-gcc
export CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_RUNNER=$out/qemu
export LLD=$tools/rust-lld OBJCOPY=$out/objcopy
export IMAGE_TOOLCHAIN="rustc $RUST_VERSION (rustc-web, rust-web-src), LLVM $LLVM_VERSION, of Debian 12; $lld"
. $out/go.sh
END
echo "arm64.sh: $("$out/rustc" --version), in $out; read $out/env.sh before building"
