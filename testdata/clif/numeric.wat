;; Integers, floats and comparisons; a comparison that is branched on stays one.
(module
  (func $integers (param i32 i32) (result i32)
    local.get 0 local.get 1 i32.add
    local.get 0 i32.sub
    local.get 1 i32.mul
    local.get 1 i32.and
    local.get 1 i32.or
    local.get 1 i32.xor
    local.get 1 i32.shl
    local.get 1 i32.shr_s
    local.get 1 i32.shr_u
    local.get 1 i32.rotl
    local.get 1 i32.rotr
    i32.clz i32.ctz i32.popcnt
    i32.const -1 i32.add)
  (func $divisions (param i64 i64) (result i64)
    local.get 0 local.get 1 i64.div_s
    local.get 1 i64.div_u
    local.get 1 i64.rem_s
    local.get 1 i64.rem_u)
  (func $compare (param i64 i64) (result i32)
    local.get 0 local.get 1 i64.lt_s
    local.get 0 i64.eqz
    i32.and)
  (func $floats (param f64 f64) (result f64)
    local.get 0 local.get 1 f64.add
    local.get 1 f64.sub
    local.get 1 f64.mul
    local.get 1 f64.div
    local.get 1 f64.min
    local.get 1 f64.max
    local.get 1 f64.copysign
    f64.abs f64.neg f64.ceil f64.floor f64.trunc f64.nearest f64.sqrt
    f64.const nan:0x4 f64.add)
  (func $float_compare (param f32 f32) (result i32)
    local.get 0 local.get 1 f32.ge))
