;; Grows its memory by the number of pages in its input; the output is what memory.grow and then memory.size answer.
(module
  (import "seal0" "input" (func $input (param i32 i32)))
  (import "seal0" "seal_return" (func $return (param i32 i32 i32)))
  (memory (export "memory") 1)
  (func (export "deploy"))
  (func (export "call")
    (i32.store (i32.const 0) (i32.const 4))
    (call $input (i32.const 4) (i32.const 0))
    (i32.store (i32.const 8) (memory.grow (i32.load (i32.const 4))))
    (i32.store (i32.const 12) (memory.size))
    (call $return (i32.const 0) (i32.const 8) (i32.const 8))))
