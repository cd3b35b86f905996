;; The inner loop never branches to itself, only to the outer one: a meter that charges a loop at its own back edge
;; alone would run this for nothing.
(module
  (import "env" "memory" (memory 1 1))
  (func (export "deploy"))
  (func (export "call")
    (loop $outer
      (loop $inner
        (br $outer)))))
