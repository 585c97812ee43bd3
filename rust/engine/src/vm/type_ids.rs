//! Engine-wide ids of function types: equal types have equal ids, so that an indirect call compares
//! one number.
//!
//! Ids are reference counted by the modules that use them, and given out again when no module does.
//! A function record is pinned by its instance, the instance's module pins the id.

use crate::prelude::*;
use crate::sync::Lazy;
use crate::sync::Mutex;
use crate::types::FuncType;
use hashbrown::HashMap;

#[derive(Debug, Default)]
struct Registry {
    ids: HashMap<FuncType, u32>,
    /// Type and number of users of each id; ids without users are in `free`.
    entries: Vec<Option<(FuncType, usize)>>,
    free: Vec<u32>,
}

static REGISTRY: Lazy<Mutex<Registry>> = Lazy::new(Mutex::default);

impl Registry {
    fn intern(&mut self, ty: &FuncType) -> u32 {
        if let Some(&id) = self.ids.get(ty) {
            self.entries[id as usize].as_mut().expect("an id in the map has users").1 += 1;
            return id;
        }
        let entry = Some((ty.clone(), 1));
        let id = if let Some(id) = self.free.pop() {
            self.entries[id as usize] = entry;
            id
        } else {
            self.entries.push(entry);
            u32::try_from(self.entries.len() - 1).expect("fewer types than fit the address space")
        };
        self.ids.insert(ty.clone(), id);
        id
    }

    fn release(&mut self, id: u32) {
        let entry = &mut self.entries[id as usize];
        let (_, users) = entry.as_mut().expect("an id that is held has users");
        *users -= 1;
        if *users == 0 {
            let (ty, _) = entry.take().expect("checked above");
            self.ids.remove(&ty);
            self.free.push(id);
        }
    }
}

/// The ids of a module's types, held until this is dropped.
#[derive(Debug)]
pub struct TypeIds(Box<[u32]>);

impl TypeIds {
    /// Takes the ids of types.
    #[must_use]
    pub fn new(types: &[FuncType]) -> Self {
        let mut registry = REGISTRY.lock();
        Self(types.iter().map(|ty| registry.intern(ty)).collect())
    }

    /// The ids, by type index.
    #[must_use]
    pub fn as_slice(&self) -> &[u32] {
        &self.0
    }
}

impl Drop for TypeIds {
    fn drop(&mut self) {
        let mut registry = REGISTRY.lock();
        self.0.iter().for_each(|id| registry.release(*id));
    }
}

/// The type of an id that somebody holds.
///
/// # Panics
/// If nobody does.
#[must_use]
pub fn type_of(id: u32) -> FuncType {
    let registry = REGISTRY.lock();
    let entry = registry.entries.get(id as usize).and_then(Option::as_ref);
    entry.expect("an id that is held has a type").0.clone()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::ValType::{F32, I32};

    fn ty(params: usize) -> FuncType {
        FuncType { params: vec![I32; params], results: vec![F32] }
    }

    #[test]
    fn equal_types_share_an_id_until_the_last_user_goes() {
        let mut registry = Registry::default();
        let (a, b) = (registry.intern(&ty(1)), registry.intern(&ty(2)));
        assert_ne!(a, b);
        assert_eq!(registry.intern(&ty(1)), a);
        registry.release(a);
        assert_eq!(registry.intern(&ty(3)), 2, "id {a} still has a user");
        registry.release(a);
        assert_eq!(registry.intern(&ty(4)), a, "an id without users is given out again");
        assert_eq!(registry.intern(&ty(1)), 3);
        assert_eq!(registry.ids.len(), 4);
    }

    #[test]
    fn modules_hold_their_ids() {
        // Types that no other test uses.
        let types = [ty(701), ty(702), ty(701)];
        let first = TypeIds::new(&types);
        let second = TypeIds::new(&types[1..]);
        assert_eq!(first.as_slice()[0], first.as_slice()[2]);
        assert_eq!(first.as_slice()[1..], *second.as_slice());
        drop(first);
        assert_eq!(type_of(second.as_slice()[1]), ty(701));
    }
}
