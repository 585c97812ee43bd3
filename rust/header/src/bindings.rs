//! What Go's package engine knows of the C ABI: enumerations, structures with their layouts, the
//! numbers of the functions, and a Go function for each. How a call reaches the engine is not said
//! here: package engine has an `area` for it.

use super::abi::{Abi, Enum, Function, Struct, Type, WORD};
use super::layout;
use super::names::{camel, pascal};
use gowasmer::abi::head::{OUT, WORDS};
use gowasmer::ffi::describe;
use std::fmt::Write as _;

/// Functions that have no number: those by which the numbers are found; those that may call
/// functions of the host, and so Go, which package engine calls by itself; and those of the hosted
/// form alone.
const UNNUMBERED: [&str; 8] = [
    "gw_abi",
    "gw_entries",
    "gw_c_call",
    "gw_enter",
    "gw_resume",
    "gw_this_thread",
    "gw_module_compile",
    "gw_module_validate",
];
/// Functions that may run long, and can be given up: they get a context, and a heap of their own,
/// where what they give stays.
const WORK: [&str; 10] = [
    "gw_bench_new",
    "gw_compilation_new",
    "gw_compilation_run",
    "gw_inspect",
    "gw_lazy_compile",
    "gw_lazy_compile_ahead",
    "gw_lazy_compile_called",
    "gw_lazy_gather",
    "gw_proposals",
    "gw_wat2wasm",
];

/// What the names of the functions begin with that read errors. They are methods of the area of the
/// call that gave the error, and use it once more: a call that took a second one could wait for one
/// that does the same, forever.
const OF_ERRORS: &str = "gw_error_";

/// How an enumeration is named in Go: its type, what the names of its numbers begin with, and names
/// that differ.
struct EnumName {
    c: &'static str,
    go: &'static str,
    prefix: &'static str,
    renamed: &'static [(&'static str, &'static str)],
}

/// The enumerations that package engine uses.
const ENUMS: [EnumName; 4] = [
    EnumName { c: "gw_error_code", go: "ErrorKind", prefix: "Kind", renamed: &[] },
    EnumName { c: "gw_val_type", go: "ValType", prefix: "", renamed: &[] },
    EnumName { c: "gw_extern_kind", go: "ExternKind", prefix: "Extern", renamed: &[("FUNC", "Function")] },
    EnumName { c: "gw_intrinsic", go: "gwIntrinsic", prefix: "gwIntrinsic", renamed: &[] },
];
/// Those that package fiber has what is used of, from `layout_gen.go`.
const ENUMS_OF_OTHERS: [&str; 2] = ["gw_status", "gw_trap_code"];

/// Structures that package engine exports: their names, and the fields that it exports of them.
const EXPORTED: [(&str, &str, &[&str]); 5] = [
    ("gw_engine_options", "Options", &["fiber_arena_bytes", "stack_size"]),
    ("gw_stats", "Stats", &["instances", "modules", "stores", "memories", "fibers", "mappings", "code_bytes"]),
    ("gw_memory_def", "MemoryDefinition", &[]),
    ("gw_func", "Func", &["code", "vmctx", "entry"]),
    ("gw_host_function", "HostFunction", &["instance_id", "function_index", "params", "results"]),
];

/// Words of arguments that a call has.
const ARGUMENTS: usize = WORDS;
/// Of those, the ones that x86-64 passes in registers. A structure of two words lies on one side of
/// this border.
const REGISTERS: usize = 6;
/// Words of a result.
const RESULTS: usize = 2;
/// Names that mean something in Go, or in a generated function.
const TAKEN: [&str; 12] =
    ["a", "err", "error", "func", "import", "len", "map", "package", "range", "result", "string", "type"];

/// The functions that have numbers, in the order of these.
pub fn numbered(abi: &Abi) -> Vec<&Function> {
    let mut functions: Vec<_> =
        abi.functions.iter().filter(|function| !UNNUMBERED.contains(&function.name.as_str())).collect();
    functions.sort_by_key(|function| &function.name);
    functions
}

