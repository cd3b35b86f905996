;; A start function would run before anything is metered.
(module
  (import "env" "memory" (memory 1 1))
  (func $begin (loop $again (br $again)))
  (start $begin)
  (func (export "deploy"))
  (func (export "call")))
