//! What package fiber uses: the contexts of guests.

use super::{Group, constants, fields, variants};
use crate::names::{camel, snake};
use gowasmer::abi::{CONTEXT_SIZE, Context, EntryMode, RuntimeOp, Status};
use gowasmer::fiber::profile::{PCS, Record, Ring};
use gowasmer::trap::TrapCode;
use std::fmt::Write as _;

/// What assembly uses that enters and resumes, here and in package image.
pub(super) fn of_assembly() -> Vec<Group> {
    let context =
        fields!(Context: sp host_sp host_pc host_bp host_g entry code vmctx args stack_top runtime_result entry_mode);
    let modes = variants!(EntryMode: Assembly C).into_iter().filter(|(name, _)| name == "assembly").collect();
    vec![
        Group { about: "Offsets of the fields of a context.", prefix: "ctx", numbers: context },
        Group { about: "How the guest was entered or resumed last.", prefix: "entry_mode", numbers: modes },
    ]
}

/// What Go uses but for traps.
pub(super) fn of_go() -> Vec<Group> {
    let mut context = fields!(Context: sp status entry code vmctx args stack_top stack_low callee slots runtime_op runtime_args trap_code store
        collect pauses resume_frame iret);
    context.push(("size".to_string(), CONTEXT_SIZE as u64));
    let mut statuses = variants!(Status: Done HostCall CCall RuntimeCall Trap Paused Died);
    statuses.retain(|(name, _)| name != "died"); // of the engine's own stacks alone
    let mut operations = variants!(RuntimeOp: MemoryGrow TableGrow Compile Throw ThrowRef);
    operations.retain(|(name, _)| !name.ends_with("grow")); // the engine does these by itself
    let mut ring = fields!(Ring: begun read lost capacity);
    ring.push(("size".to_string(), size_of::<Ring>() as u64));
    let mut sample = fields!(Record: number guest host pcs);
    sample.extend([("pcs_count".to_string(), PCS as u64), ("size".to_string(), size_of::<Record>() as u64)]);
    vec![
        Group { about: "Offsets of the fields of a context, and the bytes it takes.", prefix: "ctx", numbers: context },
        Group { about: "What the guest side answers.", prefix: "status", numbers: statuses },
        Group { about: "The runtime functions that Go has a part in.", prefix: "runtime_op", numbers: operations },
        Group {
            about: "Offsets of the fields of a ring of samples, and the bytes before the samples.",
            prefix: "ring",
            numbers: ring,
        },
        Group {
            about: "Offsets of the fields of a sample, how many program counters it has room for, and the bytes it takes.",
            prefix: "sample",
            numbers: sample,
        },
    ]
}

/// The numbers of traps.
fn traps() -> Group {
    let numbers = TrapCode::ALL.into_iter().map(|code| (snake(&format!("{code:?}")), code as u64)).collect();
    Group { about: "Why a guest was stopped.", prefix: "trap", numbers }
}

/// The Go file.
pub(super) fn go() -> String {
    let mut text = format!("{}\n\npackage fiber\n", crate::GENERATED);
    constants(&mut text, &of_go());
    constants(&mut text, &[traps()]);
    text.push_str("\n// TrapMessage returns the specification's wording for a trap code.\n");
    text.push_str("func TrapMessage(code uint8) string {\n\tswitch code {\n");
    for code in TrapCode::ALL {
        let name = camel(&format!("trap_{}", snake(&format!("{code:?}"))));
        let _ = write!(text, "\tcase {name}:\n\t\treturn {:?}\n", code.message());
    }
    text.push_str("\t}\n\treturn \"unknown trap\"\n}\n");
    text
}