/// The number of the ABI: a hash (FNV-1a) of the header, of the layouts beside it, and of the order
/// of the functions.
pub fn number(header: &str, abi: &Abi) -> u64 {
    let layouts: String = layout::files().into_iter().map(|(_, text)| text).collect();
    let names = numbered(abi).into_iter().map(|function| function.name.as_str());
    let mut hash = 0xcbf2_9ce4_8422_2325;
    for part in [header, &layouts].into_iter().chain(names) {
        // A zero ends each.
        for byte in part.bytes().chain([0]) {
            hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }
    hash
}

/// Makes the Go file.
pub fn go(header: &str, abi: &Abi) -> Result<String, String> {
    check_names(abi)?;
    let mut text =
        format!("{}\n\npackage engine\n\nimport (\n\t\"context\"\n\t\"runtime\"\n\t\"unsafe\"\n)\n", super::GENERATED);
    let _ = write!(
        text,
        "\n// abiNumber stands for this file, the C header and the generated layouts; the engine's own has to be equal.\nconst abiNumber uint64 = {:#018x}\n",
        number(header, abi)
    );
    text.push_str("\n// The words of a call: arguments, and what pointers among them point to.\nconst (\n");
    let _ = write!(text, "\targumentWords = {ARGUMENTS}\n\toutWords      = {OUT}\n)\n");
    let _ = write!(
        text,
        "\n// descriptionVersion is that of the encoding of descriptions.\nconst descriptionVersion = {}\n",
        describe::VERSION
    );
    constants(&mut text, abi);
    for of in &abi.enums {
        enumeration(&mut text, of)?;
    }
    for of in &abi.structs {
        structure(&mut text, abi, of).map_err(|error| format!("{}: {error}", of.name))?;
    }
    text.push_str("\n// The numbers of the functions.\nconst (\n");
    for (i, function) in numbered(abi).into_iter().enumerate() {
        let _ = writeln!(text, "\t{}{}", entry(function), if i == 0 { " = iota" } else { "" });
    }
    text.push_str("\n\t// entryCount is how many there are.\n\tentryCount\n)\n");
    for function in numbered(abi) {
        let call = Call::new(abi, function).map_err(|error| format!("{}: {error}", function.name))?;
        text.push_str(&call.go());
    }
    Ok(text)
}

/// The lists above name what exists, and leave out no enumeration.
fn check_names(abi: &Abi) -> Result<(), String> {
    for name in UNNUMBERED.iter().chain(&WORK) {
        if !abi.functions.iter().any(|it| it.name == *name) {
            return Err(format!("the header has no function {name}, which the generator has a rule for"));
        }
    }
    for (name, _, fields) in EXPORTED {
        let of = abi.structure(name);
        let of = of.ok_or_else(|| format!("the header has no structure {name}, which the generator has a rule for"))?;
        if let Some(field) = fields.iter().find(|field| !of.fields.iter().any(|it| it.name == **field)) {
            return Err(format!("{name} has no field {field}, which the generator has a rule for"));
        }
    }
    let known: Vec<_> = ENUMS.iter().map(|it| it.c).chain(ENUMS_OF_OTHERS).collect();
    if let Some(of) = abi.enums.iter().find(|of| !known.contains(&of.name.as_str())) {
        return Err(format!("the generator has no rule for the enumeration {}", of.name));
    }
    match known.iter().find(|name| !abi.enums.iter().any(|it| it.name == **name)) {
        Some(name) => Err(format!("the header has no enumeration {name}, which the generator has a rule for")),
        None => Ok(()),
    }
}

/// `name: text`, as a comment of at most 100 columns.
fn about(text: &mut String, indent: &str, name: &str, about: &[String]) {
    if about.is_empty() {
        return;
    }
    let mut words = format!("{name}: {}", about.join("\n"));
    for (from, to) in [("\n\n", "\u{0}"), ("\n", " "), ("\u{0}", "\n")] {
        words = words.replace(from, to);
    }
    for (i, paragraph) in words.lines().enumerate() {
        if i != 0 {
            let _ = writeln!(text, "{indent}//");
        }
        let mut line = String::new();
        for word in paragraph.split_whitespace() {
            // A tab is as wide as four columns.
            if line.len() + word.len() + 4 + 4 * indent.len() > 100 {
                let _ = writeln!(text, "{indent}//{line}");
                line.clear();
            }
            line.push(' ');
            line.push_str(word);
        }
        let _ = writeln!(text, "{indent}//{line}");
    }
}

fn constants(text: &mut String, abi: &Abi) {
    for of in &abi.constants {
        let name = camel(&of.name.to_lowercase());
        text.push('\n');
        about(text, "", &name, &of.about);
        let _ = writeln!(text, "const {name} = {}", of.value);
    }
}

fn enumeration(text: &mut String, of: &Enum) -> Result<(), String> {
    let Some(EnumName { go, prefix, renamed, .. }) = ENUMS.iter().find(|name| name.c == of.name) else {
        return Ok(());
    };
    text.push('\n');
    about(text, "", go, &of.about);
    let _ = write!(text, "type {go} {}\n\n// The numbers of {go}.\nconst (\n", scalar(&of.ty)?);
    for variant in &of.variants {
        let name = variant.name.strip_prefix(&format!("{}_", of.name.to_uppercase()));
        let name = name.ok_or_else(|| format!("{} is a number of {}", variant.name, of.name))?;
        let renamed = renamed.iter().find(|(c, _)| *c == name).map(|(_, go)| (*go).to_string());
        let name = format!("{prefix}{}", renamed.unwrap_or_else(|| pascal(name)));
        about(text, "\t", &name, &variant.about);
        let _ = writeln!(text, "\t{name} {go} = {}", variant.value);
    }
    text.push_str(")\n");
    Ok(())
}

/// The Go name of a structure.
fn struct_name(name: &str) -> String {
    EXPORTED.iter().find(|it| it.0 == name).map_or_else(|| camel(name), |it| it.1.to_string())
}

fn field_name(of: &Struct, name: &str) -> String {
    let exported = EXPORTED.iter().any(|it| it.0 == of.name && it.2.contains(&name));
    if exported { pascal(name) } else { camel(name) }
}

fn structure(text: &mut String, abi: &Abi, of: &Struct) -> Result<(), String> {
    let name = struct_name(&of.name);
    text.push('\n');
    about(text, "", &name, &of.about);
    let _ = writeln!(text, "type {name} struct {{");
    for field in &of.fields {
        let field_name = field_name(of, &field.name);
        if field.about.is_empty() {
            // gofmt would align the fields.
            return Err(format!("field {} has no description", field.name));
        }
        about(text, "\t", &field_name, &field.about);
        let array = field.array.map_or_else(String::new, |length| format!("[{length}]"));
        let _ = writeln!(text, "\t{field_name} {array}{}", value_type(abi, &field.ty)?);
    }
    text.push_str("}\n");
    Ok(())
}

/// Makes the Go file that holds Go's layouts of the structures against those of C. Only where the
/// engine runs: elsewhere Go may have others.
pub fn layouts(abi: &Abi) -> Result<String, String> {
    let mut text =
        format!("{}\n\n//go:build amd64 || arm64\n\npackage engine\n\nimport \"unsafe\"\n", super::GENERATED);
    for of in &abi.structs {
        let (name, layout) = (struct_name(&of.name), abi.layout(of)?);
        let _ = write!(text, "\nvar _ [{}]byte = [unsafe.Sizeof({name}{{}})]byte{{}}\n", layout.size);
        for (field, offset) in of.fields.iter().zip(&layout.offsets) {
            let field = field_name(of, &field.name);
            let _ = writeln!(text, "var _ [{offset}]byte = [unsafe.Offsetof({name}{{}}.{field})]byte{{}}");
        }
    }
    Ok(text)
}

/// The name of a function's number.
fn entry(function: &Function) -> String {
    format!("entry{}", pascal(function.name.trim_start_matches("gw_")))
}

/// The Go type of a number.
fn scalar(ty: &Type) -> Result<&'static str, String> {
    Ok(match ty {
        Type::Bool => "bool",
        Type::U8 => "uint8",
        Type::U32 => "uint32",
        Type::U64 => "uint64",
        Type::I64 => "int64",
        Type::Size => "uintptr",
        other => return Err(format!("{other:?} is no number")),
    })
}

