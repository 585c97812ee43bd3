;; Several results, as exports and through an import.
(module $multi_value
  (import "env" "swap" (func $host_swap (param i32 i64) (result i64 i32)))
  (func (export "swap") (param i32 i64) (result i64 i32) local.get 1 local.get 0)
  (func (export "host_swap") (param i32 i64) (result i64 i32) local.get 0 local.get 1 call $host_swap)
  (func (export "div_rem") (param i32 i32) (result i32 i32)
    (i32.div_u (local.get 0) (local.get 1)) (i32.rem_u (local.get 0) (local.get 1)))
  (func (export "five") (result i32 i64 f32 f64 i32)
    i32.const 1 i64.const 2 f32.const 3 f64.const 4 i32.const 5))
