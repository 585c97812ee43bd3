//! The shapes: modules of any size whose functions have much of one thing.

use super::encode::{Code, EMPTY, F64, Function, I32, I64, Module, V128};

/// What a shape is compiled with, beside the usual options.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum With {
    #[default]
    Nothing,
    ExplicitBounds,
}

/// A kind of module: `make` gives one of about so many bytes.
pub struct Shape {
    pub name: &'static str,
    pub with: With,
    pub make: fn(usize) -> Module,
}

/// Bytes of a body that the validator accepts, less what surrounds the instructions.
const MAX_BODY: usize = 7_650_000;

macro_rules! shapes {
    ($($name:ident $($with:ident)?),* $(,)?) => {
        /// All shapes. The first one is usual code, by which the others are measured.
        pub const SHAPES: &[Shape] = &[$(Shape { name: stringify!($name), with: shapes!(@ $($with)?), make: $name }),*];
    };
    (@) => { With::Nothing };
    (@ $with:ident) => { With::$with };
}

shapes!(
    usual,
    // Branch tables.
    table_of_blocks,
    table_with_one_target,
    many_tables,
    table_in_a_loop,
    table_with_values,
    // Straight code.
    stores_of_sums,
    stores_of_sums_explicit ExplicitBounds,
    loads_and_adds,
    loads_and_adds_explicit ExplicitBounds,
    loads_by_64_bits,
    chain_of_loads,
    sums_of_one_local,
    sums_of_constants,
    folded_sums,
    extensions,
    divisions,
    truncations,
    float_constants,
    vector_constants,
    vectors,
    selects,
    nested_selects,
    globals,
    memory_sizes,
    fills,
    deep_stack,
    values_that_wait,
    merged_loads,
    counters,
    loads_after_stores,
    one_address,
    // Calls.
    calls,
    calls_of_many,
    indirect_calls,
    wide_calls,
    inlined_calls,
    tail_calls,
    // Control.
    nested_blocks,
    nested_loops,
    nested_ifs,
    loops_in_a_row,
    ifs_in_a_row,
    ifs_with_values,
    branches_out,
    branches_with_values,
    returns,
    unreachable_code,
    dead_blocks,
    // Locals.
    locals_and_blocks,
    locals_in_a_loop,
    locals_in_loops,
    locals_of_nested_loops,
    rotated_locals,
    locals_that_wait,
    wide_blocks,
    wide_loops,
    // Many of what a module has.
    small_functions,
    small_exports,
    types,
    segments,
    elements,
    constants,
);

/// A module of one function of type `i32 i32 i32 -> i32` with locals, in whose code `step` is
/// repeated up to the size. Type 0 is its own, type 1 `-> `.
fn straight(size: usize, locals: &[(usize, u8)], mut step: impl FnMut(&mut Code, usize)) -> Module {
    let mut code = Code::default();
    let mut number = 0;
    while code.0.len() + 64 < size.min(MAX_BODY) {
        step(&mut code, number);
        number += 1;
    }
    code.get(0);
    one(locals, code)
}

fn one(locals: &[(usize, u8)], code: Code) -> Module {
    Module {
        types: vec![(vec![I32; 3], vec![I32]), (vec![], vec![])],
        functions: vec![Function { ty: 0, locals: locals.to_vec(), code }],
        exported: true,
        ..Module::default()
    }
}

/// Functions as compilers write them: some hundred bytes each, with loops, branches, loads, stores
/// and calls.
fn usual(size: usize) -> Module {
    let mut module = one(&[], Code::default());
    module.functions.clear();
    let mut bytes = 0;
    while bytes < size {
        let number = module.functions.len();
        let mut code = Code::default();
        for round in 0..2 + number % 7 {
            code.op(&[0x02, EMPTY, 0x03, EMPTY]);
            code.get(0).get(3).op(&[0x4f]).at(0x0d, 1);
            code.get(1).get(3).i32(2).op(&[0x74, 0x6a]).memory(0x28, 8 * round).at(0x22, 4);
            code.get(2).op(&[0x6c]).get(5).op(&[0x6a]).set(5);
            code.get(4).i32(100 + round as i32).op(&[0x48]).op(&[0x04, EMPTY]);
            code.get(1).get(5).memory(0x36, 16 + 4 * round);
            code.get(0).get(4).get(5).at(0x10, number / 2).set(5);
            code.op(&[0x05]).get(5).get(4).op(&[0x73]).set(6).get(6).i32(7).op(&[0x71]).set(5).op(&[0x0b]);
            code.get(3).i32(1).op(&[0x6a]).set(3).at(0x0c, 0);
            code.op(&[0x0b, 0x0b]);
            code.get(6).i32(round as i32).op(&[0x6a]).set(2);
        }
        code.get(5).get(2).op(&[0x6a]);
        bytes += code.0.len();
        module.functions.push(Function { ty: 0, locals: vec![(4, I32)], code });
    }
    module
}

