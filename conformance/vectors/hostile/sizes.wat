;; Hands the host as many bytes as its input says. Input: what (1 byte), a length (4), another length (4).
;; 0: storage key and value lengths; 1: number of topics and event length; 2: output length; 3: debug message length;
;; 4: transient key and value lengths; 5: salt length of an instantiation of its own code.
(module
  (import "env" "memory" (memory 16 16))
  (import "seal0" "input" (func $input (param i32 i32)))
  (import "seal0" "seal_return" (func $return (param i32 i32 i32)))
  (import "seal2" "set_storage" (func $set (param i32 i32 i32 i32) (result i32)))
  (import "seal0" "set_transient_storage" (func $set_transient (param i32 i32 i32 i32) (result i32)))
  (import "seal0" "deposit_event" (func $event (param i32 i32 i32 i32)))
  (import "seal0" "debug_message" (func $debug (param i32 i32) (result i32)))
  (import "seal0" "own_code_hash" (func $own_code_hash (param i32 i32)))
  (import "seal1" "instantiate"
    (func $instantiate (param i32 i64 i32 i32 i32 i32 i32 i32 i32 i32 i32) (result i32)))
  ;; 0: length cell; 4: input; 16: answer; 1024: bytes to hand over; topics are made unlike each other
  (func (export "deploy"))
  (func (export "call") (local $what i32) (local $first i32) (local $second i32) (local $i i32)
    (i32.store (i32.const 0) (i32.const 9))
    (call $input (i32.const 4) (i32.const 0))
    (local.set $what (i32.load8_u (i32.const 4)))
    (local.set $first (i32.load (i32.const 5)))
    (local.set $second (i32.load (i32.const 9)))
    (if (i32.eq (local.get $what) (i32.const 0))
      (then (i32.store (i32.const 16)
        (call $set (i32.const 1024) (local.get $first) (i32.const 1024) (local.get $second)))))
    (if (i32.eq (local.get $what) (i32.const 1))
      (then
        ;; A compact count in one byte, so at most 63 topics, then that many hashes numbered from 1.
        (i32.store8 (i32.const 1024) (i32.shl (local.get $first) (i32.const 2)))
        (loop $number
          (if (i32.lt_u (local.get $i) (local.get $first))
            (then
              (i32.store8 (i32.add (i32.const 1025) (i32.shl (local.get $i) (i32.const 5)))
                (i32.add (local.get $i) (i32.const 1)))
              (local.set $i (i32.add (local.get $i) (i32.const 1)))
              (br $number))))
        (call $event (i32.const 1024) (i32.add (i32.shl (local.get $first) (i32.const 5)) (i32.const 1))
          (i32.const 4096) (local.get $second))))
    (if (i32.eq (local.get $what) (i32.const 2))
      (then (call $return (i32.const 0) (i32.const 1024) (local.get $first))))
    (if (i32.eq (local.get $what) (i32.const 3))
      (then (i32.store (i32.const 16) (call $debug (i32.const 1024) (local.get $first)))))
    (if (i32.eq (local.get $what) (i32.const 4))
      (then (i32.store (i32.const 16)
        (call $set_transient (i32.const 1024) (local.get $first) (i32.const 1024) (local.get $second)))))
    (if (i32.eq (local.get $what) (i32.const 5))
      (then
        (i32.store (i32.const 0) (i32.const 32))
        (call $own_code_hash (i32.const 64) (i32.const 0))
        (i32.store (i32.const 16) (call $instantiate (i32.const 64) (i64.const 0) (i32.const 128) (i32.const 0)
          (i32.const 0) (i32.const 0xffffffff) (i32.const 0) (i32.const 0xffffffff) (i32.const 0)
          (i32.const 1024) (local.get $first)))))
    (call $return (i32.const 0) (i32.const 16) (i32.const 4))))
