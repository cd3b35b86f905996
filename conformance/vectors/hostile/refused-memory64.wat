;; A memory with 64-bit addresses.
(module
  (memory i64 1)
  (func (export "deploy"))
  (func (export "call")))
