//! See `unfork_conformance::oracles::decoders`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    unfork_conformance::oracles::decoders(data);
});
