//! The engine's own side of the numbers of its functions: a Rust file that lists them in the order
//! of `bindings_gen.go`, and holds Rust's layouts of the structures against those that Go was told.

use super::abi::Abi;
use super::bindings::{number, numbered};
use super::header::FILES;
use std::fmt::Write as _;
use std::path::Path;

/// Makes the Rust file. `root` is the repository.
pub fn rust(root: &Path, header: &str, abi: &Abi) -> Result<String, String> {
    let functions = numbered(abi);
    let count = functions.len();
    let mut text = format!(
        "{}\n\n//! The functions of the C ABI by number, in the order of `go/internal/engine/bindings_gen.go`.\n\n",
        super::GENERATED
    );
    text.push_str("use super::Entry;\n\n");
    text.push_str("/// Stands for the header and the order below; whoever calls by number compares it.\n");
    let hash = format!("{:016x}", number(header, abi));
    let groups: Vec<_> = (0..4).map(|i| &hash[4 * i..4 * i + 4]).collect();
    let _ = write!(text, "pub const ABI: u64 = 0x{};\n\n", groups.join("_"));
    let _ = write!(text, "/// Their names.\npub const NAMES: [&str; {count}] = [\n");
    for function in &functions {
        let _ = writeln!(text, "    {:?},", function.name);
    }
    text.push_str("];\n\n");
    text.push_str("// Only their addresses are used. Named by their symbols, so that this file compiles when one goes away: what writes it is built on the engine.\n");
    text.push_str("unsafe extern \"C\" {\n");
    for function in &functions {
        let _ = writeln!(text, "    fn {}();", function.name);
    }
    let _ = write!(text, "}}\n\n/// Their addresses.\npub static TABLE: [Entry; {count}] = [\n");
    for function in &functions {
        let _ = writeln!(text, "    Entry({} as *const ()),", function.name);
    }
    text.push_str(
        "];\n\n// The layouts that Go was told. Of tests only: this file is written after the engine was compiled.\n",
    );
    text.push_str("#[cfg(test)]\nconst _: () = {\n    use core::mem::offset_of;\n");
    let sources = sources(root)?;
    for of in &abi.structs {
        let (name, layout) = (&of.name, abi.layout(of)?);
        let module = sources.iter().find(|(_, source)| source.contains(&format!("pub struct {name} {{")));
        let (module, _) = module.ok_or_else(|| format!("no file of the C ABI defines {name}"))?;
        let _ = writeln!(text, "    use super::{module}::{name};");
        let _ = writeln!(text, "    assert!(size_of::<{name}>() == {});", layout.size);
        for (field, offset) in of.fields.iter().zip(&layout.offsets) {
            let _ = writeln!(text, "    assert!(offset_of!({name}, {}) == {offset});", field.name);
        }
    }
    text.push_str("};\n");
    Ok(text)
}

/// The modules that define the C ABI, and their text.
fn sources(root: &Path) -> Result<Vec<(&'static str, String)>, String> {
    let read = |name: &'static str| {
        let path = root.join(format!("rust/engine/src/ffi/{name}.rs"));
        let text =
            std::fs::read_to_string(&path).map_err(|error| format!("cannot read {}: {error}", path.display()))?;
        Ok((name, text))
    };
    FILES.into_iter().map(read).collect()
}
