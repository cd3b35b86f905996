;; The constructor writes, then reverts with its input as output: no contract comes to be.
(module
  (import "env" "memory" (memory 1 1))
  (import "seal0" "input" (func $input (param i32 i32)))
  (import "seal0" "seal_return" (func $return (param i32 i32 i32)))
  (import "seal2" "set_storage" (func $set (param i32 i32 i32 i32) (result i32)))
  (func (export "deploy")
    (i32.store (i32.const 0) (i32.const 1024))
    (call $input (i32.const 16) (i32.const 0))
    (drop (call $set (i32.const 0) (i32.const 4) (i32.const 16) (i32.const 4)))
    (call $return (i32.const 1) (i32.const 16) (i32.load (i32.const 0))))
  (func (export "call")))
