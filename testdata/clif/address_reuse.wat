;; Accesses at one index share its address inside of a block, each with the offset in its instruction; another block makes its own.
;; Constants and the memory's base are made once, at the entry.
(module
  (memory 1)
  (func (param i32 i32) (result i32)
    (i32.store offset=4 (local.get 0) (i32.load offset=8 (local.get 0)))
    (i64.store offset=16 (local.get 1) (i64.const 8))
    (if (i32.load8_u (local.get 0))
      (then (i32.store offset=20 (local.get 0) (i32.const 8))))
    (local.set 0 (i32.add (local.get 0) (i32.const 8)))
    (i32.load offset=4 (local.get 0)))
  ;; The index is another value each time around.
  (func (param i32 i32)
    (loop
      (i32.store (local.get 0) (i32.load offset=4 (local.get 0)))
      (br_if 0 (local.tee 0 (i32.load offset=8 (local.get 0)))))))
