;; 64-bit tables: indices are not extended, and ranges are compared without adding to them.
(module
  (type $t (func (result i32)))
  (table $t i64 4 funcref)
  (table $small 4 funcref)
  (elem $e func)
  (func $get (param i64) (result funcref) (table.get $t (local.get 0)))
  (func $set (param i64 funcref) (table.set $t (local.get 0) (local.get 1)))
  (func $size (result i64) (table.size $t))
  (func $grow (param i64) (result i64) (table.grow $t (ref.null func) (local.get 0)))
  (func $fill (param i64 i64) (table.fill $t (local.get 0) (ref.null func) (local.get 1)))
  (func $copy (param i64 i32 i32) (table.copy $t $small (local.get 0) (local.get 1) (local.get 2)))
  (func $init (param i64 i32 i32) (table.init $t $e (local.get 0) (local.get 1) (local.get 2)))
  (func $call (param i64) (result i32) (call_indirect $t (type $t) (local.get 0))))
