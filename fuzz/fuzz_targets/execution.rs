//! See `unfork_conformance::oracles::execution`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    unfork_conformance::oracles::execution(data);
});
