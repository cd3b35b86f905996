;; Hands a pointer and a length to the host function that its input names: which (1 byte), pointer (4), length (4).
;; The memory has one page, so 65536 is its end. What does not trap returns the host function's result, or 0.
(module
  (import "env" "memory" (memory 1 1))
  (import "seal0" "input" (func $input (param i32 i32)))
  (import "seal0" "seal_return" (func $return (param i32 i32 i32)))
  (import "seal2" "set_storage" (func $set (param i32 i32 i32 i32) (result i32)))
  (import "seal0" "set_storage" (func $set_fixed (param i32 i32 i32)))
  (import "seal1" "get_storage" (func $get (param i32 i32 i32 i32) (result i32)))
  (import "seal1" "clear_storage" (func $clear (param i32 i32) (result i32)))
  (import "seal1" "contains_storage" (func $contains (param i32 i32) (result i32)))
  (import "seal0" "deposit_event" (func $event (param i32 i32 i32 i32)))
  (import "seal0" "hash_sha2_256" (func $sha (param i32 i32 i32)))
  (import "seal0" "debug_message" (func $debug (param i32 i32) (result i32)))
  (import "seal0" "caller" (func $caller (param i32 i32)))
  (import "seal1" "call" (func $call_contract (param i32 i32 i64 i32 i32 i32 i32 i32) (result i32)))
  (import "seal0" "transfer" (func $transfer (param i32 i32 i32 i32) (result i32)))
  (import "seal0" "ecdsa_recover" (func $recover (param i32 i32 i32) (result i32)))
  (import "seal0" "is_contract" (func $is_contract (param i32) (result i32)))
  ;; 0: length cell; 4: input; 16: answer; 32: key "k"; 64: zeros; 128: where results go
  (data (i32.const 32) "k")
  (func (export "deploy"))
  (func (export "call") (local $which i32) (local $pointer i32) (local $length i32) (local $result i32)
    (i32.store (i32.const 0) (i32.const 9))
    (call $input (i32.const 4) (i32.const 0))
    (local.set $which (i32.load8_u (i32.const 4)))
    (local.set $pointer (i32.load (i32.const 5)))
    (local.set $length (i32.load (i32.const 9)))
    ;; A stored item of four bytes for the functions that read one, and room for results.
    (drop (call $set (i32.const 32) (i32.const 1) (i32.const 64) (i32.const 4)))
    (i32.store (i32.const 0) (i32.const 64))
    (block $done
      (if (i32.eq (local.get $which) (i32.const 0)) (then ;; set_storage: value
        (local.set $result (call $set (i32.const 32) (i32.const 1) (local.get $pointer) (local.get $length)))
        (br $done)))
      (if (i32.eq (local.get $which) (i32.const 1)) (then ;; set_storage: key
        (local.set $result (call $set (local.get $pointer) (local.get $length) (i32.const 64) (i32.const 4)))
        (br $done)))
      (if (i32.eq (local.get $which) (i32.const 2)) (then ;; set_storage of version 0: key of 32 bytes
        (call $set_fixed (local.get $pointer) (i32.const 64) (i32.const 4))
        (br $done)))
      (if (i32.eq (local.get $which) (i32.const 3)) (then ;; get_storage: key
        (local.set $result (call $get (local.get $pointer) (local.get $length) (i32.const 128) (i32.const 0)))
        (br $done)))
      (if (i32.eq (local.get $which) (i32.const 4)) (then ;; get_storage: output, which has room for `length` bytes
        (i32.store (i32.const 0) (local.get $length))
        (local.set $result (call $get (i32.const 32) (i32.const 1) (local.get $pointer) (i32.const 0)))
        (br $done)))
      (if (i32.eq (local.get $which) (i32.const 5)) (then ;; get_storage: cell of the output's length
        (local.set $result (call $get (i32.const 32) (i32.const 1) (i32.const 128) (local.get $pointer)))
        (br $done)))
      (if (i32.eq (local.get $which) (i32.const 6)) (then ;; clear_storage: key
        (local.set $result (call $clear (local.get $pointer) (local.get $length)))
        (br $done)))
      (if (i32.eq (local.get $which) (i32.const 7)) (then ;; contains_storage: key
        (local.set $result (call $contains (local.get $pointer) (local.get $length)))
        (br $done)))
      (if (i32.eq (local.get $which) (i32.const 8)) (then ;; deposit_event: topics
        (call $event (local.get $pointer) (local.get $length) (i32.const 64) (i32.const 4))
        (br $done)))
      (if (i32.eq (local.get $which) (i32.const 9)) (then ;; deposit_event: data
        (call $event (i32.const 0) (i32.const 0) (local.get $pointer) (local.get $length))
        (br $done)))
      (if (i32.eq (local.get $which) (i32.const 10)) (then ;; seal_return: data
        (call $return (i32.const 0) (local.get $pointer) (local.get $length))))
      (if (i32.eq (local.get $which) (i32.const 11)) (then ;; hash_sha2_256: data
        (call $sha (local.get $pointer) (local.get $length) (i32.const 128))
        (br $done)))
      (if (i32.eq (local.get $which) (i32.const 12)) (then ;; hash_sha2_256: output of 32 bytes
        (call $sha (i32.const 64) (i32.const 4) (local.get $pointer))
        (br $done)))
      (if (i32.eq (local.get $which) (i32.const 13)) (then ;; debug_message: text
        (local.set $result (call $debug (local.get $pointer) (local.get $length)))
        (br $done)))
      (if (i32.eq (local.get $which) (i32.const 14)) (then ;; caller: output, which has room for `length` bytes
        (i32.store (i32.const 0) (local.get $length))
        (call $caller (local.get $pointer) (i32.const 0))
        (br $done)))
      (if (i32.eq (local.get $which) (i32.const 15)) (then ;; caller: cell of the output's length
        (call $caller (i32.const 128) (local.get $pointer))
        (br $done)))
      (if (i32.eq (local.get $which) (i32.const 16)) (then ;; call: input
        (local.set $result (call $call_contract (i32.const 0) (i32.const 64) (i64.const 0) (i32.const 64)
          (local.get $pointer) (local.get $length) (i32.const 0xffffffff) (i32.const 0)))
        (br $done)))
      (if (i32.eq (local.get $which) (i32.const 17)) (then ;; call: address of 32 bytes
        (local.set $result (call $call_contract (i32.const 0) (local.get $pointer) (i64.const 0) (i32.const 64)
          (i32.const 64) (i32.const 4) (i32.const 0xffffffff) (i32.const 0)))
        (br $done)))
      (if (i32.eq (local.get $which) (i32.const 18)) (then ;; call: value of 16 bytes
        (local.set $result (call $call_contract (i32.const 0) (i32.const 64) (i64.const 0) (local.get $pointer)
          (i32.const 64) (i32.const 4) (i32.const 0xffffffff) (i32.const 0)))
        (br $done)))
      (if (i32.eq (local.get $which) (i32.const 19)) (then ;; transfer: address and its length
        (local.set $result (call $transfer (local.get $pointer) (local.get $length) (i32.const 64) (i32.const 16)))
        (br $done)))
      (if (i32.eq (local.get $which) (i32.const 20)) (then ;; ecdsa_recover: signature of 65 bytes
        (local.set $result (call $recover (local.get $pointer) (i32.const 64) (i32.const 128)))
        (br $done)))
      (if (i32.eq (local.get $which) (i32.const 21)) (then ;; is_contract: address of 32 bytes
        (local.set $result (call $is_contract (local.get $pointer)))
        (br $done)))
      (if (i32.eq (local.get $which) (i32.const 22)) (then ;; hash_sha2_256 onto its own data, which is returned
        (call $sha (local.get $pointer) (local.get $length) (local.get $pointer))
        (call $return (i32.const 0) (local.get $pointer) (i32.const 32)))))
    (i32.store (i32.const 16) (local.get $result))
    (call $return (i32.const 0) (i32.const 16) (i32.const 4))))