/// The Go type of a value that lies in memory.
fn value_type(abi: &Abi, ty: &Type) -> Result<String, String> {
    match ty {
        Type::Pointer(..) => Ok("unsafe.Pointer".to_string()),
        Type::Struct(name) if abi.structure(name).is_some() => Ok(struct_name(name)),
        ty => scalar(ty).map(String::from),
    }
}

/// The Go function of a function of C, under construction.
struct Call<'a> {
    abi: &'a Abi,
    function: &'a Function,
    params: Vec<String>,
    results: Vec<String>,
    /// Statements before the call, and after it.
    before: Vec<String>,
    after: Vec<String>,
    /// Words of arguments, and of what they point to.
    words: usize,
    out: usize,
}

impl<'a> Call<'a> {
    fn new(abi: &'a Abi, function: &'a Function) -> Result<Self, String> {
        let (params, results, before, after) = Default::default();
        let mut call = Self { abi, function, params, results, before, after, words: 0, out: 0 };
        let mut rest = &function.params[..];
        while let [(ty, name), tail @ ..] = rest {
            rest = tail;
            let name = argument_name(name);
            if let [(Type::Size, length), tail @ ..] = tail
                && matches!(ty, Type::Pointer(true, _))
                && (length == "len" || *length == format!("{name}_len"))
            {
                rest = tail;
                call.slice(ty, &name)?;
            } else {
                call.param(ty, &name).map_err(|error| format!("argument {name}: {error}"))?;
            }
        }
        call.result()?;
        Ok(call)
    }

