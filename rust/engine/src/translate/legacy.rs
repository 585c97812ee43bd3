//! The handlers of a legacy `try` (the exceptions of before WebAssembly 3.0, which toolchains still
//! emit). They stand behind the body, but calls in the body have to name them: so they are found in
//! advance, for all of a function when its first `try` is met.

use super::state::{Clause, Try};
use crate::error::Result;
use crate::wasm::validation_error;
use hashbrown::HashMap;
use wasmparser::{Operator, OperatorsReader};

/// What catches the exceptions of each `try` of a body, by the offset of the instruction behind it
/// in the module's bytes.
#[derive(Debug, Default)]
pub(super) struct Plan(HashMap<u64, Try>);

impl Plan {
    /// Reads all from the first `try` of a body on; `rest` is what follows it.
    pub(super) fn new(rest: &OperatorsReader<'_>) -> Result<Self> {
        let mut reader = rest.clone();
        let mut plan = HashMap::new();
        // Of each open frame where the `try` is that has opened it. Those that were open before
        // the first one are not there.
        let mut open = vec![Some(reader.original_position())];
        while !reader.eof() {
            let operator = reader.read().map_err(|error| validation_error(&error))?;
            let innermost = |plan: &mut HashMap<u64, Try>, tag| {
                let Some(position) = open.last().copied().flatten() else { return };
                let body: &mut Try = plan.entry(position).or_default();
                body.clauses.push(Clause { tag, with_ref: false, depth: 0, block: None });
            };
            match operator {
                Operator::Try { .. } => open.push(Some(reader.original_position())),
                Operator::Block { .. } | Operator::Loop { .. } | Operator::If { .. } | Operator::TryTable { .. } => {
                    open.push(None);
                }
                Operator::Catch { tag_index } => innermost(&mut plan, Some(tag_index)),
                Operator::CatchAll => innermost(&mut plan, None),
                Operator::Rethrow { relative_depth } => {
                    let index = open.len().checked_sub(1 + relative_depth as usize);
                    let body = index.and_then(|index| open[index]).and_then(|position| plan.get_mut(&position));
                    if let Some(clause) = body.and_then(|body| body.clauses.last_mut()) {
                        clause.with_ref = true;
                    }
                }
                Operator::Delegate { relative_depth } => {
                    if let Some(position) = open.pop().flatten() {
                        plan.entry(position).or_default().delegate = Some(relative_depth);
                    }
                }
                Operator::End => drop(open.pop()),
                _ => {}
            }
        }
        Ok(Self(plan))
    }

    /// What catches the exceptions of the `try` before an offset.
    pub(super) fn take(&mut self, position: u64) -> Try {
        self.0.remove(&position).unwrap_or_default()
    }
}
