;;! explicit bounds
(module
  (memory 1)
  (func (param i32) (result v128) (v128.load offset=16 (local.get 0)))
  (func (param i32) (result v128) (v128.load16x4_u (local.get 0)))
  (func (param i32 v128) (v128.store8_lane offset=4294967295 0 (local.get 0) (local.get 1)))
  (func (param i32 v128) (v128.store64_lane 1 (local.get 0) (local.get 1))))
