//! From the bytes of a module to an [`Artifact`](crate::artifact::Artifact): functions are
//! validated, translated and compiled in parallel, and then linked.

mod body;
mod compilation;
mod function;
mod link;
mod merged;
mod owned;
mod piece;
mod placement;
mod results;
#[cfg(feature = "hosted")]
mod threads;
mod trampolines;

pub use compilation::{Bench, Compilation, Progress, Purpose};
pub use link::Linked;
pub use owned::OwnedCompilation;
pub use piece::{Batch, Callee, Kept, LinkedPiece, Piece, gather, link_all};
#[cfg(feature = "hosted")]
pub use threads::{compile, validate};

#[cfg(test)]
pub(crate) mod tests;
