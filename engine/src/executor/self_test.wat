;; What the start-up self-test runs (see wasmi.rs).
(module
  ;; The bits of 0/0 as an f64; the argument is not used.
  (func (export "nan64") (param i64) (result i64)
    (i64.reinterpret_f64 (f64.div (f64.const 0) (f64.const 0))))
  ;; The same as an f32, and with a NaN of another payload going through an addition.
  (func (export "nan32") (param i64) (result i64)
    (i64.extend_i32_u
      (i32.reinterpret_f32
        (f32.add (f32.div (f32.const 0) (f32.const 0)) (f32.const -nan:0x200000)))))
  ;; Counts the argument down to zero in a plain loop.
  (func (export "loop") (param i64) (result i64)
    (loop $again
      (local.set 0 (i64.sub (local.get 0) (i64.const 1)))
      (br_if $again (i64.gt_s (local.get 0) (i64.const 0))))
    (local.get 0)))
