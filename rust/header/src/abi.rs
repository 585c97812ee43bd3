//! The C ABI as our own header tells it: a strict parser of what cbindgen writes, and the layout of
//! its structures by the rules of C on the 64-bit targets. Whatever it does not know is an error.

use std::collections::BTreeSet;

/// Bytes of a pointer, and of a word of a call.
pub const WORD: usize = 8;

/// A type of C.
#[derive(Clone, Debug, PartialEq)]
pub enum Type {
    Void,
    Bool,
    U8,
    U32,
    U64,
    I64,
    Size,
    /// A structure by its name, with fields or opaque.
    Struct(String),
    /// A pointer; whether what it points to is constant.
    Pointer(bool, Box<Type>),
}

impl Type {
    /// The name of the structure that this points to, and whether it is constant there.
    pub fn pointee(&self) -> Option<(&str, bool)> {
        match self {
            Self::Pointer(constant, to) => match &**to {
                Self::Struct(name) => Some((name, *constant)),
                _ => None,
            },
            _ => None,
        }
    }
}

/// A number with a name: a constant, or a variant of an enumeration.
#[derive(Debug, PartialEq)]
pub struct Number {
    pub about: Vec<String>,
    pub name: String,
    pub value: String,
}

/// An enumeration and the type of its numbers.
#[derive(Debug, PartialEq)]
pub struct Enum {
    pub about: Vec<String>,
    pub name: String,
    pub ty: Type,
    pub variants: Vec<Number>,
}

/// A field of a structure.
#[derive(Debug, PartialEq)]
pub struct Field {
    pub about: Vec<String>,
    pub name: String,
    pub ty: Type,
    /// The number of elements of an array.
    pub array: Option<usize>,
}

/// A structure with fields.
#[derive(Debug, PartialEq)]
pub struct Struct {
    pub about: Vec<String>,
    pub name: String,
    pub fields: Vec<Field>,
}

/// A function.
#[derive(Debug, PartialEq)]
pub struct Function {
    pub about: Vec<String>,
    pub name: String,
    pub result: Type,
    pub params: Vec<(Type, String)>,
}

/// Size, alignment, and the offset of each field.
#[derive(Debug, PartialEq)]
pub struct Layout {
    pub size: usize,
    pub align: usize,
    pub offsets: Vec<usize>,
}

/// All that the header declares.
#[derive(Debug, Default)]
pub struct Abi {
    pub constants: Vec<Number>,
    pub enums: Vec<Enum>,
    pub opaque: BTreeSet<String>,
    pub structs: Vec<Struct>,
    pub functions: Vec<Function>,
}

impl Abi {
    /// Reads a header.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut parser = Parser { tokens: tokens(text)?, next: 0 };
        let mut abi = Self::default();
        while parser.next < parser.tokens.len() {
            parser.item(&mut abi)?;
        }
        Ok(abi)
    }

    /// A structure with fields.
    pub fn structure(&self, name: &str) -> Option<&Struct> {
        self.structs.iter().find(|it| it.name == name)
    }

    /// The layout of a structure.
    pub fn layout(&self, of: &Struct) -> Result<Layout, String> {
        let mut layout = Layout { size: 0, align: 1, offsets: Vec::new() };
        for field in &of.fields {
            let (size, align) = self.size(&field.ty)?;
            let offset = layout.size.next_multiple_of(align);
            layout.offsets.push(offset);
            layout.size = offset + size * field.array.unwrap_or(1);
            layout.align = layout.align.max(align);
        }
        layout.size = layout.size.next_multiple_of(layout.align);
        Ok(layout)
    }

    /// Size and alignment of a type.
    pub fn size(&self, ty: &Type) -> Result<(usize, usize), String> {
        Ok(match ty {
            Type::Void => return Err("void has no size".to_string()),
            Type::Bool | Type::U8 => (1, 1),
            Type::U32 => (4, 4),
            Type::U64 | Type::I64 | Type::Size | Type::Pointer(..) => (WORD, WORD),
            Type::Struct(name) => {
                let of = self.structure(name).ok_or_else(|| format!("the size of {name} is not known"))?;
                let layout = self.layout(of)?;
                (layout.size, layout.align)
            }
        })
    }

    /// Whether a structure holds pointers.
    pub fn has_pointers(&self, of: &Struct) -> bool {
        of.fields.iter().any(|field| match &field.ty {
            Type::Pointer(..) => true,
            Type::Struct(name) => self.structure(name).is_none_or(|of| self.has_pointers(of)),
            _ => false,
        })
    }
}

#[derive(Clone, Debug, PartialEq)]
enum Token {
    /// A line of a comment.
    About(String),
    /// A line for the preprocessor.
    Directive(String),
    /// A name or a number.
    Word(String),
    Punctuation(char),
}

