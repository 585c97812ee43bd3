#!/usr/bin/env bash
# Checks that the tools which building needs are here and new enough; says all that is missing at once.
set -eu

missing=0
complain() {
  echo "missing: $1" >&2
  missing=1
}

# at_least VERSION WANTED: whether a dotted version is not older than the wanted one.
at_least() {
  [ "$(printf '%s\n%s\n' "$2" "$1" | sort -V | head -n 1)" = "$2" ]
}

if version=$("${CARGO:-cargo}" --version 2>/dev/null); then
  version=$(echo "$version" | awk '{print $2}')
  at_least "$version" 1.95 || complain "Rust 1.95 or newer; here is $version (https://rustup.rs)"
else
  complain "Rust 1.95 or newer with cargo (https://rustup.rs)"
fi

if version=$("${GO:-go}" env GOVERSION 2>/dev/null); then
  at_least "${version#go}" 1.25 || complain "Go 1.25 or newer; here is ${version#go} (https://go.dev/dl)"
  [ "$("${GO:-go}" env CGO_ENABLED)" = 1 ] || complain "cgo: CGO_ENABLED is 0, or Go finds no C compiler"
else
  complain "Go 1.25 or newer (https://go.dev/dl)"
fi

command -v "${CC:-gcc}" >/dev/null || command -v cc >/dev/null || complain "a C compiler (Debian: apt-get install gcc libc6-dev)"

for tool in ld ar objcopy objdump; do
  command -v "$tool" >/dev/null || complain "$tool of binutils (Debian: apt-get install binutils)"
done

case "$(uname -s)-$(uname -m)" in
  Linux-x86_64 | Linux-aarch64) ;;
  *) complain "a supported platform: this engine runs on Linux on x86-64 and arm64; here is $(uname -s) on $(uname -m)" ;;
esac

exit "$missing"
