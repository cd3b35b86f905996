;; What the start-up self-test runs (see wasmi.rs).
(module
  (import "self_test" "probe" (func $probe))
  (import "self_test" "nothing" (func $nothing))
  (type $plain (func))
  (memory 1 4)
  (table $table 8 16 funcref)
  (global $narrow (mut i32) (i32.const 0))
  (global $wide (mut i64) (i64.const 0))
  (elem $passive func $empty)
  (elem $dropped func $empty)
  (elem (table $table) (i32.const 4) func $empty $nothing)
  (data $bytes "abc")
  (data $gone "d")

  ;; The bits of 0/0 as an f64; the argument is not used.
  (func (export "nan64") (param i64) (result i64)
    (i64.reinterpret_f64 (f64.div (f64.const 0) (f64.const 0))))

  ;; The same as an f32, with a NaN of another payload going through an addition.
  (func (export "nan32") (param i64) (result i64)
    (i64.extend_i32_u
      (i32.reinterpret_f32
        (f32.add (f32.div (f32.const 0) (f32.const 0)) (f32.const -nan:0x200000)))))

  (func $empty)
  (func $three (result i32 i64 i32) (i32.const 1) (i64.const 2) (i32.const 3))

  ;; Operators of every kind that could make the dispatcher keep a frame on the host stack, between two probes of the
  ;; stack. The argument is the number of turns.
  (func (export "dispatch") (param $turns i64) (result i64) (local $i i32)
    (call $probe)
    (loop $again
      (local.set $i (i32.wrap_i64 (local.get $turns)))
      (drop (memory.grow (i32.const 0)))
      (drop (memory.size))
      (memory.fill (i32.const 0) (i32.const 1) (i32.const 10))
      (memory.copy (i32.const 0) (i32.const 1) (i32.const 10))
      (memory.init $bytes (i32.const 0) (i32.const 0) (i32.const 1))
      (data.drop $gone)
      (elem.drop $dropped)
      (drop (table.grow $table (ref.null func) (i32.const 0)))
      (drop (table.size $table))
      (table.set $table (i32.const 0) (ref.func $empty))
      (drop (ref.is_null (table.get $table (i32.const 1))))
      (table.fill $table (i32.const 0) (ref.null func) (i32.const 1))
      (table.copy $table $table (i32.const 0) (i32.const 1) (i32.const 1))
      (table.init $table $passive (i32.const 1) (i32.const 0) (i32.const 1))
      (call $empty)
      (call $nothing)
      (call_indirect $table (type $plain) (i32.const 4))
      (call_indirect $table (type $plain) (i32.const 5))
      (call $three) (drop) (drop) (drop)
      (global.set $narrow (i32.add (global.get $narrow) (i32.const 1)))
      (global.set $wide (i64.add (global.get $wide) (i64.const 1)))
      (block (block (br_table 0 1 0 (local.get $i))))
      (drop (i32.div_s (local.get $i) (i32.const 3)))
      (drop (i64.rem_u (local.get $turns) (i64.const 3)))
      (i64.store (i32.const 8) (i64.load32_s (local.get $i)))
      (i32.store8 (i32.const 8) (i32.load16_u (local.get $i)))
      (drop (i32.trunc_f64_s (f64.sqrt (f64.convert_i32_s (local.get $i)))))
      (drop (i64.trunc_sat_f32_s (f32.convert_i32_s (local.get $i))))
      (drop (select (local.get $i) (i32.const 1) (local.get $i)))
      (local.set $turns (i64.sub (local.get $turns) (i64.const 1)))
      (br_if $again (i64.gt_s (local.get $turns) (i64.const 0))))
    (call $probe)
    (local.get $turns)))
