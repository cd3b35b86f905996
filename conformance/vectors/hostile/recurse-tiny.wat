;; Recurses for ever with the smallest frame there is: ends at the stack budget, not at an executor's own limit.
(module
  (import "env" "memory" (memory 1 1))
  (func (export "deploy"))
  (func $down (call $down))
  (func (export "call") (call $down)))
