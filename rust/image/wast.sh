#!/usr/bin/env bash
# Writes to build/wast the crate `wast` as the image needs it: without Rust's `std`.
#
# usage: rust/image/wast.sh [folder]
#
# The source is cargo's copy of the version in Cargo.lock, which holds its checksum. What is changed is listed below; each change has to
# apply exactly as often as it says, or nothing is written. The copy parses and encodes modules (the feature `wasm-module`); components
# and debugging information are left out. The image's workspace takes it by
#
#   [patch.crates-io]
#   wast = { path = "../../build/wast" }
#
# Changes by file: src/gensym.rs is replaced, src/prelude.rs is new, src/lib.rs declares `no_std` and `alloc`, src/error.rs names files by
# text in place of paths, and the tables of names are hashbrown's. All else are the names of the standard library.
set -euo pipefail

# What the changes are written for.
VERSION=263.0.0

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
out=${1:-$root/build/wast}

fail() {
  echo "wast.sh: $1" >&2
  exit 1
}

command -v python3 >/dev/null || fail "python3 is needed (Debian: apt-get install python3)"
host=$(cd "$root" && "${RUSTC:-rustc}" -vV | sed -n 's/^host: //p')
[ -n "$host" ] || fail "rustc does not say what machine it runs on"
metadata=$(cd "$root" && "${CARGO:-cargo}" metadata --locked --format-version 1 --filter-platform "$host") ||
  fail "cargo metadata failed, see above"

mkdir -p "$(dirname "$out")"
new=$(mktemp -d "$out.XXXXXX")
trap 'rm -rf "$new"' EXIT
chmod 755 "$new"

python3 - "$VERSION" "$new" 3<<<"$metadata" <<'PYTHON'
import json
import os
import re
import shutil
import sys

version, out = sys.argv[1:]


def fail(message):
    sys.exit(f"wast.sh: {message}")


with os.fdopen(3) as metadata:
    packages = [p for p in json.load(metadata)["packages"] if p["name"] == "wast"]
if len(packages) != 1:
    fail(f"the workspace has {len(packages)} crates named wast, expected one")
package = packages[0]
if package["version"] != version:
    fail(f"the workspace has wast {package['version']}, and the changes here are written for {version}: "
         "try them by changing VERSION, and compare what the copy encodes with what the crate encodes")
if not (package["source"] or "").startswith("registry+"):
    fail(f"wast comes from {package['source'] or 'a folder'}, expected a registry")
source = os.path.dirname(package["manifest_path"])

texts = {}
for folder, _, names in os.walk(os.path.join(source, "src")):
    for name in names:
        path = os.path.join(folder, name)
        with open(path, encoding="utf-8", newline="") as file:
            texts[os.path.relpath(path, source)] = file.read()


def change(path, old, new, times=1):
    """Replaces a text that occurs as often as is said."""
    found = texts.get(path, "").count(old)
    if found != times:
        fail(f"{path} of wast {package['version']} has {found} times what is to be replaced, expected {times}: {old!r}")
    texts[path] = texts[path].replace(old, new)


def change_all(pattern, new, times):
    """Replaces a pattern in all code, not in comments."""
    found = 0
    for path, text in texts.items():
        lines = text.split("\n")
        for i, line in enumerate(lines):
            if not line.lstrip().startswith("//"):
                lines[i], count = re.subn(pattern, new, line)
                found += count
        texts[path] = "\n".join(lines)
    if found != times:
        fail(f"wast {package['version']} has {found} times what is to be replaced, expected {times}: {pattern}")


def use_prelude(path):
    """Adds the names of the prelude after the comment that a file begins with."""
    if path not in texts:
        fail(f"wast {package['version']} has no {path}")
    lines = texts[path].split("\n")
    first = next(i for i, line in enumerate(lines) if line and not line.startswith("//!"))
    lines.insert(first, "use crate::prelude::*;")
    texts[path] = "\n".join(lines)


# What the features left out consist of.
left_out = [p for p in texts if p == "src/component.rs" or p.startswith("src/component/")] + ["src/core/binary/dwarf.rs"]
for path in left_out:
    if texts.pop(path, None) is None:
        fail(f"wast {package['version']} has no {path}")
change("src/core/binary.rs", '#[cfg(feature = "dwarf")]\nuse std::path::Path;\n', "")

# The crate's root.
change("src/lib.rs", "#![deny(missing_docs, ", "#![no_std]\n#![deny(missing_docs, ")
change("src/lib.rs", "\npub mod lexer;\n", "\n#[macro_use]\nextern crate alloc;\n\npub mod lexer;\n")
change("src/lib.rs", "mod names;\n", "mod names;\nmod prelude;\n")

