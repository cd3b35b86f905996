;; Calls another contract as its input says: flags (4 bytes), address (32), gas (8), value (16), then the callee's input.
;; Before the call it writes the key "k" = 1, after it "l" = the return code. Output: the return code, then what the
;; callee returned. It goes on whatever the callee did.
(module
  (import "env" "memory" (memory 16 16))
  (import "seal0" "input" (func $input (param i32 i32)))
  (import "seal0" "seal_return" (func $return (param i32 i32 i32)))
  (import "seal2" "set_storage" (func $set (param i32 i32 i32 i32) (result i32)))
  (import "seal1" "call" (func $call_contract (param i32 i32 i64 i32 i32 i32 i32 i32) (result i32)))
  ;; 0: length cell; 8: keys and value; 16: return code and output; 262160 (256 KiB + 16): input
  (data (i32.const 8) "kl\01\00")
  (func (export "deploy"))
  (func (export "call")
    (i32.store (i32.const 0) (i32.const 786416))
    (call $input (i32.const 262160) (i32.const 0))
    (if (i32.lt_u (i32.load (i32.const 0)) (i32.const 60)) (then unreachable))
    (drop (call $set (i32.const 8) (i32.const 1) (i32.const 10) (i32.const 1)))
    (i32.store (i32.const 4) (i32.sub (i32.load (i32.const 0)) (i32.const 60)))
    (i32.store (i32.const 0) (i32.const 262140))
    (i32.store (i32.const 16) (call $call_contract
      (i32.load (i32.const 262160)) (i32.const 262164) (i64.load (i32.const 262196)) (i32.const 262204)
      (i32.const 262220) (i32.load (i32.const 4)) (i32.const 20) (i32.const 0)))
    ;; After a trapped callee the length cell is untouched and there is no output.
    (if (i32.and (i32.ne (i32.load (i32.const 16)) (i32.const 0)) (i32.ne (i32.load (i32.const 16)) (i32.const 2)))
      (then (i32.store (i32.const 0) (i32.const 0))))
    (drop (call $set (i32.const 9) (i32.const 1) (i32.const 16) (i32.const 4)))
    (call $return (i32.const 0) (i32.const 16) (i32.add (i32.load (i32.const 0)) (i32.const 4)))))
