//! The modules that lie in testdata/guests, in the order of their names.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

/// Modules above this size say nothing more, but cost time.
const MAX_SIZE: usize = 8 << 10;

/// The directory testdata/ of the repository that this program was built from.
#[must_use]
pub fn testdata() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../testdata")
}

/// All guests.
///
/// # Panics
/// If the directory cannot be read, or has none.
pub fn all() -> &'static [&'static [u8]] {
    static ALL: OnceLock<Vec<&'static [u8]>> = OnceLock::new();
    ALL.get_or_init(|| {
        let directory = testdata().join("guests");
        let entries = fs::read_dir(&directory).unwrap_or_else(|error| panic!("{}: {error}", directory.display()));
        let mut paths: Vec<PathBuf> = entries.map(|entry| entry.expect("directory can be read").path()).collect();
        paths.retain(|path| path.extension().is_some_and(|extension| extension == "wasm"));
        paths.sort();
        let modules = paths.iter().map(|path| fs::read(path).expect("guests can be read"));
        let modules: Vec<&'static [u8]> =
            modules.filter(|module| module.len() <= MAX_SIZE).map(|module| &*module.leak()).collect();
        assert!(!modules.is_empty(), "{}: no modules", directory.display());
        modules
    })
}
