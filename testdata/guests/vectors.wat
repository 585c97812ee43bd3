;; Values of type v128 as parameters, results and globals, between numbers and in host functions.
(module $vectors
  (import "host" "swap" (func $swap (param i32 v128 i64) (result i64 v128 i32)))
  (memory (export "memory") 1)
  (global $vector (export "vector") (mut v128) (v128.const i64x2 1 2))
  (func (export "same") (param v128) (result v128) (local.get 0))
  (func (export "add") (param v128 v128) (result v128) (i32x4.add (local.get 0) (local.get 1)))
  (func (export "mixed") (param i32 v128 f64 v128 externref) (result externref v128 f64 v128 i32)
    (local.get 4) (local.get 3) (local.get 2) (local.get 1) (local.get 0))
  (func (export "swapped") (param i32 v128 i64) (result i64 v128 i32)
    (call $swap (local.get 0) (local.get 1) (local.get 2)))
  (func (export "get") (result v128) (global.get $vector)))
