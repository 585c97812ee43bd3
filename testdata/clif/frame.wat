;;! not optimised
;; Locals and the wasm stack in the frame: what functions become that are compiled quickly.
(module
  (memory 1)
  (global $g (mut i32) (i32.const 0))
  (func $callee (param i32 i64) (result i64) local.get 1)
  ;; A value waits below a call's arguments.
  (func (param i32) (result i64) (local i64)
    local.get 1
    local.get 0
    i64.const 7
    call $callee
    i64.add)
  ;; A branch moves its value to where the block expects it.
  (func (param i32 i32) (result i32)
    (block (result i32)
      local.get 0
      local.get 1
      i32.load offset=4
      local.get 1
      br_if 0
      i32.add))
  ;; Vectors have room, and parameters of loops stay where they are.
  (func (param v128 i32) (result v128)
    local.get 0
    (loop (param v128) (result v128)
      local.get 0
      i8x16.add
      local.get 1
      br_if 0)
    global.get $g
    global.set $g)
  ;; Arms of an `if` and a table that takes a value along.
  (func (param i32) (result i32)
    (block (result i32)
      (block (result i32)
        i32.const 1
        (if (param i32) (result i32) (local.get 0) (then) (else drop i32.const 2))
        local.get 0
        br_table 0 1 0)
      local.tee 0
      local.get 0
      i32.mul)))
