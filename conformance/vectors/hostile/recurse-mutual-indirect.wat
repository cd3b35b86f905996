;; Two functions call each other through the table for ever.
(module
  (import "env" "memory" (memory 1 1))
  (type $plain (func))
  (table 2 2 funcref)
  (elem (i32.const 0) $ping $pong)
  (func (export "deploy"))
  (func $ping (call_indirect (type $plain) (i32.const 1)))
  (func $pong (call_indirect (type $plain) (i32.const 0)))
  (func (export "call") (call $ping)))
