;; Grows its memory by as many pages as the first byte of its input says, then calls itself with the rest, until none is left;
;; the last call gets 50,000,000 gas. Output: for each call one byte, its return code; then the pages that the last frame has.
(module
  (import "seal0" "input" (func $input (param i32 i32)))
  (import "seal0" "address" (func $address (param i32 i32)))
  (import "seal1" "call" (func $call_contract (param i32 i32 i64 i32 i32 i32 i32 i32) (result i32)))
  (import "seal0" "seal_return" (func $return (param i32 i32 i32)))
  (memory 1)
  ;; 0: length cell; 4: length of the rest; 8: input; 64: own address; 96: amount 0; 128: output
  (func (export "deploy"))
  (func (export "call")
    (i32.store (i32.const 0) (i32.const 32))
    (call $input (i32.const 8) (i32.const 0))
    (drop (memory.grow (i32.load8_u (i32.const 8))))
    (if (i32.eq (i32.load (i32.const 0)) (i32.const 1)) (then
      (i32.store8 (i32.const 128) (memory.size))
      (call $return (i32.const 0) (i32.const 128) (i32.const 1))))
    (i32.store (i32.const 4) (i32.sub (i32.load (i32.const 0)) (i32.const 1)))
    (i32.store (i32.const 0) (i32.const 32))
    (call $address (i32.const 64) (i32.const 0))
    (i32.store8 (i32.const 128)
      (call $call_contract (i32.const 8) (i32.const 64)
        (select (i64.const 50_000_000) (i64.const 0) (i32.eq (i32.load (i32.const 4)) (i32.const 1)))
        (i32.const 96) (i32.const 9) (i32.load (i32.const 4)) (i32.const 129) (i32.const 0)))
    ;; After a trapped callee the length cell is untouched and there is no output.
    (if (i32.load8_u (i32.const 128)) (then (i32.store (i32.const 0) (i32.const 0))))
    (call $return (i32.const 0) (i32.const 128) (i32.add (i32.load (i32.const 0)) (i32.const 1)))))
