//! Known faults of the oracles, each told as narrowly as possible. A difference that one of them
//! explains is counted, not reported.

use wasmparser::{BlockType, Operator, Parser, Payload};

/// Whether a module may be one that wasmi 2.0.0 translates wrongly: for `select` with a condition
/// that is a comparison with zero, it may take the wrong operand. `(select (i32.const 1) (local.get
/// 0) (i32.eqz (local.get 0)))` returns 1 for 7; the specification (section 4.4.4, "Parametric
/// Instructions"), wasmtime and this engine give 7.
#[must_use]
pub fn wasmi_swaps_select(bytes: &[u8]) -> bool {
    let bodies = Parser::new(0).parse_all(bytes).filter_map(|payload| match payload {
        Ok(Payload::CodeSectionEntry(body)) => body.get_operators_reader().ok(),
        _ => None,
    });
    for body in bodies {
        let mut after_comparison = false;
        for operator in body.into_iter().map_while(Result::ok) {
            if after_comparison && matches!(operator, Operator::Select | Operator::TypedSelect { .. }) {
                return true;
            }
            after_comparison = matches!(
                operator,
                Operator::I32Eqz
                    | Operator::I64Eqz
                    | Operator::I32Eq
                    | Operator::I64Eq
                    | Operator::I32Ne
                    | Operator::I64Ne
            );
        }
    }
    false
}

/// Whether a module may be one in which wasmi 2.0.0 puts values that a branch or block carries in
/// the wrong place: those of a `br_table` that carries several, or the parameters of a block.
/// `(block (result i32 i64) i64.const 5 i32.const 1 i64.const 2 local.get 0 br_table 0 1 1)`
/// returns 0 and 2; the specification (section 4.4.8, "Control Instructions"), wasmtime and this
/// engine give 1 and 2.
#[must_use]
pub fn wasmi_misplaces_values(bytes: &[u8]) -> bool {
    let Ok(info) = gowasmer::wasm::parse(bytes).map(|parsed| parsed.info) else { return false };
    let several = info.types.iter().any(|ty| ty.results.len() > 1);
    let bodies = Parser::new(0).parse_all(bytes).filter_map(|payload| match payload {
        Ok(Payload::CodeSectionEntry(body)) => body.get_operators_reader().ok(),
        _ => None,
    });
    bodies.flat_map(|body| body.into_iter().map_while(Result::ok)).any(|operator| match operator {
        Operator::BrTable { .. } => several,
        Operator::If { blockty } | Operator::Loop { blockty } | Operator::Block { blockty } => {
            matches!(blockty, BlockType::FuncType(index) if !info.types[index as usize].params.is_empty())
        }
        _ => false,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_select_right_after_a_comparison_is_meant() {
        let module = |body: &str| {
            let text = format!("(module (func (param i32) (result i32) i32.const 1 local.get 0 local.get 0 {body}))");
            wat::parse_str(text).unwrap()
        };
        assert!(wasmi_swaps_select(&module("i32.eqz select")));
        assert!(wasmi_swaps_select(&module("i32.const 0 i32.eq select (result i32)")));
        assert!(!wasmi_swaps_select(&module("select")));
        assert!(!wasmi_swaps_select(&module("i32.eqz i32.const 1 i32.add select")));
        assert!(!wasmi_swaps_select(b""));
    }

    #[test]
    fn only_values_that_a_branch_or_block_carries_are_meant() {
        let module = |body: &str, results: &str| {
            wat::parse_str(format!("(module (func (param i32) (result {results}) {body}))")).unwrap()
        };
        assert!(wasmi_misplaces_values(&module("i32.const 1 i64.const 2 local.get 0 br_table 0 0", "i32 i64")));
        assert!(wasmi_misplaces_values(&module("local.get 0 loop (param i32) (result i32) end", "i32")));
        assert!(!wasmi_misplaces_values(&module("i32.const 1 local.get 0 br_table 0 0", "i32")));
        assert!(!wasmi_misplaces_values(&module("block (result i32) local.get 0 end", "i32")));
        assert!(!wasmi_misplaces_values(b""));
    }
}
