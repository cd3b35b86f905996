//! See `unfork_conformance::oracles::admission`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    unfork_conformance::oracles::admission(data);
});
