;; References: null is 0, a function is its record.
(module
  (import "m" "f" (func $imported))
  (export "imported" (func $imported))
  (export "own" (func $own))
  (func $own)
  (func $null (result externref) ref.null extern)
  (func $is_null (param funcref) (result i32)
    local.get 0 ref.is_null)
  (func $if_null (param externref) (result i32)
    local.get 0 ref.is_null
    if (result i32) i32.const 1 else i32.const 2 end)
  (func $references (result funcref funcref)
    ref.func $own ref.func $imported)
  (func $select (param externref externref i32) (result externref) (local funcref)
    local.get 0 local.get 1 local.get 2 select (result externref)))
