;; What the functions of module spectest print.
(module (import "spectest" "print_i32_f32" (func $p (param i32 f32))) (import "spectest" "print" (func $n))
  (import "spectest" "global_f64" (global f64)) (import "spectest" "table" (table 10 20 funcref)) (import "spectest" "memory" (memory 1 2))
  (func (export "f") (call $p (i32.const -5) (f32.const 0.5)) (call $n)))
(invoke "f")
