;; The entry point `call` takes a parameter.
(module
  (import "env" "memory" (memory 1 1))
  (func (export "deploy"))
  (func (export "call") (param i32)))
