;; Calls that are replaced by the callee's body: `@8...` are indices of inlined instructions, not offsets.
(module
  (func $leaf (param i32 i32) (result i32)
    (local i32)
    local.get 0 local.get 1 i32.div_u local.get 2 i32.add)
  (func $leaf_in_caller (param i32) (result i32)
    local.get 0 local.get 0 call $leaf)
  (func $leaf_in_two_levels (param i32) (result i32)
    local.get 0 call $leaf_in_caller i32.const 1 i32.sub)
  (func $returns (param i32) (result i32 i32)
    local.get 0
    if i32.const 1 i32.const 2 return end
    i32.const 3 i32.const 4)
  (func $return_in_caller (param i32) (result i32)
    local.get 0 local.get 0 call $returns i32.add i32.mul)
  (func $recursive (param i32) (result i32)
    local.get 0
    if local.get 0 i32.const 1 i32.sub call $recursive return end
    i32.const 7)
  ;; Not inlined: a loop, a function that ends dead, and a call before `unreachable`.
  (func $loops loop end)
  (func $dies (param i32) local.get 0 drop unreachable)
  (func $calls (param i32) (result i32)
    call $loops
    local.get 0 call $dies
    local.get 0 local.get 0 call $leaf
    unreachable)
  ;; The trap of an inlined body keeps its own location, and is not merged into the caller's branch.
  (memory 1 1)
  (func $outside (result i32)
    i32.const 0 i32.load offset=65536)
  (func $outside_in_branch (param i32) (result i32)
    local.get 0
    if (result i32) call $outside else i32.const 7 end))
