;; An import that no profile knows.
(module
  (import "env" "memory" (memory 1 1))
  (import "seal0" "open_file" (func (param i32 i32) (result i32)))
  (func (export "deploy"))
  (func (export "call")))
