;; A tail call.
(module
  (import "env" "memory" (memory 1 1))
  (func $other)
  (func (export "deploy"))
  (func (export "call") (return_call $other)))
