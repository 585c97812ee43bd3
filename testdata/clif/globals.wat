;; Globals: own ones in the vmctx, imported ones behind a pointer, constants folded.
(module
  (import "m" "mutable" (global $imported (mut i32)))
  (import "m" "immutable" (global $fixed f64))
  (global $counter (mut i64) (i64.const 1))
  (global $constant i32 (i32.const -42))
  (global $copied f64 (global.get $fixed))
  (func $count
    global.get $counter i64.const 1 i64.add global.set $counter)
  (func $count_imported
    global.get $imported global.get $constant i32.add global.set $imported)
  (func $immutable (result f64)
    global.get $fixed global.get $copied f64.add))