fn tokens(text: &str) -> Result<Vec<Token>, String> {
    let mut tokens = Vec::new();
    for line in text.lines().map(str::trim) {
        if let Some(about) = line.strip_prefix("//") {
            tokens.push(Token::About(about.trim().to_string()));
            continue;
        }
        if line.starts_with('#') {
            tokens.push(Token::Directive(line.to_string()));
            continue;
        }
        let mut rest = line;
        while let Some(c) = rest.chars().next() {
            if c.is_ascii_alphanumeric() || c == '_' {
                let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(rest.len());
                tokens.push(Token::Word(rest[..end].to_string()));
                rest = &rest[end..];
            } else if "*;{}(),=[]".contains(c) {
                tokens.push(Token::Punctuation(c));
                rest = &rest[1..];
            } else {
                return Err(format!("unknown character {c:?} in the header: {line}"));
            }
            rest = rest.trim_start();
        }
    }
    Ok(tokens)
}

struct Parser {
    tokens: Vec<Token>,
    next: usize,
}

impl Parser {
    fn take(&mut self) -> Result<Token, String> {
        let token = self.tokens.get(self.next).cloned().ok_or("the header ends early")?;
        self.next += 1;
        Ok(token)
    }

    /// Takes a token if it comes next.
    fn have(&mut self, wanted: &Token) -> bool {
        let found = self.tokens.get(self.next) == Some(wanted);
        self.next += usize::from(found);
        found
    }

    fn have_word(&mut self, wanted: &str) -> bool {
        self.have(&Token::Word(wanted.to_string()))
    }

    fn word(&mut self) -> Result<String, String> {
        match self.take()? {
            Token::Word(word) => Ok(word),
            other => Err(format!("{other:?} in the header, expected a name")),
        }
    }

    fn expect(&mut self, wanted: &str) -> Result<(), String> {
        for c in wanted.chars() {
            match self.take()? {
                Token::Punctuation(found) if found == c => {}
                other => return Err(format!("{other:?} in the header, expected {c:?}")),
            }
        }
        Ok(())
    }

    fn expect_word(&mut self, wanted: &str) -> Result<(), String> {
        let found = self.word()?;
        if found == wanted { Ok(()) } else { Err(format!("{found} in the header, expected {wanted}")) }
    }

    fn about(&mut self) -> Vec<String> {
        let mut about = Vec::new();
        while let Some(Token::About(line)) = self.tokens.get(self.next) {
            about.push(line.clone());
            self.next += 1;
        }
        about
    }

    fn item(&mut self, abi: &mut Abi) -> Result<(), String> {
        let about = self.about();
        if let Some(Token::Directive(line)) = self.tokens.get(self.next).cloned() {
            self.next += 1;
            if let [name, value] = line.strip_prefix("#define ").unwrap_or_default().split(' ').collect::<Vec<_>>()[..]
            {
                abi.constants.push(Number { about, name: name.to_string(), value: number(value)? });
            }
            return Ok(());
        }
        if self.have_word("enum") {
            abi.enums.push(self.enumeration(about)?);
            return Ok(());
        }
        if self.have_word("typedef") {
            self.expect_word("struct")?;
            let name = self.word()?;
            if self.have(&Token::Punctuation('{')) {
                let fields = self.fields()?;
                self.expect_word(&name)?;
                abi.structs.push(Struct { about, name, fields });
            } else {
                self.expect_word(&name)?;
                abi.opaque.insert(name);
            }
            return self.expect(";");
        }
        let _ = self.have_word("extern");
        let result = self.ty()?;
        let name = self.word()?;
        let params = self.params().map_err(|error| format!("{name}: {error}"))?;
        abi.functions.push(Function { about, name, result, params });
        Ok(())
    }

    fn enumeration(&mut self, about: Vec<String>) -> Result<Enum, String> {
        let name = self.word()?;
        self.expect("{")?;
        let mut variants = Vec::new();
        while !self.have(&Token::Punctuation('}')) {
            let (about, name) = (self.about(), self.word()?);
            self.expect("=")?;
            variants.push(Number { about, name, value: number(&self.word()?)? });
            self.expect(",")?;
        }
        self.expect(";")?;
        self.expect_word("typedef")?;
        let ty = self.ty()?;
        self.expect_word(&name)?;
        self.expect(";")?;
        Ok(Enum { about, name, ty, variants })
    }

    fn fields(&mut self) -> Result<Vec<Field>, String> {
        let mut fields = Vec::new();
        while !self.have(&Token::Punctuation('}')) {
            let (about, ty, name) = (self.about(), self.ty()?, self.word()?);
            let mut array = None;
            if self.have(&Token::Punctuation('[')) {
                let length = self.word()?;
                array = Some(length.parse().map_err(|_| format!("array of {length} elements in the header"))?);
                self.expect("]")?;
            }
            self.expect(";")?;
            fields.push(Field { about, name, ty, array });
        }
        Ok(fields)
    }

