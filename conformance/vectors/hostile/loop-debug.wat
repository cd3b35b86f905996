;; Sends debug messages until something ends it: they are dropped, but not for nothing.
(module
  (import "env" "memory" (memory 1 1))
  (import "seal0" "debug_message" (func $debug (param i32 i32) (result i32)))
  (func (export "deploy"))
  (func (export "call")
    (loop $again (drop (call $debug (i32.const 0) (i32.const 1024))) (br $again))))
