;; A call of the host that waits there.
(module
  (import "env" "wait" (func $wait))
  (memory 1)
  (func (export "run") (call $wait)))
