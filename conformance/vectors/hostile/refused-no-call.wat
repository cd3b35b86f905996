;; The entry point `call` is missing.
(module
  (import "env" "memory" (memory 1 1))
  (func (export "deploy")))
