//! The rooms of the engine lie on floors, and each imports only lower ones (see the crate's
//! documentation).

use std::fs;
use std::path::{Path, PathBuf};

/// The rooms above the ground, the highest first. A room that is not named here is on the ground.
const FLOORS: [&str; 9] = ["ffi", "vm", "text", "fiber", "code", "compile", "artifact", "translate", "wasm"];
/// The lowest room: what is on the ground lies below it.
const GROUND: usize = FLOORS.len();
/// What the ground may know of the rooms: the layout of the vmctx depends on what a module
/// declares.
const EXCEPTIONS: [(&str, &str); 1] = [("abi", "wasm")];

fn floor(room: &str) -> usize {
    FLOORS.iter().position(|name| *name == room).unwrap_or(GROUND)
}

fn sources(directory: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap();
        if path.is_dir() && name != "tests" {
            sources(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") && !["tests.rs", "lib.rs"].contains(&name)
        {
            found.push(path);
        }
    }
}

/// The code of a file up to its tests, without comments.
fn code(path: &Path) -> String {
    let text = fs::read_to_string(path).unwrap();
    let code = text.split("\n#[cfg(test)]\n").next().unwrap();
    code.lines().filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n")
}

/// The rooms that a piece of code names by their paths from the root of the crate.
fn named(code: &str) -> impl Iterator<Item = &str> {
    code.split("crate::").skip(1).map(|rest| {
        let end = rest.find(|c: char| !c.is_ascii_lowercase() && c != '_').unwrap_or(rest.len());
        &rest[..end]
    })
}

#[test]
fn each_room_imports_only_lower_ones() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    sources(&root, &mut files);
    assert!(files.len() > 80, "{} files found", files.len());
    let mut wrong = Vec::new();
    for path in files {
        let place = path.strip_prefix(&root).unwrap();
        let first = place.components().next().unwrap().as_os_str().to_str().unwrap();
        let room = first.trim_end_matches(".rs");
        for other in named(&code(&path)) {
            let allowed = other.is_empty() || other == room || EXCEPTIONS.contains(&(room, other));
            let both_on_the_ground = floor(room) == GROUND && floor(other) == GROUND;
            if !allowed && !both_on_the_ground && floor(other) <= floor(room) {
                wrong.push(format!("{}: {room} imports {other}", place.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn finds_the_rooms_that_code_names() {
    let code = "use crate::vm::{A, B};\nlet x = crate::code::trap_at(1); crate::Public";
    assert_eq!(named(code).collect::<Vec<_>>(), ["vm", "code", ""]);
}
