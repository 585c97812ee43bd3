use super::*;
use crate::types::{Limits, MemoryType};
use crate::vm::MemoryHandle;

fn memory(store: &Store) -> MemoryHandle {
    store.memory(MemoryType { limits: Limits { min: 1, max: Some(2) } }).unwrap()
}

fn owns(node: *const (), address: usize) -> bool {
    // SAFETY: the tests take nodes of stores that they hold, or of stores that those took in.
    unsafe { owns_address(node, address) }
}

fn base(memory: &MemoryHandle) -> usize {
    memory.memory().base() as usize
}

#[test]
fn a_store_owns_the_addresses_of_its_memories() {
    let (store, other) = (Store::new(), Store::new());
    let (a, b) = (memory(&store), memory(&other));
    let node = store.node().cast();
    let range = a.memory().range();
    assert!(owns(node, range.start) && owns(node, range.end - 1));
    assert!(!owns(node, range.end) && !owns(node, range.start - 1));
    assert!(!owns(node, base(&b)) && !owns(std::ptr::null(), base(&a)));
}

#[test]
fn merged_stores_are_one_and_go_with_the_last_handle() {
    let stores: Vec<_> = (0..20).map(|_| Store::new()).collect();
    let memories: Vec<_> = stores.iter().map(memory).collect();
    let nodes: Vec<_> = stores.iter().map(|store| store.node().cast::<()>()).collect();
    // Two halves, then one.
    for half in [&stores[..10], &stores[10..]] {
        half.windows(2).for_each(|pair| pair[1].merge(&pair[0]));
    }
    assert!(stores[0].is(&stores[9]) && !stores[0].is(&stores[10]));
    assert!(owns(nodes[3], base(&memories[9])) && !owns(nodes[3], base(&memories[10])));
    stores[14].merge(&stores[5]);
    stores[5].merge(&stores[14]);
    for node in &nodes {
        assert!(memories.iter().all(|memory| owns(*node, base(memory))));
    }
    let whole = Arc::downgrade(&stores[0].end());
    drop(stores);
    let mut memories = memories;
    let last = memories.remove(7);
    drop(memories);
    assert!(owns(last.store().node().cast(), base(&last)));
    assert!(last.write(0, b"alive") && last.grow(1).is_ok());
    assert!(whole.upgrade().is_some());
    drop(last);
    assert!(whole.upgrade().is_none(), "nothing keeps the store");
}

#[test]
fn stores_merge_from_many_threads() {
    let stores: Vec<_> = (0..64).map(|_| Store::new()).collect();
    let memories: Vec<_> = stores.iter().map(memory).collect();
    std::thread::scope(|scope| {
        for thread in 0..4 {
            let stores = &stores;
            scope.spawn(move || {
                for i in 0..stores.len() {
                    let (a, b) = (i, (i * 7 + thread * 13 + 1) % stores.len());
                    stores[a].merge(&stores[b]);
                    assert!(stores[a].is(&stores[b]));
                }
                for pair in stores.windows(2) {
                    pair[0].merge(&pair[1]);
                }
            });
        }
    });
    assert!(stores.iter().all(|store| store.is(&stores[0])));
    assert_eq!(stores[0].with(|contents| (contents.memories.len(), contents.nodes.len())), (64, 64));
    let node = stores[0].node().cast();
    assert!(memories.iter().all(|memory| owns(node, base(memory))));
}
