;; Exceptions in the encoding of before WebAssembly 3.0. Each exported function is called by
;; legacy.txt, whose results V8 has computed. The tests turn them into the encoding of 3.0, too.
(module
  (import "host" "call" (func $host (param i32) (result i32))) ;; throws $a of an odd number, else is 10 times as much
  (tag $none (export "none"))
  (tag $a (export "a") (param i32))
  (tag $b (export "b") (param i32 i64))
  (tag $f (export "f") (param f32 f64 i64))
  (tag $v (export "v") (param v128 i32 v128))
  (tag $private (param i32))
  (type $i (func (param i32) (result i32)))
  (type $ii (func (param i32 i32) (result i32 i32)))
  (table $table 8 funcref)
  (elem (table $table) (i32.const 0) func $id $throw_a $throw_b $throw_by $host $tail_throw)
  (global $g (mut i32) (i32.const 0))
  (memory 1)

  (func $id (param i32) (result i32) local.get 0)
  (func $throw_a (param i32) (result i32) local.get 0 throw $a)
  (func $throw_b (param i32) (result i32) local.get 0 i64.const -5 throw $b)
  ;; 0 returns 100, 1 throws $none, 2 $a of 2, 3 $b of 3 and 33, 4 $f, 5 $v, 6 $private, 7 traps, others return themselves
  (func $throw_by (export "throw_by") (param i32) (result i32)
    block block block block block block block block block
      local.get 0
      br_table 0 1 2 3 4 5 6 7 8
    end i32.const 100 return
    end throw $none
    end local.get 0 throw $a
    end local.get 0 i64.const 33 throw $b
    end f32.const 1.5 f64.const -2.25 i64.const 0x123456789abcdef throw $f
    end v128.const i32x4 1 2 3 4 i32.const 55 v128.const i64x2 -1 77 throw $v
    end local.get 0 throw $private
    end unreachable
    end local.get 0)
  ;; Small enough to be inlined; what it calls throws.
  (func $through (param i32) (result i32) local.get 0 call $throw_by i32.const 1 i32.add)
  (func $through_twice (param i32) (result i32) local.get 0 call $through i32.const 2 i32.mul)
  (func $tail_throw (param i32) (result i32) local.get 0 return_call $throw_by)
  (func $tail_table (param i32) (result i32) local.get 0 i32.const 3 return_call_indirect (type $i))

  (func (export "catch_each") (param i32) (result i32)
    try (result i32)
      local.get 0 call $throw_by
    catch $none
      i32.const -1
    catch $a
      i32.const 1000 i32.add
    catch $b
      i32.wrap_i64 i32.mul
    catch $f
      i64.const 32 i64.shr_u i32.wrap_i64
      global.set $g
      i32.trunc_f64_s global.get $g i32.add
      global.set $g
      i32.trunc_f32_s global.get $g i32.add
    catch $v
      i64x2.extract_lane 1 i32.wrap_i64
      i32.add global.set $g
      i32x4.extract_lane 2 global.get $g i32.add
    catch_all
      i32.const -2
    end)
  (func (export "catch_all_only") (param i32) (result i32)
    try (result i32)
      local.get 0 call $throw_by
    catch_all
      i32.const -7
    end)
  (func (export "catch_some") (param i32) (result i32)
    try (result i32)
      local.get 0 call $throw_by
    catch $a
      i32.const 10 i32.mul
    end)
  (func (export "no_handler") (param i32) (result i32)
    try (result i32)
      local.get 0 call $throw_by
    end)
  (func (export "payload_f") (result f32 f64 i64)
    try (result f32 f64 i64)
      i32.const 4 call $throw_by drop
      f32.const 0 f64.const 0 i64.const 0
    catch $f
    end)
  (func (export "payload_v") (result i64 i64 i32 i64 i64) (local v128 v128 i32)
    try
      i32.const 5 call $throw_by drop
    catch $v
      local.set 1 local.set 2 local.set 0
    end
    local.get 0 i64x2.extract_lane 0
    local.get 0 i64x2.extract_lane 1
    local.get 2
    local.get 1 i64x2.extract_lane 0
    local.get 1 i64x2.extract_lane 1)
  (func (export "own_throw") (param i32) (result i32)
    try (result i32)
      local.get 0
      if local.get 0 throw $a end
      i32.const 3
    catch $a
      i32.const 1 i32.add
    end)
  (func (export "own_throw_v") (param i32) (result i32)
    try (result i32)
      local.get 0 i32x4.splat local.get 0 v128.const i32x4 9 8 7 6 throw $v
    catch $v
      i32x4.extract_lane 3 i32.add global.set $g i32x4.extract_lane 1 global.get $g i32.mul
    end)

  ;; Nesting.
  (func (export "nested_inner_first") (param i32) (result i32)
    try (result i32)
      try (result i32)
        local.get 0 call $throw_by
      catch $a
        i32.const 10 i32.add
      end
      i32.const 1 i32.add
    catch $a
      drop i32.const -1
    catch $b
      drop drop i32.const -2
    catch_all
      i32.const -3
    end)
  (func (export "throw_in_catch") (param i32) (result i32)
    try (result i32)
      try (result i32)
        local.get 0 call $throw_by
      catch $a
        i64.const 7 throw $b
      catch_all
        i32.const 40 throw $a
      end
    catch $a
      i32.const 1 i32.add
    catch $b
      i32.wrap_i64 i32.const 100 i32.mul i32.add
    end)
  (func (export "call_in_catch") (param i32 i32) (result i32)
    try (result i32)
      try (result i32)
        local.get 0 call $throw_by
      catch_all
        local.get 1 call $through
      end
    catch $a
      i32.const 500 i32.add
    catch_all
      i32.const -9
    end)
  (func (export "try_in_catch") (param i32 i32) (result i32)
    try (result i32)
      local.get 0 call $throw_by
    catch_all
      try (result i32)
        local.get 1 call $throw_by
      catch $a
        i32.const 600 i32.add
      catch_all
        i32.const -8
      end
      i32.const 1 i32.add
    end)
  (func (export "try_in_both") (param i32 i32 i32) (result i32)
    try (result i32)
      try (result i32)
        local.get 0 call $throw_by
      catch $b
        drop
      end
      try (result i32)
        local.get 1 call $throw_by
      catch $a
        i32.const 7 i32.mul
      end
      i32.add
    catch $none
      try (result i32)
        local.get 2 call $throw_by
      catch_all
        i32.const -4
      end
    catch_all
      i32.const -5
    end)

  ;; Delegate.
  (func (export "delegate_to_outer") (param i32) (result i32)
    try $outer (result i32)
      try (result i32)
        try (result i32)
          local.get 0 call $throw_by
        delegate $outer
        i32.const 1 i32.add
      catch_all
        i32.const -1
      end
    catch $a
      i32.const 20 i32.add
    catch $none
      i32.const 21
    end)
  (func (export "delegate_to_next") (param i32) (result i32)
    try $outer (result i32)
      try $inner (result i32)
        try (result i32)
          local.get 0 call $throw_by
        delegate $inner
        i32.const 1 i32.add
      catch $a
        i32.const 30 i32.add
      end
    catch $none
      i32.const 31
    end)
  (func (export "delegate_to_function") (param i32) (result i32)
    try (result i32)
      try (result i32)
        local.get 0 call $throw_by
      delegate 1
    catch_all
      i32.const -1
    end)
  (func $delegates_away (param i32) (result i32)
    try (result i32)
      try (result i32)
        local.get 0 call $throw_by
      delegate 1
    catch_all
      i32.const -1
    end)
  (func (export "delegate_to_caller") (param i32) (result i32)
    try (result i32)
      local.get 0 call $delegates_away
    catch $a
      i32.const 70 i32.add
    catch_all
      i32.const 71
    end)
  (func (export "delegate_to_block") (param i32) (result i32)
    try (result i32)
      block $label (result i32)
        try (result i32)
          try (result i32)
            local.get 0 call $throw_by
          delegate $label
        catch_all
          i32.const -1
        end
      end
    catch $a
      i32.const 40 i32.add
    catch_all
      i32.const 41
    end)
  (func (export "delegate_to_loop") (param i32) (result i32) (local $n i32)
    try (result i32)
      loop $label (result i32)
        local.get $n i32.const 1 i32.add local.tee $n
        i32.const 3 i32.lt_s br_if $label
        try (result i32)
          try (result i32)
            local.get 0 call $throw_by
          delegate $label
        catch_all
          i32.const -1
        end
      end
    catch $a
      i32.const 50 i32.add local.get $n i32.add
    end)
  (func (export "delegate_to_if") (param i32) (result i32)
    try (result i32)
      local.get 0
      if $label (result i32)
        try (result i32)
          local.get 0 call $throw_by
        delegate $label
      else
        try (result i32)
          i32.const 3 call $throw_by
        delegate $label
      end
    catch $a
      i32.const 60 i32.add
    catch $b
      drop i32.const 61 i32.add
    end)
  (func (export "delegate_chain") (param i32) (result i32)
    try $t0 (result i32)
      try $t1 (result i32)
        try $t2 (result i32)
          try $t3 (result i32)
            try (result i32)
              local.get 0 call $throw_by
            delegate $t3
          delegate $t1
        catch_all
          i32.const -2
        end
      delegate $t0
    catch $a
      i32.const 80 i32.add
    catch $b
      i32.wrap_i64 i32.add
    end)
  (func (export "delegate_from_catch") (param i32 i32) (result i32)
    try $outer (result i32)
      try $middle (result i32)
        local.get 0 call $throw_by
      catch_all
        try (result i32)
          local.get 1 call $throw_by
        delegate $middle ;; whose body has ended: what is around it gets the exception
      end
    catch $a
      i32.const 90 i32.add
    catch_all
      i32.const 91
    end)
  (func (export "delegate_of_empty") (param i32) (result i32)
    try $outer (result i32)
      try delegate $outer
      local.get 0
    catch_all
      i32.const -1
    end)
  (func (export "delegate_values") (param i32) (result i32 i64)
    try $outer (result i32 i64)
      try (result i32 i64)
        local.get 0 call $throw_by i64.const 12
      delegate $outer
    catch $b
    catch_all
      i32.const -1 i64.const -1
    end)
  (func (export "br_out_of_delegate") (param i32) (result i32)
    block $out (result i32)
      try $outer (result i32)
        try (result i32)
          local.get 0 call $throw_by
          i32.const 5 i32.add br $out
        delegate $outer
      catch $a
        i32.const 11 i32.add br $out
      catch_all
        i32.const 12
      end
      i32.const 1000 i32.add
    end)

  ;; Rethrow.
  (func (export "rethrow") (param i32) (result i32)
    try (result i32)
      local.get 0 call $throw_by
    catch $a
      drop rethrow 0
    catch_all
      rethrow 0
    end)
  (func (export "rethrow_caught") (param i32) (result i32)
    try (result i32)
      try (result i32)
        local.get 0 call $throw_by
      catch $a
        drop rethrow 0
      catch_all
        rethrow 0
      end
    catch $a
      i32.const 2000 i32.add
    catch $b
      drop i32.const 3000 i32.add
    catch_all
      i32.const 4000
    end)
  (func (export "rethrow_v") (result i64 i32 i64)
    (local v128 v128 i32)
    try
      try
        i32.const 5 call $throw_by drop
      catch_all
        i32.const 3 call $id drop
        rethrow 0
      end
    catch $v
      local.set 1 local.set 2 local.set 0
    end
    local.get 0 i64x2.extract_lane 1 local.get 2 local.get 1 i64x2.extract_lane 1)
  ;; Both are caught; the second parameter chooses which is thrown again.
  (func (export "rethrow_depths") (param i32 i32 i32) (result i32)
    try (result i32)
      try $first (result i32)
        local.get 0 call $throw_by
      catch_all
        try $second (result i32)
          local.get 1 call $throw_by
        catch_all
          block
            block
              block
                local.get 2 br_table 0 1 2
              end
              rethrow $first
            end
            rethrow $second
          end
          i32.const 6
        end
      end
    catch $a
      i32.const 100 i32.add
    catch $b
      drop i32.const 200 i32.add
    catch $none
      i32.const 300
    catch $f
      drop drop drop i32.const 400
    end)
  (func (export "rethrow_in_nested_try") (param i32) (result i32)
    try (result i32)
      try (result i32)
        local.get 0 call $throw_by
      catch_all
        try (result i32)
          rethrow 1
        catch $a
          i32.const 700 i32.add
        end
      end
    catch_all
      i32.const 701
    end)
  (func (export "rethrow_to_delegate") (param i32) (result i32)
    try $outer (result i32)
      try $caught (result i32)
        local.get 0 call $throw_by
      catch_all
        try (result i32)
          try (result i32)
            rethrow $caught
          delegate $outer
        catch_all
          i32.const -1
        end
      end
    catch $a
      i32.const 800 i32.add
    catch_all
      i32.const 801
    end)
  (func (export "rethrow_in_loop") (param i32) (result i32) (local $sum i32) (local $i i32)
    loop $again
      try
        try
          local.get $i call $throw_by local.get $sum i32.add local.set $sum
        catch $a
          drop rethrow 0
        catch $f
          drop drop drop rethrow 0
        catch_all
          local.get $sum i32.const 1000 i32.add local.set $sum
        end
      catch $a
        local.get $sum i32.const 10000 i32.mul i32.add local.set $sum
      catch $f
        drop drop drop local.get $sum i32.const 77 i32.xor local.set $sum
      end
      local.get $i i32.const 1 i32.add local.tee $i
      local.get 0 i32.lt_s br_if $again
    end
    local.get $sum)
  (func (export "rethrow_after_garbage") (param i32) (result i32) (local $i i32)
    try (result i32)
      try (result i32)
        local.get 0 call $throw_by
      catch_all
        loop $again
          try i32.const 2 call $throw_by drop
          catch_all
            try rethrow 1 catch_all end
          end
          local.get $i i32.const 1 i32.add local.tee $i
          i32.const 20000 i32.lt_s br_if $again
        end
        rethrow 0
      end
    catch $a
      i32.const 5 i32.add
    catch $b
      i32.wrap_i64 i32.add
    catch $none
      local.get $i
    end)

  ;; Branches and returns.
  (func (export "br_out_of_try") (param i32) (result i32)
    block $out (result i32)
      try (result i32)
        local.get 0 call $throw_by
        br $out
      catch $a
        i32.const 3 i32.mul
      end
      i32.const 900 i32.add
    end)
  (func (export "br_of_the_try") (param i32) (result i32)
    try $self (result i32)
      i32.const 17
      local.get 0 br_if $self
      drop local.get 0 call $throw_by
      i32.const 2 i32.add
      br $self
    catch_all
      i32.const 18 br $self
    end)
  (func (export "br_out_of_catch") (param i32) (result i32)
    block $out (result i32)
      try (result i32)
        local.get 0 call $throw_by
      catch $a
        br $out
      catch $b
        drop i32.const 1 i32.add
        br 0
      catch_all
        i32.const -6
        br 1
      end
      i32.const 910 i32.add
    end)
  (func (export "br_table_out") (param i32 i32) (result i32)
    block $two (result i32)
      block $one (result i32)
        try $zero (result i32)
          local.get 0 call $throw_by
          local.get 1 br_table $zero $one $two
        catch $a
          local.get 1 br_table $two $zero $one
        catch_all
          i32.const 5 local.get 1 br_table $one $two $zero
        end
        i32.const 10 i32.add
      end
      i32.const 200 i32.add
    end)
  (func (export "return_from_try") (param i32) (result i32)
    try
      local.get 0 call $throw_by
      return
    catch $a
      i32.const 41 i32.add
      return
    catch_all
    end
    i32.const 42)
  (func (export "return_deep") (param i32) (result i32)
    try
      try
        try
          loop
            block
              local.get 0 call $throw_by return
            end
          end
        delegate 0
      catch $none
        try i32.const 3 call $throw_by drop
        catch $b
          drop return
        end
      end
    catch_all
      i32.const 951 return
    end
    i32.const 952)
  (func (export "loop_with_try") (param i32) (result i32) (local $sum i32)
    loop $again
      try $body
        local.get 0 i32.eqz br_if $body
        local.get 0 i32.const 5 i32.rem_s i32.const 1 i32.add call $throw_by drop
      catch $none
        local.get $sum i32.const 1 i32.add local.set $sum
        local.get 0 i32.const 1 i32.sub local.set 0
        br $again
      catch $a
        local.get $sum i32.add local.set $sum
        local.get 0 i32.const 1 i32.sub local.set 0
        br $again
      catch_all
        local.get $sum i32.const 100 i32.add local.set $sum
        local.get 0 i32.const 1 i32.sub local.set 0
        br $again
      end
    end
    local.get $sum)
  (func (export "try_as_loop_body") (param i32) (result i32) (local $n i32)
    try $done (result i32)
      loop $again (result i32)
        local.get $n i32.const 1 i32.add local.tee $n
        local.get 0 i32.gt_s
        if local.get $n throw $a end
        br $again
      end
    catch $a
      local.get 0 i32.mul
    end)
  (func (export "locals_after_throw") (param i32) (result i32)
    (local $x i32) (local $y i64) (local $z f64)
    i32.const 1 local.set $x i64.const 2 local.set $y f64.const 3 local.set $z
    try
      i32.const 10 local.set $x i64.const 20 local.set $y
      local.get 0 call $throw_by drop
      f64.const 30 local.set $z
      i32.const 2 call $throw_by drop
    catch_all
      local.get $x i32.const 100 i32.add local.set $x
    end
    local.get $x local.get $y i32.wrap_i64 i32.add local.get $z i32.trunc_f64_s i32.add)

  ;; Values of blocks.
  (func (export "params") (param i32) (result i32 i32)
    i32.const 1000
    i32.const 20
    i32.const 3
    try (type $ii)
      i32.add
      local.get 0 call $throw_by
    catch $a
      i32.const 7
    catch_all
      i32.const 8 i32.const 9
    end
    i32.add
    i32.add
    local.get 0)
  (func (export "operands_below") (param i32) (result i32)
    i32.const 1
    i32.const 10
    local.get 0 i32.const 2 i32.mul
    try (result i32 i32)
      i32.const 4 i32.const 5 i32.const 6
      local.get 0 call $throw_by
      i32.add i32.add
    catch $a
      i32.const 50
    catch $b
      i32.wrap_i64
    end
    i32.mul i32.add i32.add i32.add)
  (func (export "multi_values") (param i32) (result i32 i64 f64 f32)
    try (result i32 i64 f64 f32)
      local.get 0 call $throw_by i64.const -3 f64.const 0.5 f32.const -0.25
    catch $b
      f64.const 1.25 f32.const 2.5
    catch $a
      i64.const 3 f64.const 4 f32.const 5
    catch $f
      f64.convert_i64_s
      global.get $g drop
      drop
      f32.const 8 drop
      drop drop
      i32.const 1 i64.const 2 f64.const 3 f32.const 4
    end)
  (func (export "float_operands") (param f64 i32) (result f64)
    local.get 0 local.get 0 f64.mul
    local.get 0 f64.const 0.5 f64.add
    try (result f64)
      local.get 1 call $throw_by f64.convert_i32_s
    catch $f
      drop f64.const 2 f64.mul
      f64.abs f64.neg
      global.get $g drop
      f64.const 0.125 f64.add
      local.set 0
      f64.promote_f32 local.get 0 f64.sub
    catch_all
      local.get 0
    end
    f64.add f64.sub)

  ;; Calls of all kinds.
  (func (export "through_inlined") (param i32) (result i32)
    try (result i32)
      local.get 0 call $through_twice
    catch $a
      i32.const 110 i32.add
    catch $b
      drop i32.const 120 i32.add
    catch_all
      i32.const 130
    end)
  (func (export "indirect") (param i32 i32) (result i32)
    try (result i32)
      local.get 0 local.get 1 call_indirect (type $i)
    catch $a
      i32.const 1100 i32.add
    catch $b
      drop i32.const 1200 i32.add
    catch_all
      i32.const 1300
    end)
  (func (export "host") (param i32) (result i32)
    try (result i32)
      local.get 0 call $host
    catch $b
      drop drop i32.const -1
    catch $a
      i32.const 1400 i32.add
    end)
  (func (export "host_rethrow") (param i32) (result i32)
    try (result i32)
      try (result i32)
        local.get 0 call $host
      catch_all
        rethrow 0
      end
    catch $a
      i32.const 1500 i32.add
    end)
  (func (export "host_uncaught") (param i32) (result i32)
    try (result i32)
      local.get 0 call $host
    catch $b
      drop
    end)
  (func (export "host_in_catch") (param i32 i32) (result i32)
    try (result i32)
      local.get 0 call $host
    catch $a
      try (result i32)
        local.get 1 call $host
      catch $a
        i32.const 2 i32.mul
      end
      i32.add
    end)
  (func (export "tail") (param i32) (result i32)
    try (result i32)
      local.get 0 call $tail_throw
    catch $a
      i32.const 1600 i32.add
    catch_all
      i32.const 1601
    end)
  (func (export "tail_by_table") (param i32) (result i32)
    try (result i32)
      local.get 0 call $tail_table
    catch $a
      i32.const 1700 i32.add
    catch_all
      i32.const 1701
    end)
  ;; A tail call leaves the try.
  (func $tail_from_try (param i32) (result i32)
    try (result i32)
      local.get 0 return_call $throw_by
    catch_all
      i32.const -1
    end)
  (func (export "tail_from_try") (param i32) (result i32)
    try (result i32)
      local.get 0 call $tail_from_try
    catch $a
      i32.const 1800 i32.add
    end)
  (func $tail_from_catch (param i32 i32) (result i32)
    try (result i32)
      local.get 0 call $throw_by
    catch_all
      local.get 1 return_call $throw_by
    end)
  (func (export "tail_from_catch") (param i32 i32) (result i32)
    try (result i32)
      local.get 0 local.get 1 call $tail_from_catch
    catch $a
      i32.const 1900 i32.add
    end)
  ;; Tail calls with more parameters than their caller has, so that its frame grows.
  (func $many (param i32 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 f64 f64 f64 f64 f64 f64 f64 f64 f64 f64) (result i32)
    local.get 0 i32.eqz
    if local.get 12 i32.wrap_i64 throw $a end
    local.get 0 i32.const 1 i32.sub return_call $few)
  (func $few (param i32) (result i32)
    local.get 0 i64.const 1 i64.const 2 i64.const 3 i64.const 4 i64.const 5 i64.const 6
    i64.const 7 i64.const 8 i64.const 9 i64.const 10 i64.const 11 i64.const 12
    f64.const 1 f64.const 2 f64.const 3 f64.const 4 f64.const 5 f64.const 6 f64.const 7 f64.const 8 f64.const 9 f64.const 10
    return_call $many)
  (func (export "tail_many") (param i32) (result i32) (local i64)
    i64.const 99 local.set 1
    try (result i32)
      local.get 0 call $few
    catch $a
      local.get 1 i32.wrap_i64 i32.add
    end)
  ;; Arguments and results on the stack.
  (func $wide (param i32 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64) (result i32 i64 i64 i64 i64 i64 i64 i64 i64 i64)
    local.get 0 call $throw_by
    local.get 1 local.get 2 local.get 3 local.get 4 local.get 5 local.get 6 local.get 7 local.get 11 local.get 12)
  (func (export "wide") (param i32) (result i64 i32 i64)
    i64.const 3
    try (result i32 i64)
      local.get 0 i64.const 1 i64.const 2 i64.const 3 i64.const 4 i64.const 5 i64.const 6 i64.const 7
      i64.const 8 i64.const 9 i64.const 10 i64.const 11 i64.const 12
      call $wide
      i64.add i64.add i64.add i64.add i64.add i64.add i64.add i64.add
    catch $b
    catch_all
      i32.const 5 i64.const 6
    end
    local.get 0 i64.extend_i32_s i64.sub)

  ;; Recursion.
  (func $deep (param i32) (result i32)
    local.get 0 i32.eqz
    if (result i32)
      i32.const 2 call $throw_by
    else
      local.get 0 i32.const 1 i32.sub call $deep
      i32.const 1 i32.add
    end)
  (func (export "deep") (param i32) (result i32)
    try (result i32)
      local.get 0 call $deep
    catch $a
      i32.const 2100 i32.add
    end)
  ;; Each level catches, adds, and throws anew.
  (func $deep_handlers (param i32) (result i32)
    try (result i32)
      local.get 0 i32.eqz
      if (result i32)
        i32.const 2 call $throw_by
      else
        local.get 0 i32.const 1 i32.sub call $deep_handlers
      end
    catch $a
      i32.const 1 i32.add throw $a
    end)
  (func (export "deep_handlers") (param i32) (result i32)
    try (result i32)
      local.get 0 call $deep_handlers
    catch $a
    end)
  (func $deep_rethrow (param i32) (result i32)
    try (result i32)
      local.get 0 i32.eqz
      if (result i32)
        i32.const 3 call $throw_by
      else
        local.get 0 i32.const 1 i32.sub call $deep_rethrow
      end
    catch_all
      global.get $g i32.const 1 i32.add global.set $g
      rethrow 0
    end)
  (func (export "deep_rethrow") (param i32) (result i32 i64 i32)
    i32.const 0 global.set $g
    try (result i32 i64)
      local.get 0 call $deep_rethrow i64.const 0
    catch $b
    end
    global.get $g)

  ;; Traps are not caught.
  (func (export "trap_in_try") (param i32) (result i32)
    try (result i32)
      i32.const 10 local.get 0 i32.div_s
      i32.const 70000 local.get 0 i32.mul i32.load
      i32.add
    catch_all
      i32.const -1
    end)
  (func (export "trap_in_catch") (param i32) (result i32)
    try (result i32)
      try (result i32)
        local.get 0 call $throw_by
      catch_all
        unreachable
      end
    catch_all
      i32.const -1
    end)
  (func (export "indirect_trap_in_try") (param i32) (result i32)
    try (result i32)
      i32.const 0 local.get 0 call_indirect (type $i)
    catch_all
      i32.const -1
    end)
  (func $endless (param i32) (result i32)
    try (result i32)
      local.get 0 i32.const 1 i32.add call $endless i32.const 1 i32.add
    catch_all
      i32.const -1
    end)
  (func (export "overflow_in_try") (result i32)
    try (result i32)
      i32.const 0 call $endless
    catch_all
      i32.const -2
    end)

  ;; Code that nothing reaches.
  (func (export "unreachable_try") (param i32) (result i32)
    block (result i32)
      local.get 0
      br 0
      try (result i32)
        local.get 0 call $throw_by
      catch $a
        rethrow 0
      catch_all
        try i32.const 1 call $throw_by drop delegate 1
        rethrow 0
      end
    end)
  (func (export "unreachable_catch") (param i32) (result i32)
    try (result i32)
      local.get 0
    catch $a
      drop rethrow 0
    catch_all
      try (result i32)
        local.get 0 call $throw_by
      catch $a
        rethrow 1
      end
    end)
  (func (export "unreachable_after_throw") (param i32) (result i32)
    try (result i32)
      local.get 0 throw $a
      try (result i32)
        i32.const 1
      catch_all
        rethrow 0
      end
      drop
    catch $a
      i32.const 2200 i32.add
      br 0
      throw $none
    end)
  (func (export "dead_try_then_live") (param i32) (result i32)
    block
      br 0
      try
        try call $unused catch $a drop rethrow 0 catch_all rethrow 0 rethrow 0 end
      catch_all
        try rethrow 1 delegate 0
      end
    end
    try (result i32)
      local.get 0 call $throw_by
    catch $a
      i32.const 2300 i32.add
    catch_all
      try (result i32) rethrow 1 catch $none i32.const 2301 end
    end)
  (func $unused)
  ;; The same tag in several clauses: the first counts.
  (func (export "tag_twice") (param i32) (result i32)
    try (result i32)
      local.get 0 call $throw_by
    catch $a
      i32.const 2400 i32.add
    catch $a
      i32.const 2500 i32.add
    catch_all
      i32.const 2600
    end)
  ;; A clause of its own catches nothing that comes from another clause.
  (func (export "clauses_do_not_catch_each_other") (param i32) (result i32)
    try (result i32)
      local.get 0 call $throw_by
    catch $b
      i32.wrap_i64 i32.add throw $a
    catch $a
      i32.const 2700 i32.add
    catch_all
      throw $none
    end)
)
