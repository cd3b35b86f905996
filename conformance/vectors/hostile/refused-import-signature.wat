;; A known import with another signature.
(module
  (import "env" "memory" (memory 1 1))
  (import "seal0" "input" (func (param i64)))
  (func (export "deploy"))
  (func (export "call")))
