//! Declarations that several artifacts share, as bytes: like those of one.

use crate::wasm::ModuleInfo;
use alloc::sync::Arc;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

pub(super) fn serialize<S: Serializer>(info: &Arc<ModuleInfo>, to: S) -> Result<S::Ok, S::Error> {
    ModuleInfo::serialize(info, to)
}

pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Arc<ModuleInfo>, D::Error> {
    ModuleInfo::deserialize(from).map(Arc::new)
}
