;; An imported global.
(module
  (import "env" "memory" (memory 1 1))
  (import "env" "gas" (global i64))
  (func (export "deploy"))
  (func (export "call")))
