;; Asks the host for the cheapest things for ever: every call across the boundary costs gas.
(module
  (import "env" "memory" (memory 1 1))
  (import "seal0" "caller_is_origin" (func $caller_is_origin (result i32)))
  (func (export "deploy"))
  (func (export "call") (loop $again (drop (call $caller_is_origin)) (br $again))))
