;;! explicit bounds
;; Accesses at one index share its address, but each is checked on its own.
(module
  (memory 1)
  (func (param i32 i32) (result i32)
    (i32.store offset=4 (local.get 0) (i32.load offset=8 (local.get 0)))
    (i64.store offset=16 (local.get 1) (i64.const 8))
    (if (i32.load8_u (local.get 0))
      (then (i32.store offset=20 (local.get 0) (i32.const 8))))
    (local.set 0 (i32.add (local.get 0) (i32.const 8)))
    (i32.load offset=4 (local.get 0)))
)
