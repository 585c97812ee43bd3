//! Drives the parser and the validator over the payloads of a binary; each section goes to its file
//! in `sections`.

use super::features::{self, FEATURES, FEATURES_WITH_OWN_GLOBALS};
use super::{DebugSection, ModuleInfo, Section, limits, names, sections, table_use};
use crate::checksum::checksum;
use crate::error::{Error, ErrorKind, Result};
use crate::prelude::*;
use core::fmt;
use wasmparser::{
    BinaryReader, FuncToValidate, FunctionBody, Parser, Payload, ValidPayload, Validator, ValidatorResources,
    WasmFeatures,
};

/// A module whose declarations are valid and whose function bodies are yet to be validated.
pub struct Parsed<'a> {
    /// What the module declares.
    pub info: ModuleInfo,
    /// The bodies of the functions that are not imported, in the order of their indices.
    pub bodies: Vec<Body<'a>>,
}

/// A function's body and what is needed to validate it.
pub struct Body<'a> {
    /// Its index, its type, and the module's declarations as the validator sees them.
    pub to_validate: FuncToValidate<ValidatorResources>,
    /// Its locals and instructions.
    pub body: FunctionBody<'a>,
}

/// Parses a binary and validates all but its function bodies (WebAssembly 2.0, section 5.5
/// "Modules").
///
/// # Errors
///
/// `Validation`, in the validator's words and with the offset in `bytes`: the binary is malformed
/// or invalid, exceeds a limit of the implementation, or uses a proposal that is not supported,
/// which is named.
pub fn parse(bytes: &[u8]) -> Result<Parsed<'_>> {
    limits::check_module_size(bytes)?;
    let mut collector = Collector::default();
    let mut result = collector.payloads(bytes, FEATURES);
    let again = matches!(&result, Err(Failure::Validator(error)) if features::reads_own_globals(error));
    if again {
        collector = Collector::default();
        result = collector.payloads(bytes, FEATURES_WITH_OWN_GLOBALS);
    }
    result.map_err(|failure| match failure {
        Failure::Ours(error) => error,
        Failure::Validator(error) => features::explain(bytes, &error),
        Failure::Unknown(what) if again => features::garbage_collection(&what, collector.offset),
        Failure::Unknown(what) => {
            Error::new(ErrorKind::Internal, format!("validation let pass what this engine does not know: {what}"))
        }
    })?;
    let mut parsed = collector.finish();
    parsed.info.checksum = checksum(bytes);
    Ok(parsed)
}

/// Why collecting stopped.
pub(super) enum Failure {
    Ours(Error),
    /// The proposal that would allow it is still to be found.
    Validator(wasmparser::Error),
    /// The validator has accepted something that the engine does not know.
    Unknown(String),
}

impl Failure {
    /// For what validation should have refused: a bug of the engine, and no reason to panic, or in
    /// the second attempt at a module that reads its own globals a use of garbage collection.
    pub(super) fn unexpected(what: impl fmt::Debug) -> Self {
        Self::Unknown(format!("{what:?}"))
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Ours(error)
    }
}

impl From<wasmparser::Error> for Failure {
    fn from(error: wasmparser::Error) -> Self {
        Self::Validator(error)
    }
}

#[derive(Default)]
struct Collector<'a> {
    info: ModuleInfo,
    bodies: Vec<Body<'a>>,
    /// Where the payload begins that is being read.
    offset: u64,
    /// Names refer to functions that may be declared after them, so they are read at the end.
    names: Option<BinaryReader<'a>>,
}

impl<'a> Collector<'a> {
    fn payloads(&mut self, bytes: &'a [u8], features: WasmFeatures) -> Result<(), Failure> {
        let mut validator = Validator::new_with_features(features);
        let mut parser = Parser::new(0);
        parser.set_features(features);
        for payload in parser.parse_all(bytes) {
            let payload = payload?;
            if let ValidPayload::Func(to_validate, body) = validator.payload(&payload)? {
                self.bodies.push(Body { to_validate: FuncToValidate { features: FEATURES, ..to_validate }, body });
                continue;
            }
            self.section(&payload);
            self.declarations(payload)?;
        }
        Ok(())
    }

    /// Reads the declarations of a payload that is valid.
    fn declarations(&mut self, payload: Payload<'a>) -> Result<(), Failure> {
        let info = &mut self.info;
        match payload {
            Payload::TypeSection(section) => sections::types(info, section)?,
            Payload::ImportSection(section) => sections::imports(info, section)?,
            Payload::FunctionSection(section) => sections::functions(info, section)?,
            Payload::TableSection(section) => sections::tables(info, section)?,
            Payload::MemorySection(section) => sections::memories(info, section)?,
            Payload::TagSection(section) => sections::tags(info, section)?,
            Payload::GlobalSection(section) => sections::globals(info, section)?,
            Payload::ExportSection(section) => sections::exports(info, section)?,
            Payload::StartSection { func, .. } => info.start = Some(func),
            Payload::ElementSection(section) => sections::elements(info, section)?,
            Payload::DataSection(section) => sections::data(info, section)?,
            Payload::CodeSectionStart { count, .. } => self.bodies.reserve(count as usize),
            Payload::CustomSection(section) if section.name() == "name" && self.names.is_none() => {
                self.names = Some(BinaryReader::new(section.data(), section.data_offset()));
            }
            _ => {}
        }
        Ok(())
    }

    /// Keeps the name and size of a section.
    fn section(&mut self, payload: &Payload<'_>) {
        let Some((id, range)) = payload.as_section() else { return };
        self.offset = range.start;
        let mut section = Section {
            name: section_name(id).to_owned(),
            custom: false,
            size: range.end - range.start,
            start: range.start,
            end: range.end,
        };
        if let Payload::CustomSection(custom) = payload {
            section = Section { name: custom.name().to_owned(), custom: true, start: custom.data_offset(), ..section };
            self.debug_section(custom.name(), custom.data());
        }
        self.info.sections.push(section);
    }

    /// Keeps a section with debugging information, unless all of them are too large: modules live
    /// longer than their bytes.
    fn debug_section(&mut self, name: &str, bytes: &[u8]) {
        const NAMES: [&str; 9] = [
            ".debug_abbrev",
            ".debug_addr",
            ".debug_info",
            ".debug_line",
            ".debug_line_str",
            ".debug_ranges",
            ".debug_rnglists",
            ".debug_str",
            ".debug_str_offsets",
        ];
        let debug = &mut self.info.debug;
        let present = debug.iter().map(|section| section.bytes.len()).sum::<usize>();
        let wanted = NAMES.contains(&name) && debug.iter().all(|section| section.name != name);
        if wanted && present + bytes.len() <= limits::MAX_DEBUG_BYTES {
            debug.push(DebugSection { name: name.to_owned(), bytes: bytes.to_vec() });
        }
    }

    fn finish(mut self) -> Parsed<'a> {
        let info = &mut self.info;
        table_use::find(info, &self.bodies);
        info.escaping.sort_unstable();
        info.escaping.dedup();
        info.escaping.shrink_to_fit();
        if let Some(reader) = self.names {
            info.names = names::read(reader, info.functions.len());
        }
        Parsed { info: self.info, bodies: self.bodies }
    }
}

/// Name of a section as the specification's section 5.5.2 has it.
fn section_name(id: u8) -> &'static str {
    const NAMES: [&str; 14] = [
        "custom",
        "type",
        "import",
        "function",
        "table",
        "memory",
        "global",
        "export",
        "start",
        "element",
        "code",
        "data",
        "data count",
        "tag",
    ];
    NAMES.get(usize::from(id)).copied().unwrap_or("unknown")
}
