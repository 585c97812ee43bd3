;; A library of WASI that leaves by proc_exit under calls of the host: "outer" calls the host, which may call "outer" or "exit".
(module
  (import "wasi_snapshot_preview1" "proc_exit" (func $proc_exit (param i32)))
  (import "env" "host" (func $host (param i32) (result i32)))
  (memory (export "memory") 1)
  (func (export "outer") (param i32) (result i32) (call $host (local.get 0)))
  (func (export "exit") (param i32) (result i32) (call $proc_exit (local.get 0)) unreachable))