const MAX_LABELS: usize = 65_520;

/// Nested blocks, one table of branches out of them, and something in each.
fn table_of_blocks(size: usize) -> Module {
    let labels = (size / 12).min(MAX_LABELS);
    let mut code = Code::default();
    (0..labels).for_each(|_| {
        code.op(&[0x02, EMPTY]);
    });
    code.get(0).at(0x0e, labels - 1);
    (0..labels).for_each(|label| super::encode::unsigned(&mut code.0, label as u64));
    for label in 0..labels {
        code.op(&[0x0b]).get(1).i32(label as i32).op(&[0x6a]).set(1);
    }
    code.get(1);
    one(&[], code)
}

fn table_with_one_target(size: usize) -> Module {
    let labels = size.min(MAX_LABELS);
    let mut code = Code::default();
    code.op(&[0x02, EMPTY]).get(0).at(0x0e, labels);
    code.0.resize(code.0.len() + labels + 1, 0);
    code.op(&[0x0b]).get(1);
    one(&[], code)
}

fn many_tables(size: usize) -> Module {
    straight(size, &[], |code, number| {
        (0..8).for_each(|_| {
            code.op(&[0x02, EMPTY]);
        });
        code.get(0).op(&[0x0e, 7, 0, 1, 2, 3, 4, 5, 6, 7]);
        for _ in 0..8 {
            code.op(&[0x0b]).get(1).i32(number as i32).op(&[0x6a]).set(1);
        }
    })
}

/// An interpreter: a loop around a table, whose cases go back to the loop.
fn table_in_a_loop(size: usize) -> Module {
    let labels = (size / 24).min(MAX_LABELS);
    let mut code = Code::default();
    code.op(&[0x03, EMPTY]);
    (0..labels).for_each(|_| {
        code.op(&[0x02, EMPTY]);
    });
    code.get(0).memory(0x28, 0).at(0x0e, labels - 1);
    (0..labels).for_each(|label| super::encode::unsigned(&mut code.0, label as u64));
    for label in 0..labels {
        code.op(&[0x0b]).get(3 + label % 9).i32(label as i32).op(&[0x6a]).set(3 + (label + 4) % 9);
        code.get(0).i32(1).op(&[0x6a]).set(0).at(0x0c, labels - 1 - label);
    }
    code.op(&[0x0b, 0x00]);
    one(&[(9, I32)], code)
}

/// A table whose branches take values along.
fn table_with_values(size: usize) -> Module {
    let labels = (size / 12).min(MAX_LABELS);
    let mut code = Code::default();
    (0..labels).for_each(|_| {
        code.op(&[0x02, I32]);
    });
    code.get(1).get(0).at(0x0e, labels - 1);
    (0..labels).for_each(|label| super::encode::unsigned(&mut code.0, label as u64));
    for label in 0..labels {
        code.op(&[0x0b]).i32(label as i32).op(&[0x6a]);
    }
    one(&[], code)
}

fn stores_of_sums(size: usize) -> Module {
    straight(size, &[], |code, number| {
        code.get(0).get(1).i32(number as i32).op(&[0x6a]).memory(0x36, 4 * number);
    })
}

fn stores_of_sums_explicit(size: usize) -> Module {
    stores_of_sums(size)
}

fn loads_and_adds(size: usize) -> Module {
    straight(size, &[], |code, number| {
        code.get(1).get(0).memory(0x28, 4 * number).op(&[0x6a]).set(1);
    })
}

fn loads_and_adds_explicit(size: usize) -> Module {
    loads_and_adds(size)
}

fn loads_by_64_bits(size: usize) -> Module {
    let mut module = straight(size, &[(1, I64)], |code, number| {
        code.get(1).get(3).memory(0x28, 4 * number).op(&[0x6a]).set(1);
        code.get(3).i64(1).op(&[0x7c]).set(3);
    });
    module.memory64 = true;
    module
}

