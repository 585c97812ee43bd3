;; Blocks, loops, branches, select: blocks that nothing branches to leave no trace.
(module
  (func $straight (param i32) (result i32)
    block (result i32) local.get 0 end)
  (func $branch_out (param i32 i64) (result i64)
    block (result i64)
      local.get 1
      local.get 0
      br_if 0
      drop
      i64.const 7
    end)
  (func $count_down (param i32) (result i32) (local i32)
    loop
      local.get 1 local.get 0 i32.add local.set 1
      local.get 0 i32.const 1 i32.sub local.tee 0
      i32.const 0 i32.ne
      br_if 0
    end
    local.get 1)
  (func $if_without_else (param i32) (result i32)
    local.get 0 i32.const 10 i32.lt_s
    if i32.const 10 local.set 0 end
    local.get 0)
  (func $if_else (param f64 f64) (result f64)
    local.get 0 local.get 1 f64.lt
    if (result f64) local.get 0 else local.get 1 end)
  (func $if_with_params (param i32) (result i32)
    i32.const 5
    local.get 0
    if (param i32) (result i32) i32.const 1 i32.add else i32.const 2 i32.mul end)
  (func $if_arms_end (param i32) (result i32)
    local.get 0
    if i32.const 1 return else end
    i32.const 2)
  (func $multi_value (param i32) (result i32 i64)
    local.get 0 i64.const 3
    loop (param i32 i64) (result i32 i64)
      local.get 0 br_if 0
    end)
  (func $select (param i32 i32 i32) (result i32)
    local.get 0 local.get 1
    local.get 1 local.get 2 i32.lt_u
    select)
  (func $br_table (param i32) (result i32)
    block block block
      local.get 0 br_table 0 1 2 0
    end i32.const 10 return
    end i32.const 11 return
    end i32.const 12)
  (func $br_table_with_values (param i32) (result i32)
    block (result i32)
      block (result i32)
        i32.const 7
        local.get 0
        br_table 0 1 0 1 2
      end
      i32.const 1 i32.add
    end)
  (func $unreachable (param i32) (result i32)
    local.get 0
    if unreachable i32.const 1 drop block br 0 end else end
    block (result i32) i32.const 1 br 1 i64.const 5 drop end))
