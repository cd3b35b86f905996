;; Calls itself as a contract, with leave to be re-entered, until the depth of contract calls ends. The innermost call is
;; refused by trap; each outer frame sees a trapped callee (code 1) and goes on, so the whole returns. Output: the
;; storage counter, one per frame that was kept.
(module
  (import "env" "memory" (memory 1 1))
  (import "seal0" "address" (func $address (param i32 i32)))
  (import "seal1" "call" (func $call_contract (param i32 i32 i64 i32 i32 i32 i32 i32) (result i32)))
  (import "seal1" "get_storage" (func $get (param i32 i32 i32 i32) (result i32)))
  (import "seal2" "set_storage" (func $set (param i32 i32 i32 i32) (result i32)))
  (import "seal0" "seal_return" (func $return (param i32 i32 i32)))
  ;; 0: length cell; 16: own address; 64: value 0; 80: key; 96: counter
  (func (export "deploy"))
  (func (export "call")
    (i32.store (i32.const 0) (i32.const 4))
    (drop (call $get (i32.const 80) (i32.const 4) (i32.const 96) (i32.const 0)))
    (i32.store (i32.const 96) (i32.add (i32.load (i32.const 96)) (i32.const 1)))
    (drop (call $set (i32.const 80) (i32.const 4) (i32.const 96) (i32.const 4)))
    (i32.store (i32.const 0) (i32.const 32))
    (call $address (i32.const 16) (i32.const 0))
    (drop (call $call_contract (i32.const 8) (i32.const 16) (i64.const 0) (i32.const 64)
      (i32.const 0) (i32.const 0) (i32.const 0xffffffff) (i32.const 0)))
    (i32.store (i32.const 0) (i32.const 4))
    (drop (call $get (i32.const 80) (i32.const 4) (i32.const 96) (i32.const 0)))
    (call $return (i32.const 0) (i32.const 96) (i32.const 4))))
