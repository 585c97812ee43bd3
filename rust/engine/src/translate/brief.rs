//! Bodies that do not stay in loops of their own for long. Code that is made quickly is good enough
//! for the first calls of these, as the next call can already go to better code.
//!
//! Go's compiler puts each function that calls into a loop, around blocks that a table leads to by
//! the number in the first local: by that a function goes on where it was left, and all its jumps
//! go through it, those forward as well. Such a jump sets the local to a constant, so that it is
//! known which block follows, and which jumps lead back. Where there is a call on the way back, the
//! program leaves all functions and enters them again when the scheduler or the collector of
//! garbage wants it. Loops without calls look at each item of something; those in each other may
//! take long, and then the body is not a brief one.

use crate::prelude::*;
use wasmparser::{FunctionBody, Operator};

/// The loop that Go's compiler puts around a function.
struct Dispatch {
    /// How many frames are open around it.
    depth: usize,
    /// Blocks that begin in it, one in the other.
    blocks: usize,
    /// How many of these have ended: the code behind the last one is a part of the body to which
    /// the loop can lead.
    ended: usize,
    /// For each number how many blocks have ended where it leads to, and for all others.
    targets: Vec<usize>,
    /// Where the last call was.
    call: Option<usize>,
    /// Where jumps back lead without a call on the way.
    back: Vec<usize>,
}

/// Whether a body, which is valid, is brief.
pub(crate) fn is_brief(body: &FunctionBody<'_>) -> bool {
    scan(body).unwrap_or(false)
}

fn scan(body: &FunctionBody<'_>) -> Option<bool> {
    let mut depth = 0;
    let mut dispatch: Option<Dispatch> = None;
    // The constant that the first local was set to by the two operators before.
    let (mut constant, mut number) = (None, None);
    let mut in_head = false;
    for operator in body.get_operators_reader().ok()? {
        let operator = operator.ok()?;
        let (last_constant, last_number) = (constant.take(), number.take());
        let head = core::mem::take(&mut in_head);
        match operator {
            Operator::Loop { .. } if dispatch.is_none() => {
                dispatch =
                    Some(Dispatch { depth, blocks: 0, ended: 0, targets: Vec::new(), call: None, back: Vec::new() });
                (depth, in_head) = (depth + 1, true);
            }
            Operator::Loop { .. } => return Some(false),
            Operator::Block { .. } => {
                if let Some(dispatch) = dispatch.as_mut().filter(|_| head) {
                    dispatch.blocks += 1;
                    in_head = true;
                }
                depth += 1;
            }
            Operator::If { .. } | Operator::TryTable { .. } | Operator::Try { .. } => depth += 1,
            Operator::LocalGet { local_index: 0 } => in_head = head,
            Operator::BrTable { targets } => match &mut dispatch {
                Some(dispatch) if head => {
                    for target in targets.targets().chain([Ok(targets.default())]) {
                        // The innermost block ends first. Outside of them lies the loop itself.
                        let target = target.ok()? as usize;
                        if target >= dispatch.blocks {
                            return Some(false);
                        }
                        dispatch.targets.push(target + 1);
                    }
                }
                Some(dispatch) => {
                    for target in targets.targets().chain([Ok(targets.default())]) {
                        if dispatch.is_target(depth, target.ok()?) {
                            return Some(false);
                        }
                    }
                }
                None => {}
            },
            Operator::End | Operator::Delegate { .. } => {
                if let Some(dispatch) = &mut dispatch
                    && dispatch.is_between(depth)
                    && dispatch.ended < dispatch.blocks
                {
                    dispatch.ended += 1;
                }
                depth = depth.saturating_sub(1);
            }
            Operator::I32Const { value } => constant = usize::try_from(value).ok(),
            Operator::LocalSet { local_index: 0 } => number = last_constant,
            Operator::Call { .. } | Operator::CallIndirect { .. } => {
                // Within a condition are those that are called where things go wrong.
                if let Some(dispatch) = dispatch.as_mut().filter(|dispatch| dispatch.is_between(depth)) {
                    dispatch.call = Some(dispatch.ended);
                }
            }
            Operator::Br { relative_depth } => {
                if let Some(dispatch) = dispatch.as_mut().filter(|dispatch| dispatch.is_target(depth, relative_depth)) {
                    let targets = &dispatch.targets;
                    let target = *targets.get(last_number?).or(targets.last())?;
                    if target <= dispatch.ended && dispatch.call.is_none_or(|call| call < target) {
                        // A loop that begins behind this one's head, and ends before this.
                        if dispatch.back.iter().any(|inner| *inner > target) {
                            return Some(false);
                        }
                        dispatch.back.push(target);
                    }
                }
            }
            Operator::BrIf { relative_depth }
                if dispatch.as_ref().is_some_and(|dispatch| dispatch.is_target(depth, relative_depth)) =>
            {
                return Some(false);
            }
            _ => {}
        }
    }
    Some(dispatch.is_none_or(|dispatch| !dispatch.targets.is_empty()))
}

