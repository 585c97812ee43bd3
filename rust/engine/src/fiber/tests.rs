//! Guests on fibers: every way to leave, the arena, and the backtrace. The Go side has the same and
//! more through its own stubs.

#![allow(unsafe_code)] // runs guests

use super::*;
use crate::abi::{Context, Status};
use crate::options::CompileOptions;
use crate::prelude::*;
use crate::trap::TrapCode;
use crate::types::{FuncType, ValType};
use crate::vm::{Extern, FuncHandle, Instance, InstanceOptions, Linker, Module, Stop, Store, run};
use std::sync::atomic::{AtomicBool, Ordering};

fn instance(text: &str) -> Instance {
    let module = Module::compile(&wat::parse_str(text).unwrap(), CompileOptions::default()).unwrap();
    let store = Store::new();
    let mut linker = Linker::new();
    let host = store.host_function(FuncType { params: vec![ValType::I32], results: vec![ValType::I32] }, 7, 3);
    linker.define("env", "host", Extern::Func(host));
    linker.instantiate(&store, &module, InstanceOptions::default()).unwrap()
}

fn function(instance: &Instance, name: &str) -> FuncHandle {
    match instance.export(name) {
        Some(Extern::Func(function)) => function,
        other => panic!("{name} is {other:?}"),
    }
}

type Host<'a> = &'a mut dyn FnMut(&crate::abi::vmctx::HostFunction, &mut [u64]) -> Result<(), &'static str>;

fn call_with(instance: &Instance, name: &str, argument: u64, host: Host<'_>) -> Result<u64, Stop<&'static str>> {
    let function = function(instance, name);
    let mut slots = [argument];
    // SAFETY: the handle keeps the function alive; the tests' functions take at most one argument
    // and give at most one result.
    unsafe { run(function.record(), function.store_pointer(), &mut slots, host) }.map(|()| slots[0])
}

fn call(instance: &Instance, name: &str, argument: u64) -> Result<u64, Stop<&'static str>> {
    call_with(instance, name, argument, &mut |_, _| Err("no host function was expected"))
}

fn trap(instance: &Instance, name: &str, argument: u64) -> (TrapCode, Vec<String>) {
    match call(instance, name, argument) {
        Err(Stop::Trap { code, backtrace }) => {
            (code, backtrace.frames.iter().map(|frame| frame.name.clone().unwrap_or_default()).collect())
        }
        other => panic!("{name}({argument}): expected a trap, got {other:?}"),
    }
}

const TRAPS: &str = r#"(module
    (memory 1)
    (table 2 funcref)
    (elem (i32.const 0) func $other)
    (func $other (param i64))
    (func (export "unreachable") unreachable)
    (func (export "load") (param i32) (result i32) (i32.load offset=0x7ffffff0 (local.get 0)))
    (func (export "store_far") (param i32) (i32.store offset=0xfffffff0 (local.get 0) (i32.const 1)))
    (func (export "divide") (param i32) (result i32) (i32.div_s (i32.const 0x80000000) (local.get 0)))
    (func (export "truncate") (param i32) (result i32) (i32.trunc_f32_s (f32.reinterpret_i32 (local.get 0))))
    (func (export "indirect") (param i32) (call_indirect (local.get 0)))
    (func $recurse (export "recurse") (param i32) (result i32)
        (i32.add (call $recurse (i32.add (local.get 0) (i32.const 1))) (i32.const 1)))
    (func $outer (export "outer") (param i32) (call $middle (local.get 0)))
    (func $middle (param i32) (loop (br_if 0 (i32.eqz (local.get 0)))) (call $inner (local.get 0)))
    (func $inner (param i32)
        (block (loop (br_if 1 (i32.const 1)) (br 0)))
        (drop (i32.div_u (i32.const 1) (i32.sub (local.get 0) (i32.const 5)))))
    (func (export "double") (param i32) (result i32) (i32.mul (local.get 0) (i32.const 2)))
    (func (export "fill") (param i32) (memory.fill (i32.const 0) (local.get 0) (i32.const 65536)))
    (func (export "fill_past") (param i32) (memory.fill (i32.const 1) (local.get 0) (i32.const 65536)))
    (func (export "byte") (param i32) (result i32) (i32.load8_u (local.get 0)))
    (func (export "grow") (param i32) (result i32) (memory.grow (local.get 0))))"#;

#[test]
fn each_trap_has_its_code_and_the_guest_can_be_called_again() {
    let guest = instance(TRAPS);
    for _ in 0..50 {
        assert_eq!(trap(&guest, "unreachable", 0).0, TrapCode::Unreachable);
        assert_eq!(trap(&guest, "load", 0).0, TrapCode::MemoryOutOfBounds);
        assert_eq!(trap(&guest, "store_far", u64::from(u32::MAX)).0, TrapCode::MemoryOutOfBounds);
        assert_eq!(trap(&guest, "divide", 0).0, TrapCode::IntegerDivideByZero);
        assert_eq!(trap(&guest, "divide", u64::from(u32::MAX)).0, TrapCode::IntegerOverflow);
        assert_eq!(trap(&guest, "truncate", 0x7fc0_0000).0, TrapCode::BadConversionToInteger);
        assert_eq!(trap(&guest, "truncate", 0x7f80_0000).0, TrapCode::IntegerOverflow);
        assert_eq!(trap(&guest, "indirect", 0).0, TrapCode::BadSignature);
        assert_eq!(trap(&guest, "indirect", 1).0, TrapCode::IndirectCallToNull);
        assert_eq!(trap(&guest, "indirect", 2).0, TrapCode::UndefinedElement);
        assert_eq!(trap(&guest, "recurse", 0).0, TrapCode::StackOverflow);
        assert_eq!(call(&guest, "double", 21).unwrap(), 42);
    }
}

