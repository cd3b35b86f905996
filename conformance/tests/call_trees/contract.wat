;; Interprets its input as a script, so that random call trees are random inputs (script.rs writes them, model.rs does the
;; same in Rust). What it learns goes to its output in order. Deploying and calling do the same.
;;
;;   0      room behind an output pointer      32     the address created last
;;   64     room behind the address            72     gas before and after a call, 16 bytes
;;   96     room behind a number               1024   the script, at most 31 KiB
;;   32768  the output so far
(module
  (import "env" "memory" (memory 2 2))
  (import "seal2" "set_storage" (func $set (param i32 i32 i32 i32) (result i32)))
  (import "seal1" "get_storage" (func $get (param i32 i32 i32 i32) (result i32)))
  (import "seal1" "clear_storage" (func $clear (param i32 i32) (result i32)))
  (import "seal0" "set_transient_storage" (func $tset (param i32 i32 i32 i32) (result i32)))
  (import "seal0" "get_transient_storage" (func $tget (param i32 i32 i32 i32) (result i32)))
  (import "seal0" "deposit_event" (func $emit (param i32 i32 i32 i32)))
  (import "seal0" "transfer" (func $transfer (param i32 i32 i32 i32) (result i32)))
  (import "seal1" "call" (func $call (param i32 i32 i64 i32 i32 i32 i32 i32) (result i32)))
  (import "seal0" "delegate_call" (func $delegate (param i32 i32 i32 i32 i32 i32) (result i32)))
  (import "seal1" "instantiate"
    (func $instantiate (param i32 i64 i32 i32 i32 i32 i32 i32 i32 i32 i32) (result i32)))
  (import "seal1" "terminate" (func $terminate (param i32)))
  (import "seal0" "set_code_hash" (func $set_code (param i32) (result i32)))
  (import "seal0" "caller" (func $caller (param i32 i32)))
  (import "seal0" "address" (func $address (param i32 i32)))
  (import "seal0" "value_transferred" (func $value (param i32 i32)))
  (import "seal0" "balance" (func $balance (param i32 i32)))
  (import "seal0" "own_code_hash" (func $own_code (param i32 i32)))
  (import "seal0" "gas_left" (func $gas_left (param i32 i32)))
  (import "seal0" "debug_message" (func $debug (param i32 i32) (result i32)))
  (import "seal0" "reentrance_count" (func $reentrance_count (result i32)))
  (import "seal0" "input" (func $input (param i32 i32)))
  (import "seal0" "seal_return" (func $return (param i32 i32 i32)))

  ;; Where the next byte of the script stands, and where the output ends.
  (global $at (mut i32) (i32.const 1024))
  (global $out (mut i32) (i32.const 32768))

  ;; The next bytes of the script: where they stand.
  (func $bytes (param $count i32) (result i32)
    global.get $at
    (global.set $at (i32.add (global.get $at) (local.get $count))))
  (func $byte (result i32) (i32.load8_u (call $bytes (i32.const 1))))
  (func $pair (result i32) (i32.load16_u (call $bytes (i32.const 2))))

  (func $put (param $number i32)
    (i32.store (global.get $out) (local.get $number))
    (global.set $out (i32.add (global.get $out) (i32.const 4))))
  ;; All the room there is, for an output behind the number that is written next.
  (func $room (i32.store (i32.const 0) (i32.sub (i32.const 131000) (global.get $out))))
  ;; A return code, and behind it what came: `$good` codes have an output.
  (func $answer (param $code i32) (param $has i32)
    (call $put (local.get $code))
    (if (local.get $has) (then (global.set $out (i32.add (global.get $out) (i32.load (i32.const 0)))))))
  (func $gas (param $to i32)
    (i32.store (i32.const 96) (i32.const 8))
    (call $gas_left (local.get $to) (i32.const 96)))
  ;; What a call answers, and the gas around it as a debug message.
  (func $called (param $code i32)
    (call $gas (i32.const 80))
    (drop (call $debug (i32.const 72) (i32.const 16)))
    (call $answer (local.get $code)
      (i32.or (i32.eqz (local.get $code)) (i32.eq (local.get $code) (i32.const 2)))))

  (func $run_call (param $callee i32) (local $flags i32) (local $gas i64) (local $value i32) (local $length i32)
    (local.set $flags (call $byte))
    (local.set $gas (i64.load (call $bytes (i32.const 8))))
    (local.set $value (call $bytes (i32.const 16)))
    (local.set $length (call $pair))
    (call $room)
    (call $gas (i32.const 72))
    (call $called (call $call
      (local.get $flags) (local.get $callee) (local.get $gas) (local.get $value)
      (call $bytes (local.get $length)) (local.get $length)
      (i32.add (global.get $out) (i32.const 4)) (i32.const 0))))

  (func $run_delegate (local $flags i32) (local $code i32) (local $length i32)
    (local.set $flags (call $byte))
    (local.set $code (call $bytes (i32.const 32)))
    (local.set $length (call $pair))
    (call $room)
    (call $gas (i32.const 72))
    (call $called (call $delegate
      (local.get $flags) (local.get $code) (call $bytes (local.get $length)) (local.get $length)
      (i32.add (global.get $out) (i32.const 4)) (i32.const 0))))

  (func $run_instantiate
    (local $code i32) (local $gas i64) (local $value i32) (local $salt i32) (local $length i32)
    (local.set $code (call $bytes (i32.const 32)))
    (local.set $gas (i64.load (call $bytes (i32.const 8))))
    (local.set $value (call $bytes (i32.const 16)))
    (local.set $salt (call $bytes (i32.const 1)))
    (local.set $length (call $pair))
    (call $room)
    (i32.store (i32.const 64) (i32.const 32))
    (call $gas (i32.const 72))
    (call $called (call $instantiate
      (local.get $code) (local.get $gas) (local.get $value)
      (call $bytes (local.get $length)) (local.get $length)
      (i32.const 32) (i32.const 64)
      (i32.add (global.get $out) (i32.const 4)) (i32.const 0)
      (local.get $salt) (i32.const 1))))

  ;; Key, length, bytes.
  (func $run_set (param $transient i32) (local $key i32) (local $length i32)
    (local.set $key (call $bytes (i32.const 1)))
    (local.set $length (call $byte))
    (if (local.get $transient)
      (then (call $put (call $tset (local.get $key) (i32.const 1) (call $bytes (local.get $length)) (local.get $length))))
      (else (call $put (call $set (local.get $key) (i32.const 1) (call $bytes (local.get $length)) (local.get $length))))))

  (func $run_get (param $transient i32) (local $key i32) (local $code i32) (local $to i32)
    (local.set $key (call $bytes (i32.const 1)))
    (local.set $to (i32.add (global.get $out) (i32.const 4)))
    (call $room)
    (if (local.get $transient)
      (then (local.set $code (call $tget (local.get $key) (i32.const 1) (local.get $to) (i32.const 0))))
      (else (local.set $code (call $get (local.get $key) (i32.const 1) (local.get $to) (i32.const 0)))))
    (call $answer (local.get $code) (i32.eqz (local.get $code))))

  (func $run_emit (local $topics i32) (local $topics_length i32) (local $length i32)
    (local.set $topics_length (call $byte))
    (local.set $topics (call $bytes (local.get $topics_length)))
    (local.set $length (call $byte))
    (call $emit (local.get $topics) (local.get $topics_length) (call $bytes (local.get $length)) (local.get $length)))

  ;; Caller, own address, value, balance, own code: behind a number that tells the length.
  (func $run_info (local $kind i32) (local $to i32)
    (local.set $kind (call $byte))
    (local.set $to (i32.add (global.get $out) (i32.const 4)))
    (call $room)
    (block $done
      (block $code (block $balance (block $value (block $address (block $caller
        (br_table $caller $address $value $balance $code (local.get $kind)))
        (call $caller (local.get $to) (i32.const 0)) (br $done))
        (call $address (local.get $to) (i32.const 0)) (br $done))
        (call $value (local.get $to) (i32.const 0)) (br $done))
        (call $balance (local.get $to) (i32.const 0)) (br $done))
      (call $own_code (local.get $to) (i32.const 0)))
    (call $answer (i32.load (i32.const 0)) (i32.const 1)))

  (func $run_burn (local $left i32)
    (local.set $left (call $pair))
    (block $done (loop $again
      (br_if $done (i32.eqz (local.get $left)))
      (local.set $left (i32.sub (local.get $left) (i32.const 1)))
      (br $again))))

  (func $step (local $op i32) (local $pointer i32)
    (local.set $op (call $byte))
    (if (i32.eq (local.get $op) (i32.const 1)) (then (call $run_set (i32.const 0)) (return)))
    (if (i32.eq (local.get $op) (i32.const 2)) (then (call $run_get (i32.const 0)) (return)))
    (if (i32.eq (local.get $op) (i32.const 3)) (then
      (call $put (call $clear (call $bytes (i32.const 1)) (i32.const 1))) (return)))
    (if (i32.eq (local.get $op) (i32.const 4)) (then (call $run_set (i32.const 1)) (return)))
    (if (i32.eq (local.get $op) (i32.const 5)) (then (call $run_get (i32.const 1)) (return)))
    (if (i32.eq (local.get $op) (i32.const 6)) (then (call $run_emit) (return)))
    (if (i32.eq (local.get $op) (i32.const 7)) (then
      (local.set $pointer (call $bytes (i32.const 48)))
      (call $put (call $transfer
        (local.get $pointer) (i32.const 32) (i32.add (local.get $pointer) (i32.const 32)) (i32.const 16)))
      (return)))
    (if (i32.eq (local.get $op) (i32.const 8)) (then (call $run_call (call $bytes (i32.const 32))) (return)))
    (if (i32.eq (local.get $op) (i32.const 9)) (then (call $run_call (i32.const 32)) (return)))
    (if (i32.eq (local.get $op) (i32.const 10)) (then (call $run_delegate) (return)))
    (if (i32.eq (local.get $op) (i32.const 11)) (then (call $run_instantiate) (return)))
    (if (i32.eq (local.get $op) (i32.const 12)) (then (call $terminate (call $bytes (i32.const 32))) (return)))
    (if (i32.eq (local.get $op) (i32.const 13)) (then
      (call $put (call $set_code (call $bytes (i32.const 32)))) (return)))
    (if (i32.eq (local.get $op) (i32.const 14)) (then (call $run_info) (return)))
    (if (i32.eq (local.get $op) (i32.const 15)) (then (call $run_burn) (return)))
    (if (i32.eq (local.get $op) (i32.const 16)) (then (call $finish (call $byte)) (return)))
    (if (i32.eq (local.get $op) (i32.const 17)) (then (unreachable)))
    (if (i32.eq (local.get $op) (i32.const 18)) (then
      (i32.store (i32.const 96) (i32.const 0))
      (call $put (i32.div_u (i32.const 1) (i32.load (i32.const 96)))) (return)))
    (if (i32.eq (local.get $op) (i32.const 19)) (then (call $put (call $reentrance_count)) (return)))
    (if (i32.eq (local.get $op) (i32.const 20)) (then (call $put (i32.const MARK)) (return)))
    (unreachable))

  (func $finish (param $flags i32)
    (call $return (local.get $flags) (i32.const 32768) (i32.sub (global.get $out) (i32.const 32768))))

  (func $run (local $end i32)
    (i32.store (i32.const 0) (i32.const 31744))
    (call $input (i32.const 1024) (i32.const 0))
    (local.set $end (i32.add (i32.const 1024) (i32.load (i32.const 0))))
    (block $done (loop $again
      (br_if $done (i32.ge_u (global.get $at) (local.get $end)))
      (call $step)
      (br $again)))
    (call $finish (i32.const 0)))
  (func (export "deploy") (call $run))
  (func (export "call") (call $run)))
