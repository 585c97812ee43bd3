;; Float lanes and conversions.
(module
  (func (param v128 v128 v128) (result v128) (f32x4.add (f32x4.mul (local.get 0) (local.get 1)) (local.get 2)))
  (func (param v128 v128) (result v128) (f64x2.pmin (local.get 0) (f64x2.pmax (local.get 0) (local.get 1))))
  (func (param v128 v128) (result v128) (f32x4.lt (local.get 0) (local.get 1)))
  (func (param v128) (result v128) (i32x4.trunc_sat_f64x2_s_zero (local.get 0)))
  (func (param v128) (result v128) (i32x4.trunc_sat_f64x2_u_zero (local.get 0)))
  (func (param v128) (result v128) (f64x2.convert_low_i32x4_u (local.get 0)))
  (func (param v128 v128) (result v128) (i8x16.narrow_i16x8_u (local.get 0) (i16x8.narrow_i32x4_s (local.get 0) (local.get 1)))))
