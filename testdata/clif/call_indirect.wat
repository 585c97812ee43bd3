;; Indirect calls: bounds (undefined element), null (uninitialized element) and type checks.
(module
  (type $binary (func (param i32 i32) (result i32)))
  (table $fixed 4 4 funcref)
  (table $exported (export "table") 4 funcref)
  (func $through_fixed (param i32) (result i32)
    i32.const 3 i32.const 4 local.get 0 call_indirect $fixed (type $binary))
  (func $through_exported (param i32) (result i32)
    i32.const 3 i32.const 4 local.get 0 call_indirect $exported (type $binary)))