    /// Whether the function may run long.
    fn works(&self) -> bool {
        WORK.contains(&self.function.name.as_str())
    }

    /// Whether the function reads an error that another has given.
    fn reads_error(&self) -> bool {
        self.function.name.starts_with(OF_ERRORS)
    }

    /// An argument of one word.
    fn word(&mut self, value: &str) -> Result<(), String> {
        self.before.push(format!("a.words[{}] = {value}", self.words));
        self.take(1).map(drop)
    }

    /// Makes room for an argument of some words and returns the first.
    fn take(&mut self, words: usize) -> Result<usize, String> {
        let start = self.words;
        self.words += words;
        if self.words > ARGUMENTS {
            return Err(format!("more than {ARGUMENTS} words of arguments"));
        }
        if start < REGISTERS && self.words > REGISTERS {
            return Err(format!(
                "a structure in argument words {start} to {}: it does not fit registers",
                self.words - 1
            ));
        }
        Ok(start)
    }

    /// Makes room for what an argument points to and returns its first word.
    fn room(&mut self, size: usize) -> Result<(usize, usize), String> {
        let (start, words) = (self.out, size.div_ceil(WORD));
        self.out += words;
        if self.out > OUT { Err(format!("more than {OUT} words behind pointers")) } else { Ok((start, words)) }
    }

    /// Bytes or structures, and their number.
    fn slice(&mut self, ty: &Type, name: &str) -> Result<(), String> {
        let Type::Pointer(_, item) = ty else { unreachable!("the caller has looked") };
        self.params.push(format!("{name} []{}", value_type(self.abi, item)?));
        self.word(&format!("uintptr(escape(unsafe.Pointer(unsafe.SliceData({name}))))"))?;
        self.word(&format!("uintptr(len({name}))"))?;
        self.after.push(format!("runtime.KeepAlive({name})"));
        Ok(())
    }

    fn param(&mut self, ty: &Type, name: &str) -> Result<(), String> {
        match ty {
            Type::Bool => {
                self.params.push(format!("{name} bool"));
                self.word(&format!("boolWord({name})"))
            }
            Type::Struct(of) => self.by_value(of, name),
            Type::Pointer(constant, to) => match (&**to, ty.pointee()) {
                (_, Some((of, _))) if self.abi.opaque.contains(of) => {
                    self.params.push(format!("{name} unsafe.Pointer"));
                    self.word(&format!("uintptr({name})"))
                }
                (_, Some((of, true))) => self.by_pointer(of, name),
                (Type::Void, _) => Err(format!("{ty:?} is not known")),
                (to, _) if !constant => self.out_param(to, name),
                _ => Err(format!("{ty:?} is not known")),
            },
            ty => {
                self.params.push(format!("{name} {}", scalar(ty)?));
                self.word(&format!("uintptr({name})"))
            }
        }
    }

