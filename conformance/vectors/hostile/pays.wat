;; Input of 48 bytes: transfers the amount (16) to the address (32). Output: what transfer answers (4), then the chain's minimum
;; balance (16). Input of 32 bytes: ends itself in favour of the address.
(module
  (import "seal0" "input" (func $input (param i32 i32)))
  (import "seal0" "transfer" (func $transfer (param i32 i32 i32 i32) (result i32)))
  (import "seal0" "minimum_balance" (func $minimum (param i32 i32)))
  (import "seal1" "terminate" (func $terminate (param i32)))
  (import "seal0" "seal_return" (func $return (param i32 i32 i32)))
  (memory 1)
  ;; 0: length cell; 8: address, then amount; 64: output
  (func (export "deploy"))
  (func (export "call")
    (i32.store (i32.const 0) (i32.const 48))
    (call $input (i32.const 8) (i32.const 0))
    (if (i32.eq (i32.load (i32.const 0)) (i32.const 32)) (then (call $terminate (i32.const 8))))
    (i32.store (i32.const 64) (call $transfer (i32.const 8) (i32.const 32) (i32.const 40) (i32.const 16)))
    (i32.store (i32.const 0) (i32.const 16))
    (call $minimum (i32.const 68) (i32.const 0))
    (call $return (i32.const 0) (i32.const 64) (i32.const 20))))
