;; Has nothing to do with values of the host, but calls a function that came into its table during the call, which may.
(module
  (import "env" "link" (func $link))
  (type $procedure (func))
  (table $functions (export "functions") 1 funcref)
  (func (export "run") (call $link) (call_indirect (type $procedure) (i32.const 0)))
  (func (export "again") (call_indirect (type $procedure) (i32.const 0)))
  (func (export "nothing")))
