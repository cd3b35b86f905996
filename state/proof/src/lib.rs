//! The hash tree of contract state and the verification of its proofs; no I/O, no allocator beyond alloc.
