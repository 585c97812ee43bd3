//! The running side: stores, memories, tables, globals, instances, linking, and the runtime functions of compiled code.

pub mod layout;
