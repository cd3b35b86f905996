//! The binary `unfork`.
fn main() {}
