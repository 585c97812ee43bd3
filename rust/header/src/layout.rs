//! Offsets and numbers of the context, for Go and its assembly.

use gowasmer::abi::vmctx::HostFunction;
use gowasmer::abi::{CONTEXT_SIZE, EntryMode, Status, context};
use gowasmer::trap::TrapCode;
use std::fmt::Write as _;
use std::mem::offset_of;

/// Names and numbers of all variants of an enumeration; does not compile when one is left out.
macro_rules! variants {
    ($ty:ident: $($variant:ident)*) => {{
        let _exhaustive = |value: $ty| match value { $($ty::$variant => ()),* };
        vec![$((snake(stringify!($variant)), $ty::$variant as u64)),*]
    }};
}

/// Names and offsets of fields.
macro_rules! fields {
    ($ty:ident: $($field:ident)*) => { vec![$((stringify!($field).to_string(), offset_of!($ty, $field) as u64)),*] };
}

/// A group of numbers: what it is, the prefix of its names, and the numbers by name in snake case.
struct Group {
    about: &'static str,
    prefix: &'static str,
    numbers: Vec<(String, u64)>,
}

fn groups() -> Vec<Group> {
    let mut context: Vec<_> =
        context::layout().into_iter().map(|(name, offset)| (name.to_string(), offset as u64)).collect();
    context.push(("size".to_string(), CONTEXT_SIZE as u64));
    let host_fields = fields!(HostFunction: instance_id function_index c_function c_context c_adapter params results);
    let statuses = variants!(Status: Done HostCall CCall RuntimeCall Trap Paused);
    let traps = TrapCode::ALL.into_iter().map(|code| (snake(&format!("{code:?}")), code as u64)).collect();
    vec![
        Group { about: "Offsets of the fields of a context, and the bytes it takes.", prefix: "ctx", numbers: context },
        Group {
            about: "Offsets of the fields of a host function's record.",
            prefix: "host_function",
            numbers: host_fields,
        },
        Group { about: "What the guest side answers.", prefix: "status", numbers: statuses },
        Group {
            about: "How the guest was entered or resumed last.",
            prefix: "entry_mode",
            numbers: variants!(EntryMode: Assembly C),
        },
        Group { about: "Why a guest was stopped.", prefix: "trap", numbers: traps },
    ]
}

/// The header for assembly.
pub fn assembly() -> String {
    let mut text = format!("{}\n", super::GENERATED);
    for Group { about, prefix, numbers } in groups() {
        let _ = write!(text, "\n// {about}\n");
        for (name, number) in numbers {
            let _ = writeln!(text, "#define {prefix}_{name} {number}");
        }
    }
    text
}

/// The Go file.
pub fn go() -> String {
    let mut text = format!("{}\n\npackage fiber\n", super::GENERATED);
    for Group { about, prefix, numbers } in groups() {
        // gofmt aligns the numbers of a group.
        let numbers: Vec<_> =
            numbers.into_iter().map(|(name, number)| (camel(&format!("{prefix}_{name}")), number)).collect();
        let width = numbers.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
        let _ = write!(text, "\n// {about}\nconst (\n");
        for (name, number) in numbers {
            let _ = writeln!(text, "\t{name:width$} = {number}");
        }
        text.push_str(")\n");
    }
    text.push_str("\n// TrapMessage gives the specification's wording for a trap code.\n");
    text.push_str("func TrapMessage(code uint8) string {\n\tswitch code {\n");
    for code in TrapCode::ALL {
        let name = camel(&format!("trap_{}", snake(&format!("{code:?}"))));
        let _ = write!(text, "\tcase {name}:\n\t\treturn {:?}\n", code.message());
    }
    text.push_str("\t}\n\treturn \"unknown trap\"\n}\n");
    text
}

/// `HostCall` to `host_call`.
fn snake(name: &str) -> String {
    let mut result = String::new();
    for (i, c) in name.chars().enumerate() {
        if c.is_uppercase() && i > 0 {
            result.push('_');
        }
        result.extend(c.to_lowercase());
    }
    result
}

/// `host_call` to `hostCall`.
fn camel(name: &str) -> String {
    let mut result = String::new();
    let mut upper = false;
    for c in name.chars() {
        if c == '_' {
            upper = true;
        } else if upper {
            result.extend(c.to_uppercase());
            upper = false;
        } else {
            result.push(c);
        }
    }
    result
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_change_case() {
        assert_eq!(snake("HostCall"), "host_call");
        assert_eq!(camel("ctx_host_sp"), "ctxHostSp");
    }

    #[test]
    fn both_files_name_the_same() {
        let (assembly, go) = (assembly(), go());
        assert!(assembly.contains("\n#define ctx_sp 0\n"), "{assembly}");
        assert!(go.contains("= 2048\n"), "{go}");
        assert_eq!(assembly.matches("#define").count(), go.matches(" = ").count());
    }
}
