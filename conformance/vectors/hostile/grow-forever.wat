;; Grows its memory by a page for ever. After the maximum the answer is -1 by rule; the gas ends the loop.
(module
  (import "env" "memory" (memory 1 16))
  (func (export "deploy"))
  (func (export "call") (loop $again (drop (memory.grow (i32.const 1))) (br $again))))
