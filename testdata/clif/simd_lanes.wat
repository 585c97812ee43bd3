;; Constants, splats, lanes, shuffles; casts appear only where lanes change.
(module
  (func (result v128) (v128.const i32x4 1 2 3 4))
  (func (param i32) (result v128) (i8x16.splat (local.get 0)))
  (func (param v128) (result i32) (i16x8.extract_lane_s 5 (local.get 0)))
  (func (param v128 f64) (result v128) (f64x2.replace_lane 1 (local.get 0) (local.get 1)))
  (func (param v128 v128) (result v128)
    (i8x16.shuffle 0 16 1 17 2 18 3 19 4 20 5 21 6 22 7 23 (local.get 0) (local.get 1)))
  (func (param v128 v128) (result v128) (i8x16.swizzle (local.get 0) (local.get 1)))
  (func (param v128 v128 v128) (result v128) (v128.bitselect (local.get 0) (local.get 1) (local.get 2)))
  (func (param v128) (result i32) (if (result i32) (v128.any_true (local.get 0)) (then (i32.const 1)) (else (i32.const 2))))
  (func (param v128 i32) (result v128) (local v128)
    (select (local.get 0) (local.get 2) (local.get 1))))
