//! See `unfork_conformance::oracles::state_model`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    unfork_conformance::oracles::state_model(data);
});
