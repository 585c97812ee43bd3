;; Calls through tables that nothing writes to after instantiation.
(module
  (type $one (func (param i32) (result i32)))
  (type $equal (func (param i32) (result i32)))
  (type $other (func (result i32)))
  (import "env" "host" (func $host (type $one)))
  (table $same 4 4 funcref)
  (table $mixed 4 4 funcref)
  (table $foreign 4 4 funcref)
  (table $written 4 4 funcref)
  (elem (table $same) (i32.const 1) func $a $b)
  (elem (table $mixed) (i32.const 1) func $a $c)
  (elem (table $foreign) (i32.const 1) func $a $host)
  (elem (table $written) (i32.const 1) func $a $b)
  (func $a (type $one) local.get 0)
  (func $b (type $equal) local.get 0)
  (func $c (type $other) i32.const 1)
  ;; Neither the type is checked nor the vmctx loaded: that is the function's own.
  (func $calls_same (param i32) (result i32)
    i32.const 5 local.get 0 call_indirect $same (type $equal))
  ;; No function there has this type.
  (func $calls_other (param i32) (result i32)
    local.get 0 call_indirect $same (type $other))
  ;; The type is checked, the vmctx is known.
  (func $calls_mixed (param i32) (result i32)
    i32.const 5 local.get 0 call_indirect $mixed (type $one))
  ;; The type is known, the vmctx loaded.
  (func $calls_foreign (param i32) (result i32)
    i32.const 5 local.get 0 call_indirect $foreign (type $one))
  ;; Nothing is known.
  (func $calls_written (param i32) (result i32)
    i32.const 5 local.get 0 call_indirect $written (type $one))
  (func $writes (param i32)
    local.get 0 ref.func $a table.set $written))