/// Each load at what the one before it has loaded.
fn chain_of_loads(size: usize) -> Module {
    straight(size, &[], |code, number| {
        code.get(0).memory(0x28, number % 64).i32(3).op(&[0x6a]).set(0);
    })
}

fn sums_of_one_local(size: usize) -> Module {
    straight(size, &[], |code, _| {
        code.get(0).get(1).op(&[0x6a]).set(0);
    })
}

/// Constants, each of which is used at the end.
fn sums_of_constants(size: usize) -> Module {
    straight(size, &[], |code, number| {
        code.get(0).i32(number as i32 * 77_777).op(&[0x73]).set(0);
    })
}

fn folded_sums(size: usize) -> Module {
    straight(size, &[], |code, _| {
        code.get(0).i32(1).op(&[0x6a]).set(0);
    })
}

fn extensions(size: usize) -> Module {
    straight(size, &[(1, I64)], |code, _| {
        code.get(3).op(&[0xa7, 0xc0, 0xac]).set(3);
    })
}

fn divisions(size: usize) -> Module {
    straight(size, &[], |code, _| {
        code.get(0).get(1).op(&[0x6d]).set(0);
    })
}

fn truncations(size: usize) -> Module {
    straight(size, &[(1, F64)], |code, _| {
        code.get(3).op(&[0xaa, 0xb7]).set(3);
    })
}

fn float_constants(size: usize) -> Module {
    straight(size, &[(1, F64)], |code, number| {
        code.get(3).f64(number as f64 + 0.5).op(&[0xa0]).set(3);
    })
}

fn vector_constants(size: usize) -> Module {
    straight(size, &[(1, V128)], |code, number| {
        code.get(3).vector(0x0c);
        code.0.extend_from_slice(&(number as u128 * 0x0101_0203_0507).to_le_bytes());
        code.vector(0xae).set(3);
    })
}

fn vectors(size: usize) -> Module {
    straight(size, &[(2, V128)], |code, _| {
        code.get(3).get(4).vector(0xae).get(3).vector(0xb5).set(4);
    })
}

fn selects(size: usize) -> Module {
    straight(size, &[], |code, _| {
        code.get(0).get(1).get(2).op(&[0x1b]).set(2);
    })
}

/// Selects whose conditions are selects.
fn nested_selects(size: usize) -> Module {
    let count = size.min(MAX_BODY) / 6;
    let mut code = Code::default();
    (0..count).for_each(|number| {
        code.get(number % 3).get(1);
    });
    code.get(2);
    (0..count).for_each(|_| {
        code.op(&[0x1b]);
    });
    one(&[], code)
}

fn globals(size: usize) -> Module {
    straight(size, &[], |code, number| {
        code.at(0x23, 0).i32(number as i32).op(&[0x6a]).at(0x24, 0);
    })
}

fn memory_sizes(size: usize) -> Module {
    straight(size, &[], |code, _| {
        code.op(&[0x3f, 0, 0x40, 0]).set(0);
    })
}

fn fills(size: usize) -> Module {
    straight(size, &[], |code, _| {
        code.get(0).get(1).get(2).op(&[0xfc, 11, 0]);
    })
}

/// All values on the stack at once.
fn deep_stack(size: usize) -> Module {
    let count = size.min(MAX_BODY) / 7;
    let mut code = Code::default();
    (0..count).for_each(|number| {
        code.get(0).memory(0x28, number % 100);
    });
    (1..count).for_each(|_| {
        code.op(&[0x6a]);
    });
    one(&[], code)
}

/// Values that stay on the stack over many blocks.
fn values_that_wait(size: usize) -> Module {
    let values = (size / 40).clamp(1, 10_000);
    let mut code = Code::default();
    (0..values).for_each(|number| {
        code.get(0).memory(0x28, number);
    });
    while code.0.len() + values + 64 < size.min(MAX_BODY) {
        code.get(0).op(&[0x04, EMPTY]).get(1).i32(3).op(&[0x6a]).set(1).op(&[0x0b]);
    }
    (1..values).for_each(|_| {
        code.op(&[0x6a]);
    });
    one(&[], code)
}

