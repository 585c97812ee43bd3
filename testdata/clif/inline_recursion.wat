;; Functions that are inlined into themselves: `@8...` are indices of inlined instructions, not offsets.
(module
  ;; As LLVM writes Fibonacci numbers: three bodies in each other, the last one with the call.
  (func $fibonacci (param i32) (result i32)
    (local i32)
    loop
      local.get 0
      i32.const 2
      i32.ge_u
      if
        local.get 0 i32.const 1 i32.sub call $fibonacci
        local.get 1 i32.add local.set 1
        local.get 0 i32.const 2 i32.sub local.set 0
        br 1
      end
    end
    local.get 0 local.get 1 i32.add)
  ;; Needs so many values after its call that a second level would not leave them in registers.
  (func $keeps (param i32 i32 i32 i32) (result i32)
    local.get 0
    if (result i32)
      local.get 0 i32.const 1 i32.sub local.get 1 local.get 2 local.get 3 call $keeps
      local.get 0 i32.add local.get 1 i32.add local.get 2 i32.add local.get 3 i32.add
    else
      i32.const 0
    end)
  ;; Not inlined into another function, as it has a loop.
  (func $calls (param i32) (result i32)
    local.get 0 call $fibonacci))