#[test]
fn runtime_functions_work_on_the_guest_s_stack_and_on_the_host_s() {
    let guest = instance(TRAPS);
    call(&guest, "fill", 0xab).unwrap();
    assert_eq!(call(&guest, "byte", 65_535).unwrap(), 0xab);
    assert_eq!(trap(&guest, "fill_past", 1).0, TrapCode::MemoryOutOfBounds);
    assert_eq!(call(&guest, "byte", 65_535).unwrap(), 0xab, "nothing is written where a part is outside");
    assert_eq!(call(&guest, "grow", 2).unwrap(), 1);
    assert_eq!(call(&guest, "byte", 3 * 65_536 - 1).unwrap(), 0);
    assert_eq!(call(&guest, "grow", 70_000).unwrap(), u64::from(u32::MAX));
}

#[test]
fn a_backtrace_names_the_functions_innermost_first() {
    let guest = instance(TRAPS);
    assert_eq!(
        trap(&guest, "outer", 5),
        (TrapCode::IntegerDivideByZero, ["inner", "middle", "outer"].map(String::from).to_vec())
    );
    let Err(Stop::Trap { backtrace, .. }) = call(&guest, "recurse", 0) else { panic!("expected a trap") };
    assert_eq!(backtrace.frames.len(), backtrace::MAX_FRAMES);
    assert!(backtrace.left_out > 1000, "{} frames left out", backtrace.left_out);
    assert!(backtrace.frames.iter().all(|frame| frame.name.as_deref() == Some("recurse")));
}

#[test]
fn host_functions_get_their_arguments_and_may_refuse() {
    let guest = instance(
        r#"(module (import "env" "host" (func $host (param i32) (result i32)))
            (func (export "twice") (param i32) (result i32)
                (i32.add (call $host (local.get 0)) (call $host (i32.const 100)))))"#,
    );
    let mut calls = Vec::new();
    let result = call_with(&guest, "twice", 5, &mut |callee, slots| {
        calls.push((callee.instance_id, callee.function_index, slots[0]));
        slots[0] += 1;
        Ok(())
    });
    assert_eq!(result.unwrap(), 107);
    assert_eq!(calls, [(7, 3, 5), (7, 3, 100)]);
    let refused = call_with(&guest, "twice", 5, &mut |_, _| Err("not today"));
    assert!(matches!(refused, Err(Stop::Host("not today"))), "{refused:?}");
}

#[test]
fn the_clock_is_read_on_the_guest_s_stack_and_errors_are_the_host_s() {
    let text = r#"(module
        (import "host" "clock" (func $clock (param i32 i64 i32) (result i32)))
        (memory 1)
        (func (export "ask") (param i32) (result i32) (call $clock (local.get 0) (i64.const 0) (i32.const 8)))
        (func (export "at") (param i32) (result i32) (call $clock (i32.const 1) (i64.const 0) (local.get 0)))
        (func (export "told") (param i32) (result i64) (i64.load (local.get 0)))
        (func $deep (export "deep") (param i32) (result i32)
            (drop (call $clock (i32.const 1) (i64.const 0) (i32.const 8)))
            (i32.add (call $deep (i32.const 0)) (i32.const 1))))"#;
    let module = Module::compile(&wat::parse_str(text).unwrap(), CompileOptions::default()).unwrap();
    let mut linker = Linker::new();
    let origin = clock::monotonic();
    let function = FuncHandle::intrinsic(clock::ty(), 1, 2, Intrinsic::ClockRead as u32, origin).unwrap();
    linker.define("host", "clock", Extern::Func(function));
    let guest = linker.instantiate(&Store::new(), &module, InstanceOptions::default()).unwrap();
    for (id, name, argument) in [(1, "ask", 1), (0, "ask", 0), (1, "at", 65_528)] {
        assert_eq!(call(&guest, name, argument).unwrap(), 0, "by the engine alone");
        let told = call(&guest, "told", if name == "at" { argument } else { 8 }).unwrap();
        let now = if id == 1 { (clock::monotonic() - origin) as u64 } else { u64::MAX / 2 };
        assert!(told > 0 && told <= now, "clock {id} tells {told}");
    }
    let mut asked = Vec::new();
    for (name, argument) in [("ask", 2), ("ask", 77), ("at", 65_529), ("at", 0xffff_ffff)] {
        let answer = call_with(&guest, name, argument, &mut |callee, slots| {
            asked.push((callee.instance_id, callee.function_index, slots[0], slots[2]));
            slots[0] = 28;
            Ok(())
        });
        assert_eq!(answer.unwrap(), 28, "{name}({argument})");
    }
    assert_eq!(asked, [(1, 2, 2, 8), (1, 2, 77, 8), (1, 2, 1, 65_529), (1, 2, 1, 0xffff_ffff)]);
    // Near the end of the stack the host is asked, and the stack overflows as it would anyway.
    let mut late = 0;
    let end = call_with(&guest, "deep", 0, &mut |_, _| {
        late += 1;
        Ok(())
    });
    assert!(matches!(end, Err(Stop::Trap { code: TrapCode::StackOverflow, .. })), "{end:?}");
    assert!(late > 0);
}

