;; Creates contracts from its own code with salt after salt, until something ends it.
(module
  (import "env" "memory" (memory 1 1))
  (import "seal0" "own_code_hash" (func $own_code_hash (param i32 i32)))
  (import "seal1" "instantiate"
    (func $instantiate (param i32 i64 i32 i32 i32 i32 i32 i32 i32 i32 i32) (result i32)))
  (func (export "deploy"))
  (func (export "call")
    (i32.store (i32.const 0) (i32.const 32))
    (call $own_code_hash (i32.const 16) (i32.const 0))
    (loop $again
      (i32.store (i32.const 80) (i32.add (i32.load (i32.const 80)) (i32.const 1)))
      (drop (call $instantiate (i32.const 16) (i64.const 0) (i32.const 64) (i32.const 0) (i32.const 0)
        (i32.const 0xffffffff) (i32.const 0) (i32.const 0xffffffff) (i32.const 0) (i32.const 80) (i32.const 4)))
      (br $again))))