# What `std` gives each file without asking.
texts["src/prelude.rs"] = """pub use alloc::borrow::ToOwned;
pub use alloc::boxed::Box;
pub use alloc::string::{String, ToString};
pub use alloc::vec::Vec;
"""
for path in """binary custom export expr func import memory module table types wast
        resolve/deinline_import_export resolve/mod resolve/names resolve/types""".split():
    use_prelude(f"src/core/{path}.rs")
for path in "encode error lexer parser token wast wat".split():
    use_prelude(f"src/{path}.rs")

# Names that are made up for what has none are numbered. The numbers only have to differ within a module, and nothing shows them: one
# counter for all threads, which never starts again and has 64 bits, needs no lock.
if "src/gensym.rs" not in texts:
    fail(f"wast {package['version']} has no src/gensym.rs")
texts["src/gensym.rs"] = """use crate::token::{Id, Span};
use core::sync::atomic::{AtomicU64, Ordering};

static NEXT: AtomicU64 = AtomicU64::new(1);

pub fn reset() {}

pub fn generate(span: Span) -> Id<'static> {
    Id::gensym(span, NEXT.fetch_add(1, Ordering::Relaxed))
}

pub fn fill<'a>(span: Span, slot: &mut Option<Id<'a>>) -> Id<'a> {
    *slot.get_or_insert_with(|| generate(span))
}
"""
change("src/token.rs", "fn gensym(span: Span, generation: u32)", "fn gensym(span: Span, generation: u64)")
change("src/token.rs", "    generation: u32,\n", "    generation: u64,\n")

# Files that errors name.
change("src/error.rs", "use std::path::{Path, PathBuf};\n", "")
change("src/error.rs", "file: Option<PathBuf>,", "file: Option<String>,")
change("src/error.rs", "path: &Path)", "path: &str)")
change("src/error.rs", "path.to_path_buf()", "path.to_owned()")
change("src/error.rs", ".as_ref()\n            .and_then(|p| p.to_str())\n", ".as_deref()\n")

# The rest of the standard library.
change_all(r"\bstd::collections::HashMap\b", "hashbrown::HashMap", 4)
change_all(r"\bstd::borrow::", "alloc::borrow::", 3)
change_all(r"\bstd::", "::core::", 35)
for path, text in texts.items():
    for line in text.split("\n"):
        if re.search(r"\b(std|thread_local|println|eprintln)\b", line.split("//")[0]):
            fail(f"{path} of wast {package['version']} still has: {line.strip()}")

# What the crate depends on, as its own manifest says, without what is left out.
with open(package["manifest_path"], encoding="utf-8") as file:
    manifest = file.read()


def dependency(name):
    """The version that the crate asks for."""
    found = re.findall(rf'^\[dependencies\.{name}\]\nversion = "([^"]+)"$', manifest, re.MULTILINE)
    if len(found) != 1:
        fail(f"the manifest of wast {package['version']} does not ask for {name} as expected")
    return found[0]


normal = sorted(d["name"] for d in package["dependencies"] if d["kind"] is None and not d["optional"])
if normal != ["bumpalo", "leb128fmt", "memchr", "unicode-width", "wasm-encoder"]:
    fail(f"wast {package['version']} depends on other crates: {', '.join(normal)}")
texts["Cargo.toml"] = f"""# Written by rust/image/wast.sh: the crate wast without std.
[package]
name = "wast"
version = "{package['version']}"
edition = "{package['edition']}"
rust-version = "{package['rust_version']}"
license = "{package['license']}"
repository = "{package['repository']}"
publish = false

[workspace]

[features]
default = ["wasm-module"]
wasm-module = []

[dependencies]
bumpalo = {{ version = "{dependency('bumpalo')}", default-features = false }}
hashbrown = {{ version = "0.17", default-features = false, features = ["default-hasher"] }}
leb128fmt = {{ version = "{dependency('leb128fmt')}", default-features = false }}
memchr = {{ version = "{dependency('memchr')}", default-features = false }}
unicode-width = {{ version = "{dependency('unicode-width')}" }}
wasm-encoder = {{ version = "{dependency('wasm-encoder')}", default-features = false }}

[lints.rust]
# Features that are left out.
unexpected_cfgs = "allow"
"""

for path, text in texts.items():
    path = os.path.join(out, path)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="utf-8", newline="") as file:
        file.write(text)
licenses = sorted(name for name in os.listdir(source) if name.startswith("LICENSE"))
if not licenses:
    fail(f"wast {package['version']} comes without licences")
for name in licenses:
    shutil.copyfile(os.path.join(source, name), os.path.join(out, name))
PYTHON

# A copy that is the same stays as it is, so that cargo builds nothing again. Lock files and folders of builds in it do not count.
if [ -d "$out" ] && diff -rq -x Cargo.lock -x target "$new" "$out" >/dev/null; then
  exit 0
fi
rm -rf "$out"
mv "$new" "$out"
echo "wast.sh: wrote $out (wast $VERSION)"
