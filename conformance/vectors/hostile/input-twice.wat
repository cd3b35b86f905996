;; Reads its input twice, forwards it to the zero account, which has no code, and reads it again: forwarding has consumed it.
(module
  (import "env" "memory" (memory 1 1))
  (import "seal0" "input" (func $input (param i32 i32)))
  (import "seal1" "call" (func $call_contract (param i32 i32 i64 i32 i32 i32 i32 i32) (result i32)))
  ;; 0: length cell; 16: input; 128: zero account; 160: amount 0
  (func (export "deploy"))
  (func (export "call")
    (i32.store (i32.const 0) (i32.const 64))
    (call $input (i32.const 16) (i32.const 0))
    (i32.store (i32.const 0) (i32.const 64))
    (call $input (i32.const 16) (i32.const 0))
    (drop (call $call_contract (i32.const 1) (i32.const 128) (i64.const 0) (i32.const 160) (i32.const 0) (i32.const 0)
      (i32.const -1) (i32.const 0)))
    (i32.store (i32.const 0) (i32.const 64))
    (call $input (i32.const 16) (i32.const 0))))
