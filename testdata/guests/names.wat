;; Three functions with names, and a fourth with none: a calls b, b calls c, c traps. Backtraces show the names of the name section.
(module $names
  (func $a (export "a") (param i32) (result i32)
    (i32.add (call $b (local.get 0)) (i32.const 1)))
  (func $b (param i32) (result i32)
    (i32.add (call $c (local.get 0)) (i32.const 2)))
  (func $c (param i32) (result i32)
    (i32.div_s (i32.const 100) (local.get 0)))
  (func (export "unnamed") (param i32) (result i32)
    (i32.add (call $c (local.get 0)) (i32.const 3))))
