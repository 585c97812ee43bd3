//! Offsets and numbers of what Go and its assembly share with compiled code, the stubs and the
//! image (`rust/engine/src/abi`): of each, what they use.

mod fiber;
mod image;

use super::names::camel;
use std::fmt::Write as _;

/// Names and numbers of all variants of an enumeration; does not compile when one is left out.
macro_rules! variants {
    ($ty:ident: $($variant:ident)*) => {{
        let _exhaustive = |value: $ty| match value { $($ty::$variant => ()),* };
        vec![$((crate::names::snake(stringify!($variant)), $ty::$variant as u64)),*]
    }};
}

/// Names and offsets of fields.
macro_rules! fields {
    ($ty:ident: $($field:ident)*) => {
        vec![$((stringify!($field).to_string(), std::mem::offset_of!($ty, $field) as u64)),*]
    };
}
use {fields, variants};

/// Numbers by name in snake case.
type Numbers = Vec<(String, u64)>;

/// A group of numbers: what it is, the prefix of its names, and the numbers.
struct Group {
    about: &'static str,
    prefix: &'static str,
    numbers: Numbers,
}

/// The files that are made, by their paths in the repository.
pub fn files() -> Vec<(&'static str, String)> {
    vec![
        ("go/internal/fiber/layout_gen.h", assembly(&fiber::of_assembly())),
        ("go/internal/fiber/layout_gen.go", fiber::go()),
        ("go/internal/image/layout_gen.h", assembly(&fiber::of_assembly())),
        ("go/internal/image/layout_gen.go", image::go()),
        ("go/internal/image/standin/layout_gen.h", assembly(&image::of_standin())),
    ]
}

/// A number, by hexadecimal digits where those say more.
fn number(value: u64) -> String {
    if value > 1 << 32 { format!("{value:#x}") } else { value.to_string() }
}

/// A header for assembly.
fn assembly(groups: &[Group]) -> String {
    let mut text = format!("{}\n", super::GENERATED);
    for Group { about, prefix, numbers } in groups {
        let _ = write!(text, "\n// {about}\n");
        for (name, value) in numbers {
            let _ = writeln!(text, "#define {prefix}_{name} {}", number(*value));
        }
    }
    text
}

/// The constants of a Go file.
fn constants(text: &mut String, groups: &[Group]) {
    for Group { about, prefix, numbers } in groups {
        let _ = write!(text, "\n// {about}\n");
        if let [(name, value)] = &numbers[..] {
            let _ = writeln!(text, "const {} = {}", camel(&format!("{prefix}_{name}")), number(*value));
            continue;
        }
        text.push_str("const (\n");
        let names: Vec<_> = numbers.iter().map(|(name, _)| camel(&format!("{prefix}_{name}"))).collect();
        let values = numbers.iter().map(|(_, value)| format!("= {}", number(*value)));
        aligned(text, names.iter().zip(values));
        text.push_str(")\n");
    }
}

/// Lines of two columns, as gofmt aligns them.
fn aligned<'a>(text: &mut String, lines: impl Iterator<Item = (&'a String, String)> + Clone) {
    let width = lines.clone().map(|(name, _)| name.len()).max().unwrap_or(0);
    for (name, rest) in lines {
        let _ = writeln!(text, "\t{name:width$} {rest}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::path::Path;

    /// The text of all files in a folder of Go whose names end in this way, but for those that are
    /// generated.
    pub fn sources(folder: &str, extension: &str) -> String {
        let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../go/internal").join(folder);
        let files = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path());
        let files = files.filter(|path| path.extension().is_some_and(|it| it == extension));
        let files = files.filter(|path| !path.ends_with("layout_gen.go"));
        files.map(|path| fs::read_to_string(path).unwrap()).collect()
    }

    /// Whether a text has a name.
    pub fn uses(text: &str, name: &str) -> bool {
        let part_of_name = |c: char| c.is_alphanumeric() || c == '_';
        text.match_indices(name).any(|(at, _)| {
            let (before, next) = (text[..at].chars().next_back(), text[at + name.len()..].chars().next());
            !before.is_some_and(part_of_name) && !next.is_some_and(part_of_name)
        })
    }

    /// Nothing is generated that nobody uses, but for what Go has of traps, which is for its own
    /// `TrapMessage`.
    #[test]
    fn all_is_used() {
        let mut unused = Vec::new();
        let mut check = |folder: &str, extension: &str, groups: &[Group]| {
            let text = sources(folder, extension);
            for Group { prefix, numbers, .. } in groups {
                for (name, _) in numbers {
                    let name = format!("{prefix}_{name}");
                    let name = if extension == "go" { camel(&name) } else { name };
                    if !uses(&text, &name) {
                        unused.push(format!("{folder}: {name}"));
                    }
                }
            }
        };
        check("fiber", "s", &fiber::of_assembly());
        check("fiber", "go", &fiber::of_go());
        check("image", "s", &fiber::of_assembly());
        check("image", "go", &image::of_go());
        check("image/standin", "s", &image::of_standin());
        let text = sources("image", "go");
        for structure in image::structures() {
            for (field, _) in structure.fields {
                if !uses(&text, &field) {
                    unused.push(format!("image: {}.{field}", structure.name));
                }
            }
        }
        assert!(unused.is_empty(), "not used: {unused:?}");
    }

    #[test]
    fn names_are_whole() {
        assert!(uses("a(ctx_sp)", "ctx_sp"));
        assert!(!uses("ctx_spare my_ctx_sp", "ctx_sp"));
    }
}
