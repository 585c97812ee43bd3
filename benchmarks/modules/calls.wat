;; What calls from Go are measured with: functions that do next to nothing.
(module
  (memory (export "memory") 1)
  (func (export "call0"))
  (func (export "call2") (param i32 i32) (result i32)
    (i32.add (local.get 0) (local.get 1)))
  (func (export "call6") (param i32 i32 i32 i32 i32 i32) (result i32)
    (i32.add
      (i32.add (i32.add (local.get 0) (local.get 1)) (i32.add (local.get 2) (local.get 3)))
      (i32.add (local.get 4) (local.get 5))))
  (func (export "spin") (loop (br 0))))