    fn params(&mut self) -> Result<Vec<(Type, String)>, String> {
        self.expect("(")?;
        let mut params = Vec::new();
        if self.have_word("void") {
            if self.have(&Token::Punctuation(')')) {
                self.expect(";")?;
                return Ok(params);
            }
            self.next -= 1;
        }
        loop {
            params.push((self.ty()?, self.word()?));
            if self.have(&Token::Punctuation(')')) {
                self.expect(";")?;
                return Ok(params);
            }
            self.expect(",")?;
        }
    }

    fn ty(&mut self) -> Result<Type, String> {
        let mut constant = self.have_word("const");
        let name = self.word()?;
        let mut ty = match name.as_str() {
            "void" => Type::Void,
            "bool" => Type::Bool,
            "uint8_t" => Type::U8,
            "uint32_t" => Type::U32,
            "uint64_t" => Type::U64,
            "int64_t" => Type::I64,
            "size_t" => Type::Size,
            "struct" => Type::Struct(self.word()?),
            _ => return Err(format!("unknown type {name}")),
        };
        while self.have(&Token::Punctuation('*')) {
            ty = Type::Pointer(constant, Box::new(ty));
            constant = self.have_word("const");
        }
        Ok(ty)
    }
}

/// A number as it stands in the header.
fn number(text: &str) -> Result<String, String> {
    match text.parse::<u64>() {
        Ok(_) => Ok(text.to_string()),
        Err(_) => Err(format!("{text} in the header, expected a number")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pointer(constant: bool, to: Type) -> Type {
        Type::Pointer(constant, Box::new(to))
    }

    #[test]
    fn reads_declarations() {
        let abi = Abi::parse(
            "// Generated\n#ifndef A_H\n#define A_H\n// One.\n#define GW_ONE 1\n\
             // Kind.\nenum gw_kind {\n  // A.\n  GW_KIND_A = 3,\n};\ntypedef uint8_t gw_kind;\n\
             typedef struct gw_handle gw_handle;\n\
             typedef struct gw_a {\n  // Some.\n  // More.\n  uint64_t some[2];\n} gw_a;\n\
             // Does.\nstruct gw_error *gw_do(const struct gw_handle *handle,\n\
             struct gw_a value, bool *out);\n\
             extern const void *const *gw_entries(void);\n#endif  /* A_H */\n",
        )
        .unwrap();
        assert_eq!(abi.constants, [Number { about: vec!["One.".into()], name: "GW_ONE".into(), value: "1".into() }]);
        assert_eq!((abi.enums[0].variants[0].value.as_str(), &abi.enums[0].ty), ("3", &Type::U8));
        assert_eq!(abi.opaque.iter().collect::<Vec<_>>(), ["gw_handle"]);
        let field = &abi.structs[0].fields[0];
        assert_eq!((field.about.len(), &field.ty, field.array), (2, &Type::U64, Some(2)));
        let [first, second] = &abi.functions[..] else { panic!("{:?}", abi.functions) };
        assert_eq!(first.about, ["Does."]);
        assert_eq!(first.result, pointer(false, Type::Struct("gw_error".into())));
        assert_eq!(first.params[0], (pointer(true, Type::Struct("gw_handle".into())), "handle".to_string()));
        assert_eq!(first.params[1], (Type::Struct("gw_a".into()), "value".to_string()));
        assert_eq!(first.params[2], (pointer(false, Type::Bool), "out".to_string()));
        assert_eq!((&second.result, second.params.len()), (&pointer(true, pointer(true, Type::Void)), 0));
    }

    #[test]
    fn computes_layouts() {
        let abi = Abi::parse(
            "typedef struct gw_a { uint8_t a; uint32_t b; bool c; } gw_a;\n\
             typedef struct gw_b { struct gw_a a; const void *b; struct gw_a c[2]; } gw_b;\n",
        )
        .unwrap();
        let layout = |name| abi.layout(abi.structure(name).unwrap()).unwrap();
        assert_eq!(layout("gw_a"), Layout { size: 12, align: 4, offsets: vec![0, 4, 8] });
        assert_eq!(layout("gw_b"), Layout { size: 48, align: 8, offsets: vec![0, 16, 24] });
        let pointers = |name| abi.has_pointers(abi.structure(name).unwrap());
        assert_eq!((pointers("gw_a"), pointers("gw_b")), (false, true));
    }

    #[test]
    fn refuses_what_it_does_not_know() {
        for (text, error) in [
            ("void gw_f(double x);", "gw_f: unknown type double"),
            ("gw_kind gw_f(void);", "unknown type gw_kind"),
            ("#define GW_A 1u", "1u in the header, expected a number"),
            ("typedef union gw_a gw_a;", "union in the header, expected struct"),
            ("void gw_f(void)", "gw_f: the header ends early"),
            ("void gw_f(void (*f)(void));", "gw_f: Punctuation('(') in the header, expected a name"),
            ("int32_t gw_f(int a : 3);", "unknown character ':' in the header: int32_t gw_f(int a : 3);"),
        ] {
            assert_eq!(Abi::parse(text).unwrap_err(), error);
        }
    }
}
