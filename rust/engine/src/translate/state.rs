//! The state of a translation: the value stack, the control frames and whether the current point
//! can be reached.
//!
//! Values of the stack machine become SSA values at once. Results of a block and parameters of a
//! loop become parameters of CLIF blocks; Cranelift removes those that turn out constant.

use crate::prelude::*;
use crate::types::ValType;
use cranelift_codegen::ir::{Block, Inst, Value};

/// What opened a control frame.
#[derive(Debug)]
pub(super) enum FrameKind {
    /// `block`, or the function itself.
    Block,
    /// `loop`: branches go to its header, whose predecessors are all known at its `end`.
    Loop {
        /// Where branches go.
        header: Block,
    },
    /// `if` before its `else`.
    If {
        /// Where the false branch of the head goes.
        otherwise: Otherwise,
    },
    /// `try_table`, or the body of a legacy `try`.
    Try(Try),
    /// The handler of a legacy `try`, and those that follow it.
    Catch(Catch),
    /// Opened where nothing runs: only there to be closed.
    Dead,
}

/// What catches the exceptions of a body.
#[derive(Debug, Default)]
pub(super) struct Try {
    /// In the order in which they are asked.
    pub(super) clauses: Vec<Clause>,
    /// Of a `try` that ends with `delegate`, how many frames outside of it the exceptions go on.
    pub(super) delegate: Option<u32>,
}

/// One clause of a `try_table`, or one handler of a legacy `try`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Clause {
    /// The tag that it catches; none for any.
    pub(super) tag: Option<u32>,
    /// Whether it wants a reference to the exception.
    pub(super) with_ref: bool,
    /// Of a `try_table`, where it branches to, as counted from outside.
    pub(super) depth: u32,
    /// Where its code begins, once something may throw to it.
    pub(super) block: Option<Block>,
}

/// The handlers of a legacy `try` from the one that is being read.
#[derive(Debug)]
pub(super) struct Catch {
    /// The reference to the exception, if it is thrown again.
    pub(super) exception: Option<Value>,
    /// Handlers that follow.
    pub(super) rest: alloc::vec::IntoIter<Clause>,
}

/// Where the false branch of an `if` goes before an `else` is met.
#[derive(Clone, Copy, Debug)]
pub(super) enum Otherwise {
    /// To the end, by this instruction; an `else` will redirect it.
    End(Inst),
    /// To a block of its own: the types demand an `else`.
    Else(Block),
}

/// One open `block`, `loop`, `if` or function body.
#[derive(Debug)]
pub(super) struct Frame<'a> {
    pub(super) kind: FrameKind,
    pub(super) params: &'a [ValType],
    pub(super) results: &'a [ValType],
    /// Height of the value stack below the parameters.
    pub(super) height: usize,
    /// Where control continues after `end`; made only when something branches there, and then has
    /// the results as parameters.
    pub(super) end: Option<Block>,
    /// Whether anything branches to `end`.
    pub(super) end_used: bool,
}

/// The state of a translation between two operators.
#[derive(Debug, Default)]
pub(super) struct State<'a> {
    /// The value stack.
    pub(super) values: Vec<Value>,
    /// Open frames, the function's own first.
    pub(super) frames: Vec<Frame<'a>>,
    /// Whether the current point can be reached.
    pub(super) reachable: bool,
}

impl<'a> State<'a> {
    /// Pushes a value.
    pub(super) fn push(&mut self, value: Value) {
        self.values.push(value);
    }

    /// Pops a value. Validation has made sure that there is one.
    pub(super) fn pop(&mut self) -> Value {
        self.values.pop().expect("validated: the stack holds a value")
    }

    /// Pops two values, in the order in which they were pushed.
    pub(super) fn pop2(&mut self) -> (Value, Value) {
        let second = self.pop();
        (self.pop(), second)
    }

    /// Pops three values, in the order in which they were pushed.
    pub(super) fn pop3(&mut self) -> (Value, Value, Value) {
        let third = self.pop();
        let (first, second) = self.pop2();
        (first, second, third)
    }

    /// The upper `count` values.
    pub(super) fn top(&self, count: usize) -> &[Value] {
        &self.values[self.values.len() - count..]
    }

    /// Drops the upper `count` values.
    pub(super) fn drop(&mut self, count: usize) {
        self.values.truncate(self.values.len() - count);
    }

    /// Keeps the upper `count` values and moves them down to `height`.
    pub(super) fn collapse(&mut self, height: usize, count: usize) {
        let from = self.values.len() - count;
        self.values.drain(height..from);
    }

    /// The frame that a branch of this depth targets.
    pub(super) fn frame_mut(&mut self, depth: u32) -> &mut Frame<'a> {
        let index = self.frames.len() - 1 - depth as usize;
        &mut self.frames[index]
    }
}