/// Words in memory that are counted up again and again.
fn counters(size: usize) -> Module {
    straight(size, &[], |code, number| {
        code.get(0).get(0).memory(0x28, number % 3 * 4).i32(number as i32 + 1).op(&[0x6a]).memory(0x36, number % 3 * 4);
    })
}

/// Loads that become one instruction with what uses their values.
fn merged_loads(size: usize) -> Module {
    straight(size, &[], |code, number| {
        code.get(0).get(0).memory(0x28, number).get(1).op(&[0x6a]).memory(0x36, number);
        code.get(1).get(0).memory(0x28, number).op(&[0x73]).set(1);
    })
}

fn loads_after_stores(size: usize) -> Module {
    straight(size, &[], |code, number| {
        code.get(0).get(1).memory(0x36, 8).get(0).memory(0x28, 8).get(2).op(&[0x6a]).set(1);
        code.get(0).get(1).i32(number as i32).op(&[0x6a]).memory(0x36, 12).get(0).memory(0x28, 12).set(2);
    })
}

fn one_address(size: usize) -> Module {
    straight(size, &[], |code, _| {
        code.get(0).memory(0x28, 8).op(&[0x1a]);
    })
}

fn calls(size: usize) -> Module {
    straight(size, &[], |code, _| {
        code.get(0).get(1).get(2).at(0x10, 0).set(0);
    })
}

fn calls_of_many(size: usize) -> Module {
    let callees = (size / 50).clamp(1, 20_000);
    let mut module = straight(size * 3 / 5, &[], |code, number| {
        code.get(0).get(1).get(2).at(0x10, number * 7 % callees).set(0);
    });
    let caller = module.functions.pop();
    for _ in 0..callees {
        let mut code = Code::default();
        code.get(0).get(1).op(&[0x6a]).get(2).op(&[0x6c]).memory(0x28, 0).memory(0x28, 0).memory(0x28, 0);
        code.get(1).op(&[0x6a]).get(1).op(&[0x6c]).get(2).op(&[0x71]);
        module.functions.push(Function { ty: 0, locals: Vec::new(), code });
    }
    module.functions.extend(caller);
    module
}

fn indirect_calls(size: usize) -> Module {
    straight(size, &[], |code, number| {
        code.get(0).get(1).get(2).i32(number as i32 % 16).op(&[0x11, 0, 0]).set(0);
    })
}

/// Calls with a thousand parameters.
fn wide_calls(size: usize) -> Module {
    let mut module = straight(size, &[], |code, _| {
        (0..1000).for_each(|number| {
            code.get(number % 3);
        });
        code.at(0x10, 1).set(0);
    });
    module.types.push((vec![I32; 1000], vec![I32]));
    let mut code = Code::default();
    code.get(999);
    module.functions.push(Function { ty: 2, locals: Vec::new(), code });
    module
}

fn inlined_calls(size: usize) -> Module {
    let mut module = straight(size, &[], |code, _| {
        code.get(0).get(1).get(2).at(0x10, 1).set(0);
    });
    let mut code = Code::default();
    code.get(0).get(1).op(&[0x6a]);
    module.functions.push(Function { ty: 0, locals: Vec::new(), code });
    module
}

fn tail_calls(size: usize) -> Module {
    straight(size, &[], |code, number| {
        code.get(0).op(&[0x04, EMPTY]).get(0).get(1).i32(number as i32).at(0x12, 0).op(&[0x0b]);
    })
}

fn nested(size: usize, opcode: u8, condition: bool) -> Module {
    let count = size.min(MAX_BODY) / 12;
    let mut code = Code::default();
    for _ in 0..count {
        if condition {
            code.get(0);
        }
        code.op(&[opcode, EMPTY]);
        code.get(1).i32(1).op(&[0x6a]).set(1);
    }
    (0..count).for_each(|_| {
        code.op(&[0x0b]);
    });
    code.get(1);
    one(&[], code)
}

fn nested_blocks(size: usize) -> Module {
    nested(size, 0x02, false)
}

fn nested_loops(size: usize) -> Module {
    let count = size.min(MAX_BODY) / 15;
    let mut code = Code::default();
    for _ in 0..count {
        code.op(&[0x03, EMPTY]).get(1).i32(1).op(&[0x6a]).set(1);
    }
    (0..count).for_each(|_| {
        code.get(1).at(0x0d, 0).op(&[0x0b]);
    });
    code.get(1);
    one(&[], code)
}

