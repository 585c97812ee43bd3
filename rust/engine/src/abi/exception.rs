//! How compiled code tells what catches an exception: a number for each clause, which is the offset
//! in the vmctx of the word that says which tag it is, and whether the clause wants a reference to
//! the exception.

/// In place of an offset: any tag.
pub const ANY: u32 = !WITH_REF;
/// Offsets are multiples of 8.
const WITH_REF: u32 = 1;
/// Key of the slot in a function's frame in which exceptions are handed over: a word for the
/// reference, then the slots of the values.
pub const SLOT_KEY: u64 = 1;

/// The number of a clause.
#[must_use]
pub const fn clause(tag: u32, with_ref: bool) -> u32 {
    tag | if with_ref { WITH_REF } else { 0 }
}

/// The offset of a clause's tag, or [`ANY`].
#[must_use]
pub const fn tag(clause: u32) -> u32 {
    clause & !WITH_REF
}

/// Whether a clause wants a reference to the exception.
#[must_use]
pub const fn with_ref(clause: u32) -> bool {
    clause & WITH_REF != 0
}
