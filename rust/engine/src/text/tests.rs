//! The text format at its edges: good and bad text, places of errors, depth, size, and all bytes
//! that are no text.

use super::*;

fn fails(text: &[u8]) -> (u32, u32, String) {
    let error = to_binary(text).expect_err("the text is wrong");
    assert_eq!(error.kind(), ErrorKind::Text);
    let at = error.position().expect("an error in a text has a place");
    (at.line, at.column, error.message().to_owned())
}

#[test]
fn translates_modules() {
    assert_eq!(to_binary(b"(module)").unwrap(), b"\0asm\x01\0\0\0");
    assert_eq!(
        to_binary(b"(func)").unwrap(),
        to_binary(b"(module (func))").unwrap(),
        "the outermost form may be left out"
    );
    assert_eq!(to_binary(b"(module binary \"\\00asm\" \"\\01\\00\\00\\00\")").unwrap(), b"\0asm\x01\0\0\0");
    let sum = b"(module (func (export \"sum\") (param i32 i32) (result i32) (i32.add (local.get 0) (local.get 1))))";
    crate::compile::validate(&to_binary(sum).unwrap()).unwrap();
}

#[test]
fn what_is_not_validated_is_left_to_validation() {
    let bytes = to_binary(b"(module (func (result i32) (i64.const 0)))").unwrap();
    assert_eq!(crate::compile::validate(&bytes).unwrap_err().kind(), ErrorKind::Validation);
}

#[test]
fn errors_have_a_place() {
    let (line, column, message) = fails(b"(module\n  (func\n    i32.cosnt 5))");
    assert_eq!((line, column), (3, 5));
    assert!(message.contains("unknown operator or unexpected token"), "{message}");
    let (line, column, message) = fails(b"(module (func $f call $g))");
    assert_eq!((line, column), (1, 23), "{message}");
    assert!(message.contains("unknown func"), "{message}");
    // Columns count characters; a carriage return before a newline belongs to its line.
    assert_eq!(fails("(module ;; \u{1f980}\r\n(; äöü ;) x)".as_bytes()).0, 2);
    assert_eq!(fails("(module (; äöü🦀 ;) x)".as_bytes()).1, 20);
    assert_eq!((fails(b"").0, fails(b"").1), (1, 1));
    assert_eq!((fails(b"(module\n(func\n").0, fails(b"(module\n(func\n").1), (3, 1), "the end of the text");
}

#[test]
fn bytes_that_are_no_text_are_errors() {
    assert_eq!(fails(b"(module)\n;; \xff"), (2, 4, "malformed UTF-8 encoding".to_owned()));
    let message = "the module is in the binary format already, expected the text format";
    assert_eq!(fails(b"\0asm\x01\0\0\0"), (1, 1, message.to_owned()));
    for byte in 0..=u8::MAX {
        assert!(to_binary(&[byte]).is_err(), "{byte}");
        assert!(to_binary(&[b'(', byte]).is_err(), "{byte}");
    }
}

#[test]
fn all_of_unicode_may_stand_in_comments_and_strings() {
    let text = "(module $\"été\" ;; \u{202e}\n (func (export \"\u{2066}日本\u{202e}🦀\")))";
    let bytes = to_binary(text.as_bytes()).unwrap();
    assert!(bytes.windows(4).any(|window| window == "🦀".as_bytes()));
}

/// Whatever is nested 100,000 deep is an error or a module, and needs no deep stack: this runs on
/// 512 KiB.
#[test]
fn deep_nesting_needs_no_deep_stack() {
    const DEPTH: usize = 100_000;
    let check = || {
        for open in [
            "(",
            "(module ",
            "(module (func ",
            "(func ",
            "(block ",
            "(i32.eqz ",
            "(if ",
            "(if (then ",
            "(loop (result i32) ",
            "(rec ",
            "(type ",
            "(type (func (param ",
            "(type (struct (field ",
            "(ref ",
            "(import ",
            "(import \"\" \"\" ",
            "(elem ",
            "(item ",
            "(offset ",
            "(table ",
            "(data ",
            "(memory ",
            "(export ",
            "(global ",
            "(param ",
            "(component ",
            "(start ",
            "(try_table ",
            "(@custom ",
            "(; ",
            "(assert_return (invoke \"\" ",
            "(thread ",
            "(either ",
            "(assert_trap ",
            "(instance ",
            "(core ",
        ] {
            for start in ["", "(module (func ", "(assert_return (invoke \"\") "] {
                let text = start.to_owned() + &open.repeat(DEPTH);
                assert!(to_binary(text.as_bytes()).is_err(), "{start}{open}");
                let closed = text.clone() + &")".repeat(text.matches('(').count());
                drop(to_binary(closed.as_bytes()));
            }
        }
        let folded = format!("(func (drop {}(i32.const 0){}))", "(i32.eqz ".repeat(DEPTH), ")".repeat(DEPTH));
        assert!(to_binary(folded.as_bytes()).unwrap().len() > DEPTH);
    };
    let thread = std::thread::Builder::new().stack_size(512 << 10).spawn(check).unwrap();
    thread.join().expect("no panic");
}

/// Every cut of a text, and every text with one byte altered, is an error or a module.
#[test]
fn altered_texts_do_no_harm() {
    let text = r#"(module $m (type $t (func (param i32 f64) (result i32))) (import "a" "\u{1f980}b" (func $i (type $t)))
      (memory (export "m") 1 0x1_0) (table 3 funcref) (elem (i32.const 0) $i $f) (global $g (mut f32) (f32.const nan:0x200000))
      (func $f (param i32 f64) (result i32) (local i64) (if (result i32) (local.get 0) (then i32.const -0x8000_0000) (else
        (block $b (result i32) (br_table $b 0 (i32.const 1) (i32.const 2))))) (; c (; n ;) ;) ;; line
        v128.const i32x4 1 2 3 4 drop) (data (i32.const 8) "x\00\n\"y") (@custom "z" "y"))"#;
    to_binary(text.as_bytes()).expect("the text is good");
    for cut in 0..text.len() {
        drop(to_binary(&text.as_bytes()[..cut]));
    }
    for at in 0..text.len() {
        for byte in *b"\0\x7f\xff()\"; $09af_x-\\\n" {
            let mut altered = text.as_bytes().to_vec();
            altered[at] = byte;
            if let Err(error) = to_binary(&altered) {
                assert!(error.position().is_some(), "{error}");
            }
        }
    }
}
