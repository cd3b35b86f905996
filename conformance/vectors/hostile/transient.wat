;; Does what its input says, operation by operation, in its transient storage, and returns one byte for each: 1 key value:
;; set (length before, or FF); 2 key: get (the value, or EE); 3 key: contains (length, or FF); 4 key: take (the value, or EE);
;; 5 key: clear (length, or FF); 6: revert at once; 7 length: call itself with so many bytes of what follows (the return code).
(module
  (import "env" "memory" (memory 1 1))
  (import "seal0" "input" (func $input (param i32 i32)))
  (import "seal0" "seal_return" (func $return (param i32 i32 i32)))
  (import "seal0" "address" (func $address (param i32 i32)))
  (import "seal1" "call" (func $call_contract (param i32 i32 i64 i32 i32 i32 i32 i32) (result i32)))
  (import "seal0" "set_transient_storage" (func $set (param i32 i32 i32 i32) (result i32)))
  (import "seal0" "get_transient_storage" (func $get (param i32 i32 i32 i32) (result i32)))
  (import "seal0" "contains_transient_storage" (func $contains (param i32 i32) (result i32)))
  (import "seal0" "take_transient_storage" (func $take (param i32 i32 i32 i32) (result i32)))
  (import "seal0" "clear_transient_storage" (func $clear (param i32 i32) (result i32)))
  ;; 0: length cell; 8: a value; 32: own address; 64: amount 0; 256: input; 1024: output
  (func (export "deploy"))
  ;; A value of one byte that was asked for, or EE.
  (func $value (param $code i32) (result i32)
    (if (result i32) (local.get $code) (then (i32.const 0xee)) (else (i32.load8_u (i32.const 8)))))
  (func (export "call") (local $at i32) (local $end i32) (local $out i32) (local $op i32) (local $answer i32)
    (i32.store (i32.const 0) (i32.const 512))
    (call $input (i32.const 256) (i32.const 0))
    (local.set $at (i32.const 256))
    (local.set $end (i32.add (i32.const 256) (i32.load (i32.const 0))))
    (local.set $out (i32.const 1024))
    (block $done (loop $next
      (br_if $done (i32.ge_u (local.get $at) (local.get $end)))
      (local.set $op (i32.load8_u (local.get $at)))
      (if (i32.eq (local.get $op) (i32.const 6))
        (then (call $return (i32.const 1) (i32.const 1024) (i32.sub (local.get $out) (i32.const 1024)))))
      ;; What follows the operation's byte: a key, or a length.
      (local.set $at (i32.add (local.get $at) (i32.const 1)))
      (i32.store (i32.const 0) (i32.const 1))
      (if (i32.eq (local.get $op) (i32.const 1)) (then
        (local.set $answer (call $set (local.get $at) (i32.const 1) (i32.add (local.get $at) (i32.const 1)) (i32.const 1)))
        (local.set $at (i32.add (local.get $at) (i32.const 1)))))
      (if (i32.eq (local.get $op) (i32.const 2)) (then
        (local.set $answer (call $value (call $get (local.get $at) (i32.const 1) (i32.const 8) (i32.const 0))))))
      (if (i32.eq (local.get $op) (i32.const 3)) (then
        (local.set $answer (call $contains (local.get $at) (i32.const 1)))))
      (if (i32.eq (local.get $op) (i32.const 4)) (then
        (local.set $answer (call $value (call $take (local.get $at) (i32.const 1) (i32.const 8) (i32.const 0))))))
      (if (i32.eq (local.get $op) (i32.const 5)) (then
        (local.set $answer (call $clear (local.get $at) (i32.const 1)))))
      (if (i32.eq (local.get $op) (i32.const 7)) (then
        (i32.store (i32.const 0) (i32.const 32))
        (call $address (i32.const 32) (i32.const 0))
        (local.set $answer (call $call_contract (i32.const 8) (i32.const 32) (i64.const 0) (i32.const 64)
          (i32.add (local.get $at) (i32.const 1)) (i32.load8_u (local.get $at)) (i32.const -1) (i32.const 0)))
        (local.set $at (i32.add (local.get $at) (i32.load8_u (local.get $at))))))
      (i32.store8 (local.get $out) (local.get $answer))
      (local.set $out (i32.add (local.get $out) (i32.const 1)))
      (local.set $at (i32.add (local.get $at) (i32.const 1)))
      (br $next)))
    (call $return (i32.const 0) (i32.const 1024) (i32.sub (local.get $out) (i32.const 1024)))))
