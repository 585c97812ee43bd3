;; Calls of WASI in loops: each n times, and the errors together as the result.
(module
  (import "wasi_snapshot_preview1" "fd_write" (func $fd_write (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "clock_time_get" (func $clock_time_get (param i32 i64 i32) (result i32)))
  (memory (export "memory") 1)
  (data (i32.const 0) "\20\00\00\00\10\00\00\00") ;; one piece: 16 bytes at 32
  (data (i32.const 32) "fifteen letters\n")
  ;; writes 16 bytes to standard output
  (func (export "write") (param $n i32) (result i32) (local $errors i32)
    (loop $again
      (local.set $errors (i32.or (local.get $errors) (call $fd_write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8))))
      (br_if $again (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
    (local.get $errors))
  ;; reads the monotonic clock
  (func (export "clock") (param $n i32) (result i32) (local $errors i32)
    (loop $again
      (local.set $errors (i32.or (local.get $errors) (call $clock_time_get (i32.const 1) (i64.const 1) (i32.const 8))))
      (br_if $again (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
    (local.get $errors)))