fn nested_ifs(size: usize) -> Module {
    nested(size, 0x04, true)
}

fn loops_in_a_row(size: usize) -> Module {
    straight(size, &[], |code, _| {
        code.op(&[0x03, EMPTY]).get(0).i32(1).op(&[0x6b]).at(0x22, 0).at(0x0d, 0).op(&[0x0b]);
    })
}

fn ifs_in_a_row(size: usize) -> Module {
    straight(size, &[], |code, _| {
        code.get(0).op(&[0x04, EMPTY]).get(0).i32(3).op(&[0x6c]).set(0).op(&[0x0b]);
    })
}

fn ifs_with_values(size: usize) -> Module {
    straight(size, &[], |code, _| {
        code.get(0).op(&[0x04, I32]).get(1).op(&[0x05]).get(2).op(&[0x0b]).set(0);
    })
}

/// Conditional branches out of one block.
fn branches_out(size: usize) -> Module {
    let mut module = straight(size, &[], |code, number| {
        if number == 0 {
            code.op(&[0x02, EMPTY]);
        }
        code.get(0).i32(1).op(&[0x6a]).at(0x22, 0).at(0x0d, 0);
    });
    module.functions[0].code.op(&[0x1a, 0x0b]).get(0);
    module
}

/// Conditional branches out of one block with a hundred values.
fn branches_with_values(size: usize) -> Module {
    let mut module = straight(size, &[], |code, number| {
        if number == 0 {
            code.block(0x02, 2);
            (0..100).for_each(|local| {
                code.get(local % 3);
            });
        }
        code.get(0).i32(1).op(&[0x6a]).at(0x22, 0).at(0x0d, 0);
    });
    module.types.push((vec![], vec![I32; 100]));
    let code = &mut module.functions[0].code;
    code.op(&[0x1a, 0x0b]);
    (0..100).for_each(|_| {
        code.set(1);
    });
    code.get(1);
    module
}

fn returns(size: usize) -> Module {
    straight(size, &[], |code, number| {
        code.get(0).op(&[0x04, EMPTY]).i32(number as i32).op(&[0x0f, 0x0b]);
    })
}

fn unreachable_code(size: usize) -> Module {
    straight(size, &[], |code, number| {
        if number == 0 {
            code.op(&[0x00]);
        }
        code.get(0).get(1).op(&[0x6a]).set(0);
    })
}

/// Blocks that begin where nothing runs.
fn dead_blocks(size: usize) -> Module {
    straight(size, &[], |code, _| {
        code.op(&[0x02, EMPTY]).at(0x0c, 0).op(&[0x02, EMPTY, 0x0b, 0x0b]).op(&[0x02, EMPTY]).at(0x0c, 0).op(&[0x0b]);
    })
}

/// Many locals, which blocks set and read here and there.
fn locals_and_blocks(size: usize) -> Module {
    let locals = (size / 40).clamp(1, 20_000);
    straight(size, &[(locals, I32)], |code, number| {
        let local = |n: usize| 3 + n * 7 % locals;
        code.get(0).op(&[0x04, EMPTY]);
        for at in 0..4 {
            code.get(local(4 * number + at)).i32(1).op(&[0x6a]).set(local(4 * number + at + 5));
        }
        code.op(&[0x0b]);
    })
}

/// Many locals that one loop changes.
fn locals_in_a_loop(size: usize) -> Module {
    let locals = (size / 10).clamp(1, 49_000);
    let mut module = straight(size, &[(locals, I32)], |code, number| {
        if number == 0 {
            code.op(&[0x03, EMPTY]);
        }
        code.get(3 + number % locals).get(0).op(&[0x6a]).set(3 + number % locals);
    });
    module.functions[0].code.at(0x0d, 0).op(&[0x0b]).get(3);
    module
}

/// Loops one after the other, each of which changes some locals of many.
fn locals_in_loops(size: usize) -> Module {
    let locals = (size / 40).clamp(10, 2_000);
    straight(size, &[(locals, I32)], |code, number| {
        code.op(&[0x03, EMPTY]);
        for at in 0..4 {
            let local = 3 + (number * 4 + at) % locals;
            code.get(local).get(0).op(&[0x6a]).set(local);
        }
        code.get(3 + number % locals).at(0x0d, 0).op(&[0x0b]);
    })
}

