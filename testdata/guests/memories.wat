;; Several memories, under several names.
(module $memories
  (memory $a (export "a") (export "first") 1)
  (memory $b (export "b") 2 3)
  (func (export "copy") (param $from i32) (param $to i32) (param $n i32)
    (memory.copy $b $a (local.get $to) (local.get $from) (local.get $n))))
