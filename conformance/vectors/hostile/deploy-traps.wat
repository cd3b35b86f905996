;; The constructor traps: no contract comes to be.
(module
  (import "env" "memory" (memory 1 1))
  (func (export "deploy") unreachable)
  (func (export "call")))
