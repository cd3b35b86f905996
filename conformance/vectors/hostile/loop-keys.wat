;; Writes one distinct key after the other until something ends it: gas, or the bytes a transaction may change.
(module
  (import "env" "memory" (memory 1 1))
  (import "seal2" "set_storage" (func $set (param i32 i32 i32 i32) (result i32)))
  (func (export "deploy"))
  (func (export "call")
    (loop $again
      (i32.store (i32.const 0) (i32.add (i32.load (i32.const 0)) (i32.const 1)))
      (drop (call $set (i32.const 0) (i32.const 4) (i32.const 16) (i32.const 16384)))
      (br $again))))
