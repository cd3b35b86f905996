;; Fills and copies its whole memory for ever: bulk operations cost gas by the byte, before the work.
(module
  (import "env" "memory" (memory 16 16))
  (func (export "deploy"))
  (func (export "call")
    (loop $again
      (memory.fill (i32.const 0) (i32.const 170) (i32.const 1048576))
      (memory.copy (i32.const 1) (i32.const 0) (i32.const 1048575))
      (memory.copy (i32.const 0) (i32.const 1) (i32.const 1048575))
      (br $again))))
