;; Imports a memory and nothing else. A table with functions and an active segment: what could be seen by others, were they linked.
(module $shared_memory
  (import "env" "memory" (memory 1))
  (table 2 funcref)
  (elem (i32.const 0) $count $outside)
  (data (i32.const 100) "shared")
  ;; Adds one to a counter in the memory.
  (func $count (export "count") (result i32)
    (i32.store (i32.const 0) (i32.add (i32.load (i32.const 0)) (i32.const 1)))
    (i32.load (i32.const 0)))
  (func $outside (export "outside") (result i32) (i32.load (i32.const 65536))))
