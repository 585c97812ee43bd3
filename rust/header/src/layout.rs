//! Offsets and numbers of the context, for Go and its assembly: of each, what it uses.

use gowasmer::abi::{CONTEXT_SIZE, Context, EntryMode, Status};
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

/// What Go's assembly uses.
fn of_assembly() -> [Group; 2] {
    let context =
        fields!(Context: sp host_sp host_pc host_bp host_g entry code vmctx args stack_top runtime_result entry_mode);
    let modes = variants!(EntryMode: Assembly C).into_iter().filter(|(name, _)| name == "assembly").collect();
    [
        Group { about: "Offsets of the fields of a context.", prefix: "ctx", numbers: context },
        Group { about: "How the guest was entered or resumed last.", prefix: "entry_mode", numbers: modes },
    ]
}

/// What Go uses.
fn of_go() -> [Group; 3] {
    let mut context = fields!(Context: sp status entry code vmctx args stack_top stack_low callee slots runtime_args trap_code store
        pauses resume_frame iret);
    context.push(("size".to_string(), CONTEXT_SIZE as u64));
    let statuses = variants!(Status: Done HostCall CCall RuntimeCall Trap Paused);
    let traps = TrapCode::ALL.into_iter().map(|code| (snake(&format!("{code:?}")), code as u64)).collect();
    [
        Group { about: "Offsets of the fields of a context, and the bytes it takes.", prefix: "ctx", numbers: context },
        Group { about: "What the guest side answers.", prefix: "status", numbers: statuses },
        Group { about: "Why a guest was stopped.", prefix: "trap", numbers: traps },
    ]
}

/// The header for assembly.
pub fn assembly() -> String {
    let mut text = format!("{}\n", super::GENERATED);
    for Group { about, prefix, numbers } in of_assembly() {
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
    for Group { about, prefix, numbers } in of_go() {
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
    use std::fs;
    use std::path::Path;

    #[test]
    fn names_change_case() {
        assert_eq!(snake("HostCall"), "host_call");
        assert_eq!(camel("ctx_host_sp"), "ctxHostSp");
    }

    /// Nothing is generated that nobody uses: neither of the files, nor what Go has of traps, which is for its own `TrapMessage`.
    #[test]
    fn all_is_used() {
        let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../go/internal/fiber");
        let sources = |extension: &str| {
            let files = fs::read_dir(&directory).unwrap().map(|entry| entry.unwrap().path());
            let files = files.filter(|path| path.extension().is_some_and(|it| it == extension));
            let files = files.filter(|path| !path.ends_with("layout_gen.go"));
            files.map(|path| fs::read_to_string(path).unwrap()).collect::<String>()
        };
        let uses = |text: &str, name: &str| {
            text.match_indices(name).any(|(at, _)| {
                let next = text[at + name.len()..].chars().next();
                next.is_some_and(|next| !next.is_alphanumeric() && next != '_')
            })
        };
        let (assembly, go) = (sources("s"), sources("go"));
        for Group { prefix, numbers, .. } in of_assembly() {
            for (name, _) in numbers {
                assert!(uses(&assembly, &format!("{prefix}_{name}")), "{prefix}_{name}");
            }
        }
        for Group { prefix, numbers, .. } in of_go().into_iter().filter(|group| group.prefix != "trap") {
            for (name, _) in numbers {
                assert!(uses(&go, &camel(&format!("{prefix}_{name}"))), "{prefix}_{name}");
            }
        }
    }
}
