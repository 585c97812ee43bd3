;; Every kind of export, functions that pass references and vectors on, and a table of functions: what the tests of
;; globals, tables and references use.
(module $objects
  (type $unary (func (param i32) (result i32)))
  (memory (export "memory") 1 2)
  (table $functions (export "functions") 4 20 funcref)
  (table $values (export "values") 2 externref)
  (global (export "constant") i32 (i32.const 42))
  (global $i32 (export "i32") (mut i32) (i32.const -1))
  (global $i64 (export "i64") (mut i64) (i64.const -2))
  (global $f32 (export "f32") (mut f32) (f32.const 1.5))
  (global $f64 (export "f64") (mut f64) (f64.const -0.25))
  (global $funcref (export "funcref") (mut funcref) (ref.func $double))
  (global $externref (export "externref") (mut externref) (ref.null extern))
  (elem (table $functions) (i32.const 0) func $double $square)

  (func $double (export "double") (param i32) (result i32) (i32.mul (local.get 0) (i32.const 2)))
  (func $square (param i32) (result i32) (i32.mul (local.get 0) (local.get 0)))
  (func $trap (export "trap") (param i32) (result i32) (unreachable))

  ;; References as they are.
  (func (export "same_func") (param funcref) (result funcref) (local.get 0))
  (func (export "same_extern") (param externref) (result externref) (local.get 0))
  (func (export "mixed") (param i32 externref f64 funcref) (result funcref f64 externref i32)
    (local.get 3) (local.get 2) (local.get 1) (local.get 0))
  (func (export "is_null") (param funcref externref) (result i32 i32)
    (ref.is_null (local.get 0)) (ref.is_null (local.get 1)))
  (func (export "give_square") (result funcref) (ref.func $square))
  (elem declare func $square)

  ;; Calls a function that was given, by an element of the table.
  (func (export "apply") (param $f funcref) (param $x i32) (result i32)
    (table.set $functions (i32.const 3) (local.get $f))
    (call_indirect $functions (type $unary) (local.get $x) (i32.const 3)))
  (func (export "call") (param $index i32) (param $x i32) (result i32)
    (call_indirect $functions (type $unary) (local.get $x) (local.get $index)))

  (func (export "get_i32") (result i32) (global.get $i32))
  (func (export "keep_extern") (param externref) (global.set $externref (local.get 0)))
  (func (export "kept_extern") (result externref) (global.get $externref))
  (func (export "call_global") (param i32) (result i32)
    (table.set $functions (i32.const 3) (global.get $funcref))
    (call_indirect $functions (type $unary) (local.get 0) (i32.const 3)))
  (func (export "set_value") (param i32 externref) (table.set $values (local.get 0) (local.get 1)))
  (func (export "get_value") (param i32) (result externref) (table.get $values (local.get 0)))
  (func (export "grow_functions") (param i32) (result i32)
    (table.grow $functions (ref.func $double) (local.get 0))))
