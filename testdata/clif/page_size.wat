;; Pages of one byte (proposal "custom page sizes"): accessible bytes end anywhere, so that every access is checked; sizes are in bytes.
(module
  (memory 100 (pagesize 1))
  (func $load (param i32) (result i32) (i32.load (local.get 0)))
  (func $inside (result i32) (i32.load (i32.const 96)))
  (func $size (result i32) (memory.size))
  (func $grow (param i32) (result i32) (memory.grow (local.get 0))))
