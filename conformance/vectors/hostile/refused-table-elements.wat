;; A table of 2^32 - 1 elements.
(module
  (import "env" "memory" (memory 1 1))
  (table 4294967295 funcref)
  (func (export "deploy"))
  (func (export "call")))
