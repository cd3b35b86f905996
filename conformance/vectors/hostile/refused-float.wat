;; A float, in code that nothing reaches.
(module
  (import "env" "memory" (memory 1 1))
  (func (export "deploy"))
  (func (export "call") (if (i32.const 0) (then (drop (f64.sqrt (f64.const -1)))))))
