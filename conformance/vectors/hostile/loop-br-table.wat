;; Every back edge is a target of br_table: each way round must pass a charge.
(module
  (import "env" "memory" (memory 1 1))
  (func (export "deploy"))
  (func (export "call") (local $i i32)
    (loop $again
      (local.set $i (i32.add (local.get $i) (i32.const 1)))
      (br_table $again $again $again (i32.and (local.get $i) (i32.const 3))))))
