;; Tail calls (WebAssembly 3.0, sections 4.6.10.15 and 17): the callee takes the caller's place. None of the calls carries a trap record;
;; what can trap comes before.
(module
  (type $t (func (param i32) (result i32)))
  (import "env" "f" (func $imported (type $t)))
  (table 4 funcref)
  (func $own (param i32 i64) (result i32) (return_call $even (local.get 0)))
  (func $even (type $t)
    (if (i32.eqz (local.get 0)) (then (return (i32.const 1))))
    (return_call $odd (i32.sub (local.get 0) (i32.const 1))))
  (func $odd (type $t) (return_call $imported (local.get 0)))
  (func $indirect (type $t) (return_call_indirect (type $t) (local.get 0) (i32.const 2)))
  ;; More arguments than fit registers, and than the caller has.
  (func $more (param i64) (result i32)
    (return_call $many (local.get 0) (local.get 0) (local.get 0) (local.get 0) (local.get 0) (local.get 0) (local.get 0) (local.get 0)))
  (func $many (param i64 i64 i64 i64 i64 i64 i64 i64) (result i32) (return_call $imported (i32.wrap_i64 (local.get 7)))))