/// Contexts as addresses, so that they may cross threads.
fn interrupt_until(stop: &AtomicBool, context: usize) {
    while !stop.load(Ordering::Acquire) {
        interrupt(context as *const Context);
        std::thread::yield_now();
    }
}

#[test]
fn a_guest_entered_by_c_is_paused_by_a_signal_and_goes_on_unharmed() {
    unsafe extern "C" {
        fn gw_enter(context: *mut Context, stack_limit: usize, thread: u32) -> u64;
        fn gw_resume(context: *mut Context, stack_limit: usize, thread: u32) -> u64;
    }
    let guest = instance(
        r#"(module (memory 40)
            (func (export "sum") (param i32) (result i32) (local i32 f64)
                (loop
                    (local.set 1 (i32.add (local.get 1) (local.get 0)))
                    (local.set 2 (f64.add (local.get 2) (f64.const 0.5)))
                    (memory.fill (i32.const 0) (local.get 0) (i32.const 2000000))
                    (memory.copy (i32.const 100) (i32.const 0) (i32.const 2000000))
                    (br_if 0 (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))
                (i32.add (local.get 1) (i32.trunc_f64_s (local.get 2)))))"#,
    );
    init(ArenaOptions::default()).unwrap();
    let sum = function(&guest, "sum");
    let fiber = Fiber::acquire().unwrap();
    let (context, stop) = (fiber.context(), AtomicBool::new(false));
    let n = 400u64;
    let pauses = std::thread::scope(|scope| {
        let address = context as usize;
        scope.spawn({
            let stop = &stop;
            move || interrupt_until(stop, address)
        });
        let record = sum.record();
        let args = address - 8;
        // SAFETY: as in `run`, whose loop this is but for the pauses that it counts.
        unsafe {
            (*context).entry = record.entry as usize;
            (*context).code = record.code as usize;
            (*context).vmctx = record.vmctx as usize;
            (*context).args = args;
            (*context).stack_top = args & !15;
            (*context).store.store(sum.store_pointer().cast_mut(), Ordering::Release);
            *(args as *mut u64) = n;
            let thread = crate::os::thread_id();
            let (mut status, mut pauses) = (gw_enter(context, 0, thread), 0);
            while status == Status::Paused as u64 {
                pauses += 1;
                status = gw_resume(context, 0, thread);
            }
            stop.store(true, Ordering::Release);
            assert_eq!(status, Status::Done as u64);
            assert_eq!(*(args as *const u64), n * (n + 1) / 2 + n / 2);
            pauses
        }
    });
    assert!(pauses > 0);
    // SAFETY: the guest has ended.
    assert!(unsafe { (*context).pauses } >= pauses);
}

#[test]
fn many_threads_trap_at_once() {
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                let guest = instance(TRAPS);
                for _ in 0..200 {
                    assert_eq!(trap(&guest, "recurse", 0).0, TrapCode::StackOverflow);
                    assert_eq!(trap(&guest, "load", 7).0, TrapCode::MemoryOutOfBounds);
                    assert_eq!(call(&guest, "double", 4).unwrap(), 8);
                }
            });
        }
    });
}

#[test]
fn the_slot_of_an_address_is_found_only_in_the_arena() {
    init(ArenaOptions::default()).unwrap();
    let fiber = Fiber::acquire().unwrap();
    let context = fiber.context();
    // SAFETY: the fiber's own context.
    let low = unsafe { (*context).stack_low } - arena::GUARD_SIZE;
    for address in [low, low + arena::GUARD_SIZE, context as usize - 8, context as usize] {
        let slot = arena::slot_of(address).expect("in the arena");
        assert_eq!((slot.low, slot.context), (low, context));
    }
    let local = 0;
    assert!(arena::slot_of(&raw const local as usize).is_none());
    assert!(arena::slot_of(0).is_none());
    assert!(arena::slot_of(usize::MAX).is_none());
}

#[test]
fn a_released_slot_is_given_out_again_clean() {
    init(ArenaOptions::default()).unwrap();
    let fibers: Vec<_> = (0..100).map(|_| Fiber::acquire().unwrap()).collect();
    for fiber in &fibers {
        // SAFETY: the fiber's own context.
        unsafe { (*fiber.context()).status = 77 };
    }
    assert!(arena::in_use() >= 100);
    drop(fibers);
    let again = Fiber::acquire().unwrap();
    // SAFETY: the fiber's own context.
    assert_eq!(unsafe { (*again.context()).status }, 0);
}
