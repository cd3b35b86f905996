//! Random valid modules of the shape of a contract, by wasm-smith.

use arbitrary::{Result, Unstructured};
use std::convert::Infallible;
use std::fmt::Write;
use std::sync::OnceLock;
use unfork_engine::ProfileId;
use unfork_gas::ValueType;
use wasm_encoder::AbstractHeapType;
use wasm_encoder::reencode::{self, Reencode};
use wasm_smith::Config;
use wasmparser::Parser;

/// The two entries of the profile.
const EXPORTS: &str = r#"(module (func (export "call")) (func (export "deploy")))"#;

/// A module that exports `call` and `deploy` and imports what it likes of the `seal` profile. Most are admitted. An eighth may
/// have references to functions: which, the length of what is left decides, and none of its bytes, so that inputs saved before
/// mean what they did.
///
/// # Errors
/// When `u` runs out in a place where wasm-smith does not make do with zeros.
pub fn contract(u: &mut Unstructured<'_>) -> Result<Vec<u8>> {
    let mut config = small(u)?;
    let references = u.len() % 8 == 6;
    config.reference_types_enabled = references;
    config.available_imports = Some(seal_imports().to_vec());
    config.exports = Some(wat::parse_str(EXPORTS).expect("the text above is a module"));
    let code = wasm_smith::Module::new(config, u)?.to_bytes();
    Ok(if references { without_externref(&code) } else { code })
}

/// The same module with `funcref` for `externref`, which is not admitted: whatever is done with one can be done with the
/// other.
pub(crate) fn without_externref(code: &[u8]) -> Vec<u8> {
    let mut module = wasm_encoder::Module::new();
    FunctionsOnly.parse_core_module(&mut module, Parser::new(0), code).expect("wasm-smith writes modules");
    module.finish()
}

struct FunctionsOnly;

impl Reencode for FunctionsOnly {
    type Error = Infallible;

    fn abstract_heap_type(
        &mut self,
        value: wasmparser::AbstractHeapType,
    ) -> std::result::Result<AbstractHeapType, reencode::Error<Self::Error>> {
        Ok(match value {
            wasmparser::AbstractHeapType::Func | wasmparser::AbstractHeapType::Extern => AbstractHeapType::Func,
            other => panic!("{other:?} was not asked for"),
        })
    }
}

/// A module of any shape, with proposals and floats that no profile admits among others.
///
/// # Errors
/// As [`contract`].
pub fn any_module(u: &mut Unstructured<'_>) -> Result<Vec<u8>> {
    let mut config = small(u)?;
    config.allow_floats = u.arbitrary()?;
    config.reference_types_enabled = u.arbitrary()?;
    config.simd_enabled = u.ratio(1, 8)?;
    config.tail_call_enabled = u.ratio(1, 8)?;
    config.exceptions_enabled = u.ratio(1, 8)?;
    config.memory64_enabled = u.ratio(1, 8)?;
    config.max_memory32_bytes = 1 << 32;
    config.allow_start_export = u.ratio(1, 4)?;
    if u.arbitrary()? {
        config.exports = Some(wat::parse_str(EXPORTS).expect("the text above is a module"));
    }
    Ok(wasm_smith::Module::new(config, u)?.to_bytes())
}

/// What all modules have in common: few of everything.
fn small(u: &mut Unstructured<'_>) -> Result<Config> {
    Ok(Config {
        disallow_traps: u.ratio(1, 4)?,
        generate_custom_sections: u.ratio(1, 8)?,
        max_data_segments: 4,
        max_element_segments: 4,
        max_funcs: 8,
        max_imports: 12,
        max_instructions: 200,
        max_memory32_bytes: 4 << 20,
        max_nesting_depth: 6,
        max_table_elements: 1_000,
        min_uleb_size: u.int_in_range(1..=5)?,
        ..admitted()
    })
}

/// No proposal beyond those that are admitted, and neither floats nor references, which are admitted in some uses only.
pub(crate) fn admitted() -> Config {
    Config {
        allow_floats: false,
        allow_start_export: false,
        bulk_memory_enabled: true,
        compact_imports_enabled: false,
        exceptions_enabled: false,
        extended_const_enabled: true,
        gc_enabled: false,
        memory64_enabled: false,
        multi_value_enabled: true,
        reference_types_enabled: false,
        relaxed_simd_enabled: false,
        saturating_float_to_int_enabled: true,
        sign_extension_ops_enabled: true,
        simd_enabled: false,
        tail_call_enabled: false,
        threads_enabled: false,
        wide_arithmetic_enabled: false,
        ..Config::default()
    }
}

/// A module that imports everything the profile has, its memory included.
fn seal_imports() -> &'static [u8] {
    static MODULE: OnceLock<Vec<u8>> = OnceLock::new();
    MODULE.get_or_init(|| {
        let mut text = String::from("(module (import \"env\" \"memory\" (memory 2 16))\n");
        for import in ProfileId::Seal.for_admission(1).imports {
            let _ = writeln!(text, "(import {:?} {:?} {})", import.module, import.name, signature(import));
        }
        text.push(')');
        wat::parse_str(&text).expect("a list of imports is a module")
    })
}

/// The type of an import in text form.
pub(super) fn signature(import: &unfork_gas::Import<'_>) -> String {
    let name = |value: &ValueType| match value {
        ValueType::I32 => " i32",
        ValueType::I64 => " i64",
        ValueType::F32 => " f32",
        ValueType::F64 => " f64",
        ValueType::FuncRef => " funcref",
    };
    let list = |word: &str, types: &[ValueType]| match types {
        [] => String::new(),
        types => format!("({word}{})", types.iter().map(name).collect::<String>()),
    };
    format!("(func {}{})", list("param", import.params), list("result", import.results))
}
