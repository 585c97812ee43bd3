;; Shares tables with others: one for values of the host, one for functions, into which it puts a function that holds values while something else happens.
(module
  (import "env" "make" (func $make (param i32) (result externref)))
  (import "env" "check" (func $check (param externref i32)))
  (import "env" "meanwhile" (func $meanwhile (param i32)))
  (import "host" "functions" (table $functions 1 funcref))
  (import "host" "values" (table $values 16 externref))
  (import "host" "first" (global $first externref))

  (global (export "copy") externref (global.get $first))
  (elem (table $functions) (i32.const 0) func $hold)

  (func (export "put") (param i32 externref) (table.set $values (local.get 0) (local.get 1)))
  (func (export "get") (param i32) (result externref) (table.get $values (local.get 0)))

  (func $hold (export "hold")
    (local $a externref) (local $b externref)
    (local.set $a (call $make (i32.const 1001)))
    (local.set $b (call $make (i32.const 1002)))
    (call $meanwhile (i32.const 0))
    (call $check (local.get $b) (i32.const 1002))
    (call $check (local.get $a) (i32.const 1001))))
