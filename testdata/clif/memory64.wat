;; 64-bit memories: every access is compared with the length, in a way that cannot wrap, and with one comparison where the memory was
;; never shorter (translate/bounds).
(module
  (memory i64 1)
  (func $load (param i64) (result i32) (i32.load (local.get 0)))
  (func $at_an_offset (param i64) (result i64) (i64.load offset=16 (local.get 0)))
  (func $beyond_the_first_pages (param i64) (result i64) (i64.load offset=65536 (local.get 0)))
  (func $in_the_first_page (result i64) (i64.load (i64.const 8)))
  (func $always_outside (param i64) (result i64) (i64.load offset=0xffffffffffffffff (local.get 0)))
  (func $store (param i64 i32) (i32.store8 (local.get 0) (local.get 1)))
  (func $fill (param i64 i64) (memory.fill (local.get 0) (i32.const 1) (local.get 1)))
  (func $grow (param i64) (result i64) (memory.grow (local.get 0))))
