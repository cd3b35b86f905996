;; An imported table.
(module
  (import "env" "memory" (memory 1 1))
  (import "env" "table" (table 1 1 funcref))
  (func (export "deploy"))
  (func (export "call")))
