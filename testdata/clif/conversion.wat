;; Conversions between number types.
(module
  (func $trunc (param f32 f64) (result i64)
    local.get 0 i32.trunc_f32_s drop
    local.get 1 i32.trunc_f64_u drop
    local.get 0 i64.trunc_f32_u drop
    local.get 1 i64.trunc_f64_s)
  (func $trunc_sat (param f32 f64) (result i64)
    local.get 0 i32.trunc_sat_f32_s drop
    local.get 1 i32.trunc_sat_f64_u drop
    local.get 0 i64.trunc_sat_f32_u drop
    local.get 1 i64.trunc_sat_f64_s)
  (func $convert (param i32 i64) (result f64)
    local.get 0 f32.convert_i32_s drop
    local.get 0 f32.convert_i32_u drop
    local.get 1 f32.convert_i64_s drop
    local.get 1 f64.convert_i64_u f32.demote_f64 f64.promote_f32)
  (func $extend (param i32 i64) (result i64)
    local.get 1 i32.wrap_i64 i32.extend8_s i32.extend16_s i64.extend_i32_s
    local.get 0 i64.extend_i32_u i64.add
    i64.extend8_s i64.extend16_s i64.extend32_s)
  (func $reinterpret (param i32 i64) (result i64)
    local.get 0 f32.reinterpret_i32 i32.reinterpret_f32 drop
    local.get 1 f64.reinterpret_i64 i64.reinterpret_f64))
