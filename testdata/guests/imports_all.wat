;; One import and one export of every kind, under a namespace that is not the default and with names shared across kinds.
(module $imports_all
  (import "env" "shared" (func $shared (param i32) (result i32)))
  (import "other" "shared" (func $other_shared (param i32) (result i32)))
  (import "env" "memory" (memory 1 4))
  (func (export "call_env") (param i32) (result i32) local.get 0 call $shared)
  (func (export "call_other") (param i32) (result i32) local.get 0 call $other_shared)
  (func (export "load8") (param i32) (result i32) local.get 0 i32.load8_u)
  (func (export "store8") (param i32 i32) local.get 0 local.get 1 i32.store8)
  (func (export "grow") (param i32) (result i32) local.get 0 memory.grow)
  (table (export "table") 1 2 funcref)
  (global (export "constant") i64 (i64.const 99))
  (global (export "variable") (mut f32) (f32.const 1.5))
  (export "memory" (memory 0)))