impl Dispatch {
    /// Whether no frame is open at some depth but those of the blocks.
    fn is_between(&self, depth: usize) -> bool {
        depth == self.depth + 1 + self.blocks - self.ended
    }

    /// Whether a branch at some depth leads to the loop.
    fn is_target(&self, depth: usize, relative: u32) -> bool {
        depth.checked_sub(1 + relative as usize) == Some(self.depth)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn brief(body: &str) -> bool {
        let text = format!("(module (func $f (param i32) {body}) (func $g))");
        let bytes = wat::parse_str(text).unwrap();
        let parsed = crate::wasm::parse(&bytes).unwrap();
        is_brief(&parsed.bodies[0].body)
    }

    /// A body in Go's form, of three parts.
    fn dispatched(first: &str, second: &str, third: &str) -> String {
        format!(
            "(block $out (loop $loop (block $c (block $b (block $a
                (br_table $a $b $b $c (local.get 0)))
                {first}) {second}) {third}))"
        )
    }

    fn jump(to: u32) -> String {
        format!("(i32.const {to}) (local.set 0) (br $loop)")
    }

    #[test]
    fn bodies_without_loops_are_brief() {
        assert!(brief("") && brief("(block (br_if 0 (local.get 0)) (if (local.get 0) (then (call $g))))"));
        assert!(!brief("(loop (call $g))") && !brief("(block (loop (br_if 0 (local.get 0))))"));
    }

    #[test]
    fn jumps_forward_by_a_table_are_brief() {
        assert!(brief(&dispatched("", "", "")));
        let forward = format!("(if (local.get 0) (then {}))", jump(3));
        assert!(brief(&dispatched(&forward, "(call $g)", "")));
        assert!(brief(&dispatched(&forward, "", "(call $g) (br_if $out (local.get 0))")));
    }

    #[test]
    fn loops_without_calls_are_brief_unless_they_are_in_each_other() {
        let back = |to| format!("(if (local.get 0) (then {}))", jump(to));
        assert!(brief(&dispatched("(call $g)", &back(1), "")));
        assert!(brief(&dispatched("(call $g)", &back(1), &back(9))), "one after the other");
        assert!(brief(&dispatched("", &back(1), &back(2))), "of the same head");
        assert!(!brief(&dispatched("", &back(1), &back(0))));
        assert!(!brief(&dispatched("(call $g)", "", &format!("{} {}", back(9), back(1)))), "the last part");
        // With a call on the way of the outer one, of the inner one, and before both.
        assert!(brief(&dispatched("(call $g)", &back(1), &back(0))));
        assert!(brief(&dispatched("", &format!("(call $g) {}", back(1)), &back(0))));
        assert!(!brief(&dispatched("(call $g)", "", &format!("{} {}", back(9), back(2)))));
        // Calls in conditions are made where things go wrong.
        assert!(!brief(&dispatched("(if (local.get 0) (then (call $g)))", &back(1), &back(0))));
    }

    #[test]
    fn other_branches_to_the_loop_are_not() {
        assert!(!brief(&dispatched("(call $g)", "(br_if $loop (local.get 0))", "")));
        assert!(!brief(&dispatched("(call $g)", "(br $loop)", "")));
        assert!(!brief(&dispatched("(call $g)", "(br_table $out $loop (local.get 0))", "")));
        assert!(!brief(&dispatched("", "(loop)", "")));
    }
}
