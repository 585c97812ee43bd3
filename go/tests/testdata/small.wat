;; A small module as programs have them: a memory, a table, a global, some data and three functions.
(module $small
  (memory (export "memory") 1)
  (table 2 funcref)
  (elem (i32.const 0) func $sum)
  (data (i32.const 1024) "hello, world\00")
  (global $calls (mut i32) (i32.const 0))
  (func $sum (export "sum") (param i32 i32) (result i32)
    (global.set $calls (i32.add (global.get $calls) (i32.const 1)))
    (i32.add (local.get 0) (local.get 1)))
  (func (export "calls") (result i32) (global.get $calls))
  (func (export "store") (param i32 i32) (i32.store (local.get 0) (local.get 1)))
  (func (export "load") (param i32) (result i32) (i32.load (local.get 0)))
  (func (export "grow") (param i32) (result i32) (memory.grow (local.get 0))))
