//! Exceptions (WebAssembly 3.0, section 4.4.9 "Control Instructions": `try_table`, `throw`,
//! `throw_ref`), and those of before, which have handlers behind the body and throw again what a
//! handler has caught.

use super::Translation;
use super::control;
use crate::error::Result;
use crate::translate::legacy::Plan;
use crate::translate::state::{Catch, Clause, FrameKind, Try};
use crate::trap::TrapCode;
use cranelift_codegen::ir::InstBuilder;
use wasmparser::{BlockType, OperatorsReader, TryTable};

/// `try_table`.
pub(in super::super) fn try_table(t: &mut Translation<'_, '_>, table: &TryTable) -> Result<()> {
    use wasmparser::Catch;
    let clause = |tag, with_ref, depth| Clause { tag, with_ref, depth, block: None };
    let clauses = table.catches.iter().map(|catch| match *catch {
        Catch::One { tag, label } => clause(Some(tag), false, label),
        Catch::OneRef { tag, label } => clause(Some(tag), true, label),
        Catch::All { label } => clause(None, false, label),
        Catch::AllRef { label } => clause(None, true, label),
    });
    control::open(t, table.ty, FrameKind::Try(Try { clauses: clauses.collect(), delegate: None }))?;
    t.open_try();
    Ok(())
}

/// Legacy `try`; `rest` is what follows it.
pub(in super::super) fn try_(t: &mut Translation<'_, '_>, ty: BlockType, rest: &OperatorsReader<'_>) -> Result<()> {
    let mut plan = match t.exceptions.plan.take() {
        Some(plan) => plan,
        None => Plan::new(rest)?,
    };
    let body = plan.take(rest.original_position());
    t.exceptions.plan = Some(plan);
    control::open(t, ty, FrameKind::Try(body))?;
    t.open_try();
    Ok(())
}

/// Legacy `catch` and `catch_all`: ends the body or the handler before it, if the point can be
/// reached, and begins a handler.
pub(in super::super) fn catch(t: &mut Translation<'_, '_>) {
    t.close_try();
    let frame = t.state.frame_mut(0);
    let height = frame.height;
    let mut rest = match core::mem::replace(&mut frame.kind, FrameKind::Dead) {
        FrameKind::Try(body) => body.clauses.into_iter(),
        FrameKind::Catch(catch) => catch.rest,
        // Opened where nothing runs.
        _ => return,
    };
    let clause = rest.next().expect("handlers are found in advance");
    control::leave(t);
    let exception = if let Some(block) = clause.block {
        t.enter_handler(clause, block, height)
    } else {
        t.state.values.truncate(height);
        None
    };
    t.state.frame_mut(0).kind = FrameKind::Catch(Catch { exception, rest });
}

/// The handlers of a `try_table` whose body has ended and which is no open frame any more: each
/// branches to where its clause says.
pub(in super::super) fn handlers(t: &mut Translation<'_, '_>, body: &Try, height: usize) {
    for clause in &body.clauses {
        let Some(block) = clause.block else { continue };
        let reference = t.enter_handler(*clause, block, height);
        t.state.values.extend(reference);
        control::br(t, clause.depth);
    }
}

/// `throw`.
pub(in super::super) fn throw(t: &mut Translation<'_, '_>, tag: u32) {
    t.throw(tag);
}

/// `throw_ref`.
pub(in super::super) fn throw_ref(t: &mut Translation<'_, '_>) {
    let exception = t.state.pop();
    t.builder.ins().trapz(exception, TrapCode::NullReference.to_clif());
    t.throw_ref(exception);
}

/// Legacy `rethrow`.
pub(in super::super) fn rethrow(t: &mut Translation<'_, '_>, depth: u32) {
    let FrameKind::Catch(Catch { exception: Some(exception), .. }) = &t.state.frame_mut(depth).kind else {
        unreachable!("validated: it names a handler, and handlers with it keep the reference")
    };
    let exception = *exception;
    t.throw_ref(exception);
}
