//! The C header, by cbindgen, from the files that define the C ABI.

use cbindgen::{Config, DocumentationStyle, EnumConfig, ExportConfig, ItemType, Language, RenameRule, SortKey, Style};
use std::path::Path;

/// The modules of `rust/engine/src/ffi` that define the C ABI, in the order of the header.
pub const FILES: [&str; 13] = [
    "error",
    "engine",
    "compilation",
    "module",
    "lazy",
    "memory",
    "externs",
    "exceptions",
    "instance",
    "snapshot",
    "roots",
    "fiber",
    "text",
];

/// Enumerations of the engine that C callers need, and their names in C.
const ENUMS: [(&str, &str, &str); 6] = [
    ("rust/engine/src/error.rs", "ErrorKind", "gw_error_code"),
    ("rust/engine/src/trap.rs", "TrapCode", "gw_trap_code"),
    ("rust/engine/src/types.rs", "ValType", "gw_val_type"),
    ("rust/engine/src/wasm/info.rs", "ExternKind", "gw_extern_kind"),
    ("rust/engine/src/abi/context.rs", "Status", "gw_status"),
    ("rust/engine/src/fiber/intrinsics.rs", "Intrinsic", "gw_intrinsic"),
];

/// Structures that only Go's memory view of them mentions, no function.
const STRUCTS: [&str; 1] = ["gw_host_function"];
/// Public constants of those files that are no business of C.
const OTHERS: [&str; 7] =
    ["PAGE_SIZE", "PAGE_SIZE_LOG2", "MAX_PAGES32", "MAX_BYTES32", "MAX_BYTES64", "MAX_TABLE_ELEMENTS", "CONTEXT_SIZE"];
/// The headers that it needs.
const INCLUDES: &str = "#include <stdbool.h>\n#include <stddef.h>\n#include <stdint.h>";

/// Makes the header of the repository at `root`.
pub fn generate(root: &Path) -> Result<String, String> {
    let mut config = Config {
        language: Language::C,
        style: Style::Both,
        header: Some(super::GENERATED.to_string()),
        include_guard: Some("GOWASMER_H".to_string()),
        no_includes: true,
        after_includes: Some(format!("\n{INCLUDES}")),
        usize_is_size_t: true,
        sort_by: SortKey::None,
        line_length: 120,
        tab_width: 2,
        documentation_style: DocumentationStyle::C99,
        enumeration: EnumConfig { rename_variants: RenameRule::QualifiedScreamingSnakeCase, ..EnumConfig::default() },
        export: ExportConfig {
            include: ENUMS.iter().map(|(_, name, _)| *name).chain(STRUCTS).map(String::from).collect(),
            exclude: OTHERS.map(String::from).to_vec(),
            item_types: vec![
                ItemType::Constants,
                ItemType::Enums,
                ItemType::Structs,
                ItemType::OpaqueItems,
                ItemType::Functions,
            ],
            ..ExportConfig::default()
        },
        ..Config::default()
    };
    config.export.rename.insert("Context".to_string(), "gw_context".to_string());
    for (_, name, renamed) in ENUMS {
        config.export.rename.insert(name.to_string(), renamed.to_string());
    }
    let mut builder = cbindgen::Builder::new().with_config(config);
    for file in FILES {
        builder = builder.with_src(root.join(format!("rust/engine/src/ffi/{file}.rs")));
    }
    for (file, ..) in ENUMS {
        builder = builder.with_src(root.join(file));
    }
    let bindings = builder.generate().map_err(|error| format!("cbindgen: {error}"))?;
    let mut text = Vec::new();
    bindings.write(&mut text);
    let text = String::from_utf8(text).map_err(|error| format!("cbindgen: {error}"))?;
    match foreign(&text) {
        None => Ok(text),
        Some(line) => Err(format!("the header would define a name that does not begin with gw_: {line}")),
    }
}

/// A line that defines a name which is not ours: it could clash with other headers.
fn foreign(text: &str) -> Option<&str> {
    let named = |line: &str| {
        let name = line.strip_prefix("#define ").or_else(|| line.strip_prefix("typedef struct "));
        name.or_else(|| line.strip_prefix("enum ")).map(str::to_lowercase)
    };
    text.lines().find(|line| named(line).is_some_and(|name| !name.starts_with("gw_") && !name.starts_with("gowasmer_")))
}

#[cfg(test)]
mod tests {
    use super::foreign;

    #[test]
    fn finds_foreign_names() {
        assert_eq!(foreign("#define GW_A 1\ntypedef struct gw_b gw_b;\nenum gw_c {\n"), None);
        assert_eq!(foreign("#define GW_A 1\n#define PAGE_SIZE 2\n"), Some("#define PAGE_SIZE 2"));
    }
}
