;; An active element segment that reaches past the table.
(module
  (import "env" "memory" (memory 1 1))
  (table 1 1 funcref)
  (elem (i32.const 1) $nothing)
  (func $nothing)
  (func (export "deploy"))
  (func (export "call")))
