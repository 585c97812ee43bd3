;; Integer lanes.
(module
  (func (param v128 v128 v128) (result v128) (i32x4.mul (i32x4.add (local.get 0) (local.get 1)) (local.get 2)))
  (func (param v128 v128) (result v128) (i8x16.add_sat_u (local.get 0) (i8x16.avgr_u (local.get 0) (local.get 1))))
  (func (param v128 v128) (result v128) (i64x2.gt_s (local.get 0) (local.get 1)))
  (func (param v128 i32) (result v128) (i16x8.shr_s (local.get 0) (local.get 1)))
  (func (param v128) (result i32) (i32.add (i8x16.bitmask (local.get 0)) (i32x4.all_true (local.get 0))))
  (func (param v128 v128) (result v128) (i16x8.extmul_high_i8x16_u (local.get 0) (local.get 1)))
  (func (param v128) (result v128) (i32x4.extadd_pairwise_i16x8_s (local.get 0)))
  (func (param v128 v128) (result v128) (i32x4.dot_i16x8_s (local.get 0) (local.get 1)))
  (func (param v128 v128) (result v128) (i16x8.q15mulr_sat_s (local.get 0) (local.get 1))))
