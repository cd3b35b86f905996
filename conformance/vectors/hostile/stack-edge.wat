;; Goes as deep into its own functions as its input says (4 bytes), then returns. A frame of $down takes 19 units of the stack
;; budget: 8, one parameter, 8 locals, at most 2 operands. The innermost does not call, so it takes none.
(module
  (import "seal0" "input" (func $input (param i32 i32)))
  (memory 1)
  (func (export "deploy"))
  (func $down (param $left i32) (local i64 i64 i64 i64 i64 i64 i64 i64)
    (if (local.get $left) (then (call $down (i32.sub (local.get $left) (i32.const 1))))))
  (func (export "call")
    (i32.store (i32.const 0) (i32.const 4))
    (call $input (i32.const 4) (i32.const 0))
    (call $down (i32.load (i32.const 4)))))
