;; Exceptions: a call with handlers ends its block; a handler reads the values from a slot of the
;; frame; and what is thrown lies in that slot, too.
(module
  (tag $error (param i32 f64))
  (tag $other)
  (func $throw (param i32) (throw $error (local.get 0) (f64.const 1)))
  (func (param i32) (result i32)
    (block $caught (result i32 f64)
      (try_table (catch $error $caught)
        (call $throw (local.get 0)))
      (return (i32.const -1)))
    drop)
  (func (param i32) (result exnref)
    (block $caught (result exnref)
      (try_table (catch_all_ref $caught) (call $throw (local.get 0)))
      (ref.null exn)))
  (func (param exnref) (throw_ref (local.get 0)))
  (func (param i32) (result i32)
    try (result i32)
      local.get 0 call $throw i32.const 0
    catch $other
      i32.const 1
    catch_all
      rethrow 0
    end))
