//! What guests asked for and did not get: told with a trap that follows.

/// Who set the limit that a memory or a table would have exceeded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Limiter {
    /// The module: a declared maximum.
    Module = 0,
    /// The embedder: a ceiling.
    Embedder = 1,
    /// The implementation, or the specification.
    Implementation = 2,
    /// No limit: the system has refused.
    System = 3,
}

impl Limiter {
    /// Who limits to `limit` what could be `possible` without the embedder, and whether the
    /// module's maximum is that.
    pub(super) const fn of(limit: u64, possible: u64, declared: bool) -> Self {
        if limit < possible {
            Self::Embedder
        } else if declared {
            Self::Module
        } else {
            Self::Implementation
        }
    }
}

/// What a guest asked for and did not get.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refused {
    /// The size that a memory would have had in pages, or a table in elements.
    pub asked: u64,
    /// The largest size that it can have.
    pub limit: u64,
    /// Who set it.
    pub limiter: Limiter,
}
