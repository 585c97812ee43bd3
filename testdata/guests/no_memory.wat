;; A module without any memory.
(module $no_memory
  (func (export "sum") (param i32 i32) (result i32) local.get 0 local.get 1 i32.add))
