;; A memory in its reservation: loads and stores have no bounds check, functions no stack check, loops no interrupt check.
;; Only the last function, whose offset lies beyond the guard of 2 GiB, has a check.
(module
  (memory 1)
  (func $loads (param i32) (result i64)
    local.get 0 i32.load8_s drop
    local.get 0 i32.load16_u offset=2 drop
    local.get 0 i32.load offset=65536 drop
    local.get 0 f64.load align=1 drop
    local.get 0 i64.load32_s offset=2147483644)
  (func $stores (param i32 i64 f32)
    local.get 0 local.get 1 i64.store8
    local.get 0 local.get 1 i64.store32 offset=4
    local.get 0 local.get 2 f32.store offset=8
    local.get 0 local.get 1 i64.store offset=16)
  (func $sum (param i32 i32) (result i32) (local i32)
    loop
      local.get 2 local.get 0 i32.load i32.add local.set 2
      local.get 0 i32.const 4 i32.add local.tee 0
      local.get 1 i32.lt_u
      br_if 0
    end
    local.get 2)
  (func $size (result i32) memory.size)
  (func $beyond_the_guard (param i32) (result i32)
    local.get 0 i32.load offset=2147483648))