    /// A structure of at most two words.
    fn by_value(&mut self, of: &str, name: &str) -> Result<(), String> {
        let size = self.abi.size(&Type::Struct(of.to_string()))?.0;
        if size > 2 * WORD {
            return Err(format!("{of} has {size} bytes, expected at most {} by value", 2 * WORD));
        }
        self.params.push(format!("{name} {}", struct_name(of)));
        let at = self.take(size.div_ceil(WORD))?;
        self.copy_in(of, &format!("unsafe.Pointer(&a.words[{at}])"), name)
    }

    /// A structure that C only reads.
    fn by_pointer(&mut self, of: &str, name: &str) -> Result<(), String> {
        self.params.push(format!("{name} {}", struct_name(of)));
        let (at, _) = self.room(self.abi.size(&Type::Struct(of.to_string()))?.0)?;
        self.copy_in(of, &format!("a.pointer({at})"), name)?;
        self.word(&format!("a.address({at})"))
    }

    /// Copies a structure into the area. To Go's collector that holds no pointers: it is not to
    /// look at what they replace.
    fn copy_in(&mut self, of: &str, to: &str, name: &str) -> Result<(), String> {
        let of = self.abi.structure(of).ok_or_else(|| format!("{of} has no fields"))?;
        let go = struct_name(&of.name);
        self.before.push(if self.abi.has_pointers(of) {
            let words = self.abi.layout(of)?.size.div_ceil(WORD);
            format!("*(*[{words}]uintptr)({to}) = *(*[{words}]uintptr)(unsafe.Pointer(&{name}))")
        } else {
            format!("*(*{go})({to}) = {name}")
        });
        Ok(())
    }

    /// Where C writes a result.
    fn out_param(&mut self, ty: &Type, name: &str) -> Result<(), String> {
        let go = value_type(self.abi, ty)?;
        let (at, words) = self.room(self.abi.size(ty)?.0)?;
        self.word(&format!("a.room({at}, {words})"))?;
        self.results.push(format!("{name} {go}"));
        self.after.push(format!("{name} = *(*{go})(a.pointer({at}))"));
        Ok(())
    }

    fn result(&mut self) -> Result<(), String> {
        let (name, go, value) = match &self.function.result {
            Type::Void => return Ok(()),
            // C leaves the rest of a word as it is.
            Type::Bool => ("result", "bool".to_string(), "uint8(a.words[0]) != 0".to_string()),
            ty @ Type::Struct(of) => {
                let size = self.abi.size(ty)?.0;
                if size > RESULTS * WORD {
                    return Err(format!("the result has {size} bytes, expected at most {}", RESULTS * WORD));
                }
                ("result", struct_name(of), format!("*(*{})(unsafe.Pointer(&a.words[0]))", struct_name(of)))
            }
            ty @ Type::Pointer(..) => match ty.pointee() {
                Some(("gw_error", false)) if self.works() => {
                    ("err", "error".to_string(), "a.workError(err)".to_string())
                }
                Some(("gw_error", false)) => ("err", "error".to_string(), "a.takeError()".to_string()),
                Some((of, _)) if self.abi.structure(of).is_some() => {
                    ("result", format!("*{}", struct_name(of)), format!("(*{})(a.result())", struct_name(of)))
                }
                _ => ("result", "unsafe.Pointer".to_string(), "a.result()".to_string()),
            },
            ty => ("result", scalar(ty)?.to_string(), format!("{}(a.words[0])", scalar(ty)?)),
        };
        self.results.push(format!("{name} {go}"));
        // First: an error is told by the words of the call.
        self.after.insert(0, format!("{name} = {value}"));
        Ok(())
    }

    /// The text of the function.
    fn go(&self) -> String {
        let mut text = String::from("\n");
        let name = camel(self.function.name.trim_start_matches("gw_"));
        about(&mut text, "", &name, &self.function.about);
        let results = if self.results.is_empty() { String::new() } else { format!("({}) ", self.results.join(", ")) };
        let work =
            if self.works() { &["ctx context.Context".to_string(), "heap *workHeap".to_string()][..] } else { &[] };
        let params: Vec<_> = work.iter().chain(&self.params).map(String::as_str).collect();
        let _ = if self.reads_error() {
            writeln!(text, "func (a area) {name}({}) {results}{{", params.join(", "))
        } else {
            writeln!(text, "func {name}({}) {results}{{\n\ta := takeArea()", params.join(", "))
        };
        for statement in &self.before {
            let _ = writeln!(text, "\t{statement}");
        }
        let _ = if self.works() {
            writeln!(text, "\terr = a.work(ctx, heap, {})", entry(self.function))
        } else {
            writeln!(text, "\ta.call({})", entry(self.function))
        };
        for statement in &self.after {
            let _ = writeln!(text, "\t{statement}");
        }
        if !self.reads_error() {
            text.push_str("\ta.release()\n");
        }
        if !self.results.is_empty() {
            text.push_str("\treturn\n");
        }
        text.push_str("}\n");
        text
    }
}

