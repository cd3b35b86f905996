//! How what the parser and the validator say becomes a refusal.

use wasmparser::{Error, WasmFeatures};

use crate::refusal::{Refusal, RefusalCode};

/// The refusal for an error of the parser or validator: by the name of the proposal where one is missing.
pub(crate) fn invalid(error: &Error) -> Refusal {
    let code = error.missing_wasm_feature().map_or(RefusalCode::Invalid, feature_code);
    Refusal::new(code, error.offset(), error.message())
}

/// Refuses when `found` is more than `max`.
pub(crate) fn limit(code: RefusalCode, offset: u64, max: u64, found: u64) -> Result<(), Refusal> {
    if found > max { Err(Refusal::over(code, offset, max, found)) } else { Ok(()) }
}

fn feature_code(missing: WasmFeatures) -> RefusalCode {
    let codes = [
        (WasmFeatures::FLOATS, RefusalCode::Float),
        (WasmFeatures::RELAXED_SIMD, RefusalCode::FeatureRelaxedSimd),
        (WasmFeatures::SIMD, RefusalCode::FeatureSimd),
        (WasmFeatures::THREADS, RefusalCode::FeatureThreads),
        (WasmFeatures::SHARED_EVERYTHING_THREADS, RefusalCode::FeatureThreads),
        (WasmFeatures::TAIL_CALL, RefusalCode::FeatureTailCall),
        (WasmFeatures::EXCEPTIONS, RefusalCode::FeatureExceptions),
        (WasmFeatures::LEGACY_EXCEPTIONS, RefusalCode::FeatureExceptions),
        (WasmFeatures::GC, RefusalCode::FeatureGc),
        (WasmFeatures::CUSTOM_DESCRIPTORS, RefusalCode::FeatureGc),
        (WasmFeatures::GC_TYPES, RefusalCode::FeatureExternRef),
        (WasmFeatures::MEMORY64, RefusalCode::FeatureMemory64),
        (WasmFeatures::MULTI_MEMORY, RefusalCode::FeatureMultiMemory),
        (WasmFeatures::CUSTOM_PAGE_SIZES, RefusalCode::FeatureCustomPageSizes),
        (WasmFeatures::WIDE_ARITHMETIC, RefusalCode::FeatureWideArithmetic),
        (WasmFeatures::FUNCTION_REFERENCES, RefusalCode::FeatureFunctionReferences),
        (WasmFeatures::STACK_SWITCHING, RefusalCode::FeatureStackSwitching),
    ];
    let known = codes.iter().find(|(feature, _)| missing.intersects(*feature));
    known.map_or(RefusalCode::FeatureOther, |(_, code)| *code)
}
