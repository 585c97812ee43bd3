;; Its start function runs before any export is called: it sets the global, and calls the host.
(module $start_ok
  (import "env" "started" (func $started (param i32)))
  (global $state (mut i32) (i32.const 0))
  (func $start
    (global.set $state (i32.const 42))
    (call $started (i32.const 42)))
  (func (export "state") (result i32) global.get $state)
  (start $start))
