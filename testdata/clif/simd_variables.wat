;; Vectors in globals: own and imported, a constant, and one that is set.
(module
  (import "m" "g" (global $imported v128))
  (global $constant v128 (v128.const i64x2 1 2))
  (global $variable (mut v128) (global.get $imported))
  (func (result v128 v128 v128) (global.get $imported) (global.get $constant) (global.get $variable))
  (func (param v128) (global.set $variable (f32x4.neg (local.get 0)))))