/// The name of an argument in Go.
fn argument_name(name: &str) -> String {
    let name = camel(name);
    if TAKEN.contains(&name.as_str()) { format!("{name}_") } else { name }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The Go functions of a header, which declares what the tests below use first.
    fn functions(text: &str) -> Result<String, String> {
        let types = "typedef struct gw_error gw_error;\ntypedef struct gw_module gw_module;\n\
             typedef struct gw_pair { uint64_t first; uint64_t second; } gw_pair;\n\
             typedef struct gw_bytes { uint8_t *data; size_t len; } gw_bytes;\n\
             typedef struct gw_small { uint32_t flag; } gw_small;\n\
             typedef struct gw_large { uint64_t words[3]; } gw_large;\n";
        let abi = Abi::parse(&format!("{types}{text}"))?;
        numbered(&abi).into_iter().map(|function| Ok(Call::new(&abi, function)?.go())).collect()
    }

    fn body(text: &str) -> String {
        let text = functions(text).unwrap();
        let body = text.trim().strip_suffix("\ta.release()\n\treturn\n}").unwrap_or(&text);
        body.replace("a := takeArea()\n\t", "").replace("\n\t", "\n").trim().to_string()
    }

    #[test]
    fn slices_have_a_pointer_and_a_length() {
        let text = "// Makes.\n// It.\nstruct gw_error *gw_module_make(const uint8_t *data, size_t len,\n\
            const struct gw_small *items, size_t items_len, const struct gw_small *options, struct gw_module **out);";
        assert_eq!(
            body(text),
            "// moduleMake: Makes. It.\n\
             func moduleMake(data []uint8, items []gwSmall, options gwSmall) (out unsafe.Pointer, err error) {\n\
             a.words[0] = uintptr(escape(unsafe.Pointer(unsafe.SliceData(data))))\n\
             a.words[1] = uintptr(len(data))\n\
             a.words[2] = uintptr(escape(unsafe.Pointer(unsafe.SliceData(items))))\n\
             a.words[3] = uintptr(len(items))\n\
             *(*gwSmall)(a.pointer(0)) = options\n\
             a.words[4] = a.address(0)\n\
             a.words[5] = a.room(1, 1)\n\
             a.call(entryModuleMake)\n\
             err = a.takeError()\n\
             runtime.KeepAlive(data)\n\
             runtime.KeepAlive(items)\n\
             out = *(*unsafe.Pointer)(a.pointer(1))"
        );
    }

    #[test]
    fn results_are_cut_to_their_type() {
        assert_eq!(
            body("bool gw_get(const struct gw_module *module, bool quick, uint64_t *old, struct gw_large *out);"),
            "func get(module unsafe.Pointer, quick bool) (old uint64, out gwLarge, result bool) {\n\
             a.words[0] = uintptr(module)\n\
             a.words[1] = boolWord(quick)\n\
             a.words[2] = a.room(0, 1)\n\
             a.words[3] = a.room(1, 3)\n\
             a.call(entryGet)\n\
             result = uint8(a.words[0]) != 0\n\
             old = *(*uint64)(a.pointer(0))\n\
             out = *(*gwLarge)(a.pointer(1))"
        );
        for (ty, result) in [
            ("uint32_t", "result uint32) {\na.call(entryF)\nresult = uint32(a.words[0])"),
            ("int64_t", "result int64) {\na.call(entryF)\nresult = int64(a.words[0])"),
            ("struct gw_pair", "result gwPair) {\na.call(entryF)\nresult = *(*gwPair)(unsafe.Pointer(&a.words[0]))"),
            ("struct gw_module *", "result unsafe.Pointer) {\na.call(entryF)\nresult = a.result()"),
            ("const void *", "result unsafe.Pointer) {\na.call(entryF)\nresult = a.result()"),
            ("const struct gw_large *", "result *gwLarge) {\na.call(entryF)\nresult = (*gwLarge)(a.result())"),
        ] {
            assert_eq!(body(&format!("{ty} gw_f(void);")), format!("func f() ({result}"));
        }
    }

    #[test]
    fn errors_are_read_where_they_came_from() {
        assert_eq!(
            functions("uint32_t gw_error_kind(const struct gw_error *error);").unwrap(),
            "\nfunc (a area) errorKind(error_ unsafe.Pointer) (result uint32) {\n\ta.words[0] = uintptr(error_)\n\ta.call(entryErrorKind)\n\
             \tresult = uint32(a.words[0])\n\treturn\n}\n"
        );
    }

    #[test]
    fn structures_go_by_value() {
        assert_eq!(
            body("uint64_t gw_set(uint8_t type, struct gw_pair value, struct gw_bytes bytes);"),
            "func set(type_ uint8, value gwPair, bytes gwBytes) (result uint64) {\n\
             a.words[0] = uintptr(type_)\n\
             *(*gwPair)(unsafe.Pointer(&a.words[1])) = value\n\
             *(*[2]uintptr)(unsafe.Pointer(&a.words[3])) = *(*[2]uintptr)(unsafe.Pointer(&bytes))\n\
             a.call(entrySet)\n\
             result = uint64(a.words[0])"
        );
    }

    #[test]
    fn refuses_what_does_not_fit() {
        let many = |count: usize| (0..count).map(|i| format!("uint64_t p{i}")).collect::<Vec<_>>().join(", ");
        assert!(functions(&format!("void gw_f({});", many(8))).is_ok());
        for (text, error) in [
            (format!("void gw_f({});", many(9)), "argument p8: more than 8 words of arguments"),
            (
                format!("void gw_f({}, struct gw_pair pair);", many(5)),
                "argument pair: a structure in argument words 5 to 6: it does not fit registers",
            ),
            (
                "void gw_f(struct gw_large large);".into(),
                "argument large: gw_large has 24 bytes, expected at most 16 by value",
            ),
            ("struct gw_large gw_f(void);".into(), "the result has 24 bytes, expected at most 16"),
            ("void gw_f(void *p);".into(), "argument p: Pointer(false, Void) is not known"),
            ("void gw_f(const uint64_t *p);".into(), "argument p: Pointer(true, U64) is not known"),
            ("void gw_f(struct gw_none n);".into(), "argument n: the size of gw_none is not known"),
        ] {
            assert_eq!(functions(&text).unwrap_err(), error);
        }
        let large: String = (0..17).map(|i| format!("uint64_t l{i}[1]; ")).collect();
        let text = format!(
            "typedef struct gw_l {{ {large} }} gw_l;\nvoid gw_f(struct gw_l *a, struct gw_l *b, struct gw_l *c);"
        );
        assert_eq!(functions(&text).unwrap_err(), "argument c: more than 48 words behind pointers");
    }

    #[test]
    fn numbers_are_in_the_order_of_names() {
        let abi = Abi::parse("void gw_b(void);\nvoid gw_entries(void);\nvoid gw_a(void);").unwrap();
        let names: Vec<_> = numbered(&abi).into_iter().map(|function| function.name.as_str()).collect();
        assert_eq!(names, ["gw_a", "gw_b"]);
        assert_ne!(number("a", &abi), number("b", &abi));
    }

    #[test]
    fn has_rules_for_what_there_is() {
        let header = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../go/internal/engine/wasmer.h");
        let header = std::fs::read_to_string(header).unwrap();
        let check = |text: &str| check_names(&Abi::parse(text).unwrap());
        assert_eq!(check(&header), Ok(()));
        for (text, error) in [
            (
                format!("{header}\nenum gw_more {{ GW_MORE_A = 1, }}; typedef uint8_t gw_more;"),
                "the generator has no rule for the enumeration gw_more",
            ),
            (
                header.replace("gw_resume(", "gw_go_on("),
                "the header has no function gw_resume, which the generator has a rule for",
            ),
            (
                header.replace(" stack_size;", " size;"),
                "gw_engine_options has no field stack_size, which the generator has a rule for",
            ),
        ] {
            assert_eq!(check(&text).unwrap_err(), error);
        }
    }
}
