use super::*;
use crate::types::{Limits, MemoryType};
use crate::vm::MemoryHandle;

fn memory(store: &Store) -> MemoryHandle {
    store.memory(MemoryType::new(Limits { min: 1, max: Some(2) })).unwrap()
}

fn owns(node: *const (), address: usize) -> bool {
    // SAFETY: the tests take nodes of stores that they hold, or of stores that those took in.
    !unsafe { crate::fiber::ranges::memory_at(node.cast(), address) }.is_null()
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

#[test]
fn a_store_keeps_that_of_a_memory_without_joining_it() {
    let (old, new) = (Store::new(), Store::new());
    let shared = memory(&old);
    assert!(new.keep(&old, shared.memory().region()));
    assert!(!new.is(&old) && owns(new.node().cast(), base(&shared)));
    // Now the new one has something, so it must not keep others: that could close a circle.
    let own = memory(&new);
    assert!(!old.keep(&new, own.memory().region()) && !new.keep(&Store::new(), own.memory().region()));
    let ends = [&old, &new].map(|store| Arc::downgrade(&store.end()));
    drop((shared, own, old));
    assert!(ends[0].upgrade().is_some(), "kept");
    drop(new);
    assert!(ends.iter().all(|end| end.upgrade().is_none()));
}

#[test]
fn stores_that_become_one_take_in_what_they_keep() {
    // c keeps b keeps a; then c and a become one, which would keep itself alive.
    let [a, b, c] = [0; 3].map(|_| Store::new());
    let of_a = memory(&a);
    assert!(b.keep(&a, of_a.memory().region()));
    let of_b = memory(&b);
    assert!(c.keep(&b, of_b.memory().region()));
    let of_c = memory(&c);
    let nodes = [&a, &b, &c].map(|store| store.node().cast::<()>());
    c.merge(&a);
    assert!(a.is(&b) && b.is(&c));
    for memory in [&of_a, &of_b, &of_c] {
        assert!(nodes.iter().all(|node| owns(*node, base(memory))));
    }
    let end = Arc::downgrade(&a.end());
    drop((a, b, c, of_a, of_b, of_c));
    assert!(end.upgrade().is_none(), "nothing keeps the store");
}
