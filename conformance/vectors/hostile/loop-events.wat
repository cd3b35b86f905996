;; Deposits events of 1 KiB until something ends it: gas, or the events a transaction may have.
(module
  (import "env" "memory" (memory 1 1))
  (import "seal0" "deposit_event" (func $event (param i32 i32 i32 i32)))
  (func (export "deploy"))
  (func (export "call")
    (loop $again (call $event (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 1024)) (br $again))))
