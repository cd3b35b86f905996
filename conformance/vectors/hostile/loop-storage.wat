;; Writes and clears one key for ever: neither refunds nor repeated work may make this free.
(module
  (import "env" "memory" (memory 1 1))
  (import "seal2" "set_storage" (func $set (param i32 i32 i32 i32) (result i32)))
  (import "seal1" "clear_storage" (func $clear (param i32 i32) (result i32)))
  (func (export "deploy"))
  (func (export "call")
    (loop $again
      (drop (call $set (i32.const 0) (i32.const 4) (i32.const 16) (i32.const 1024)))
      (drop (call $clear (i32.const 0) (i32.const 4)))
      (br $again))))