/// Loops in each other, whose innermost one changes many locals.
fn locals_of_nested_loops(size: usize) -> Module {
    let depth = (size / 20).clamp(1, 1_000);
    let mut code = Code::default();
    (0..depth).for_each(|_| {
        code.op(&[0x03, EMPTY]);
    });
    let locals = (size / 20).clamp(1, 1_000);
    for number in 0.. {
        if code.0.len() + 8 * depth + 64 > size.min(MAX_BODY) {
            break;
        }
        code.get(3 + number % locals).get(0).op(&[0x6a]).set(3 + number % locals);
    }
    (0..depth).for_each(|_| {
        code.get(3).at(0x0d, 0).op(&[0x0b]);
    });
    code.get(3);
    one(&[(locals, I32)], code)
}

/// Loops that rotate the values of locals.
fn rotated_locals(size: usize) -> Module {
    straight(size, &[(16, I32)], |code, _| {
        code.op(&[0x03, EMPTY]).get(3);
        (3..18).for_each(|local| {
            code.get(local + 1).set(local);
        });
        code.set(18).get(3).at(0x0d, 0).op(&[0x0b]);
    })
}

/// Locals that are set at the beginning and read at the end, with calls between.
fn locals_that_wait(size: usize) -> Module {
    let locals = (size / 40).clamp(1, 10_000);
    let mut code = Code::default();
    (0..locals).for_each(|local| {
        code.get(0).memory(0x28, local).set(3 + local);
    });
    while code.0.len() + 16 * locals + 64 < size.min(MAX_BODY) {
        code.get(0).get(1).get(2).at(0x10, 0).set(0);
    }
    (0..locals).for_each(|local| {
        code.get(0).get(3 + local).op(&[0x6a]).set(0);
    });
    code.get(0);
    one(&[(locals, I32)], code)
}

/// Blocks with a thousand parameters and results.
fn wide(size: usize, opcode: u8) -> Module {
    let mut module = straight(size, &[], |code, number| {
        if number == 0 {
            (0..1000).for_each(|local| {
                code.get(local % 3);
            });
        }
        code.block(opcode, 2);
        (0..500).for_each(|_| {
            code.op(&[0x6a]).get(0);
        });
        code.get(1).at(0x0d, 0).op(&[0x0b]);
    });
    module.types.push((vec![I32; 1000], vec![I32; 1000]));
    module.functions[0].code.op(&[0x0f]);
    module
}

fn wide_blocks(size: usize) -> Module {
    wide(size, 0x02)
}

fn wide_loops(size: usize) -> Module {
    wide(size, 0x03)
}

fn many(size: usize, bytes: usize, each: impl Fn(&mut Code, usize)) -> Module {
    let mut module = one(&[], Code::default());
    module.exported = false;
    module.functions.clear();
    for number in 0..(size / bytes).min(999_000) {
        let mut code = Code::default();
        each(&mut code, number);
        module.functions.push(Function { ty: 1, locals: Vec::new(), code });
    }
    module
}

fn small_functions(size: usize) -> Module {
    many(size, 4, |_, _| {})
}

fn small_exports(size: usize) -> Module {
    let mut module = many(size, 15, |_, _| {});
    module.exported = true;
    module
}

/// Types, each different from the others, and a function of each.
fn types(size: usize) -> Module {
    let mut module = many(size, 28, |_, _| {});
    let kinds = [I32, I64, F64, V128];
    for (number, function) in module.functions.iter_mut().enumerate() {
        let parameters = (0..20).map(|digit| kinds[number >> (2 * digit) & 3]).collect();
        module.types.push((parameters, vec![]));
        function.ty = 2 + number;
    }
    module.exported = true;
    module
}

fn segments(size: usize) -> Module {
    let mut module = many(size / 100, 4, |_, _| {});
    module.data = vec![vec![1; (size / 99_000).max(4)]; (size / 9).min(99_000)];
    module
}

fn elements(size: usize) -> Module {
    let mut module = many(size / 20, 4, |_, _| {});
    module.elements = (0..(size / 7).min(99_000)).map(|number| number % module.functions.len()).collect();
    module
}

fn constants(size: usize) -> Module {
    let mut module = many(size / 2, 12, |code, number| {
        code.at(0x23, 2 + number).op(&[0x1a]);
    });
    module.globals = (size / 2 / 8).clamp(module.functions.len(), 999_000);
    module
}
