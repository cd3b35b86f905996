//! Admission of whatever bytes: it never panics, refuses with a place and a number, and what it admits keeps the limits
//! and validates after instrumentation.

use super::Reached;
use crate::generators::{contract, fixtures, rest, smith};
use arbitrary::{Result, Unstructured};
use unfork_engine::ProfileId;
use unfork_gas::{Floats, LIMITS_V1, Prepared, Profile, Refusal, RefusalCode, V1};
use wasmparser::{Parser, Payload, Validator, WasmFeatures};

/// What the oracle needs to know of admitted code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Admitted {
    /// The instrumented module.
    pub code: Vec<u8>,
    /// Length of the uploaded bytes.
    pub original_len: u32,
    /// The most memory it can get.
    pub memory_pages_max: u32,
    /// What its instrumented module may have in bytes.
    pub instrumented_bytes_bound: u64,
}

impl From<Prepared> for Admitted {
    fn from(prepared: Prepared) -> Self {
        Self {
            original_len: prepared.loading().bytes,
            memory_pages_max: prepared.memory_pages_max(),
            instrumented_bytes_bound: prepared.instrumented_bytes_bound(),
            code: prepared.into_code(),
        }
    }
}

/// How code is admitted.
pub type Admit<'a> = dyn FnMut(&[u8], &Profile<'_>) -> std::result::Result<Admitted, Refusal> + 'a;

/// The oracle over the engine's own admission.
pub fn admission(data: &[u8]) -> Reached {
    admission_of(data, &mut |code, profile| crate::admit(code, &V1, &LIMITS_V1, profile).map(Admitted::from))
}

/// The oracle over any admission.
///
/// # Panics
/// When a rule is broken.
pub fn admission_of(data: &[u8], admit: &mut Admit<'_>) -> Reached {
    let mut u = Unstructured::new(data);
    let Ok((code, floats)) = input(&mut u) else { return "no input".into() };
    let profile = Profile { floats, ..ProfileId::Seal.for_admission(1) };
    let answer = admit(&code, &profile);
    assert_eq!(answer, admit(&code, &profile), "the same code was judged differently the second time");
    match answer {
        Ok(admitted) => {
            check_admitted(&code, &admitted, floats);
            let original_len = code.len();
            let prepared =
                unfork_gas::prepare(&code, &V1, &LIMITS_V1, &profile).expect("admitted code can be prepared");
            assert_eq!(Admitted::from(prepared), admitted, "preparing again gives other code than admission");
            let again = admit(&admitted.code, &profile).expect_err("instrumented code must not be uploaded");
            assert_eq!(again.code, RefusalCode::ReservedName, "{again}");
            format!("admitted, {}", size(original_len))
        }
        Err(refusal) => {
            check_refusal(&code, &refusal);
            format!("refused: {}", refusal.code.name())
        }
    }
}

fn size(bytes: usize) -> &'static str {
    if bytes < 1_000 { "small" } else { "large" }
}

/// Raw bytes, bytes behind a module's header, a module, or one with some bytes changed.
fn input(u: &mut Unstructured<'_>) -> Result<(Vec<u8>, Floats)> {
    let floats = if u.ratio(1, 4)? { Floats::Canonical } else { Floats::Forbid };
    let code = match u.int_in_range(0..=7u8)? {
        0 => rest(u)?,
        1 => [b"\0asm\x01\0\0\0".as_slice(), &rest(u)?].concat(),
        2 => {
            let mut edits = u.arbitrary::<[u8; 12]>()?;
            let mut code = u.choose(&fixtures::ALL)?.to_vec();
            edit(&mut code, &mut edits);
            code
        }
        3 => {
            let mut edits = u.arbitrary::<[u8; 4]>()?;
            let mut code = contract(u)?;
            edit(&mut code, &mut edits);
            code
        }
        4 => smith::any_module(u)?,
        _ => contract(u)?,
    };
    Ok((code, floats))
}

/// Writes every fourth byte of `edits` to the place that the two before it name; the first of four says whether.
fn edit(code: &mut Vec<u8>, edits: &mut [u8]) {
    for chunk in edits.chunks_exact(4) {
        let at = usize::from(u16::from_le_bytes([chunk[1], chunk[2]])) % code.len().max(1);
        match chunk[0] % 4 {
            0 => code.truncate(at),
            1 => code.insert(at, chunk[3]),
            _ => code[at] = chunk[3],
        }
        if code.is_empty() {
            return;
        }
    }
}

fn check_refusal(code: &[u8], refusal: &Refusal) {
    let place = usize::try_from(refusal.offset).expect("a 32-bit offset");
    assert!(place <= code.len(), "the refusal names byte {place} of {}: {refusal}", code.len());
    let number = refusal.code.number();
    let known = RefusalCode::ALL.iter().filter(|code| code.number() == number).count();
    assert_eq!(known, 1, "the refusal has the number {number}, which {known} codes have");
    assert_ne!(refusal.code, RefusalCode::SchedulePrice, "no code is to blame for the schedule: {refusal}");
    if let (Some(limit), Some(found)) = (refusal.limit, refusal.found) {
        assert!(found > limit, "found {found} is not above the limit {limit}: {refusal}");
    }
}

fn check_admitted(original: &[u8], admitted: &Admitted, floats: Floats) {
    let limits = LIMITS_V1;
    let length = |bytes: &[u8]| u64::try_from(bytes.len()).expect("a length");
    assert_eq!(u64::from(admitted.original_len), length(original));
    assert!(length(original) <= limits.code_bytes_max, "admitted {} bytes of code", original.len());
    let bound = admitted.instrumented_bytes_bound;
    assert!(length(&admitted.code) <= bound, "instrumented to {} bytes, at most {bound}", admitted.code.len());
    assert!(bound <= limits.instrumented_bytes_max, "instrumented to at most {bound} bytes");
    assert!(u64::from(admitted.memory_pages_max) <= limits.memory_pages_max, "memory of {}", admitted.memory_pages_max);
    let mut validator = Validator::new_with_features(features(floats));
    if let Err(error) = validator.validate_all(&admitted.code) {
        panic!("instrumented code does not validate: {error}");
    }
    check_counts(original);
}

/// The proposals that instrumented code may use, listed a second time on purpose: the instrumenter must not need more.
fn features(floats: Floats) -> WasmFeatures {
    let integers = WasmFeatures::MUTABLE_GLOBAL
        | WasmFeatures::SIGN_EXTENSION
        | WasmFeatures::SATURATING_FLOAT_TO_INT
        | WasmFeatures::MULTI_VALUE
        | WasmFeatures::BULK_MEMORY
        | WasmFeatures::REFERENCE_TYPES
        | WasmFeatures::EXTENDED_CONST;
    match floats {
        Floats::Forbid => integers,
        Floats::Canonical => integers | WasmFeatures::FLOATS,
    }
}

/// Counts the admitted module a second time.
fn check_counts(original: &[u8]) {
    let limits = LIMITS_V1;
    let mut functions = 0;
    for payload in Parser::new(0).parse_all(original) {
        let (what, found, max) = match payload.expect("admitted code parses") {
            Payload::TypeSection(section) => ("types", section.count(), limits.types_max),
            Payload::ImportSection(section) => ("imports", section.count(), limits.imports_max),
            Payload::TableSection(section) => ("tables", section.count(), limits.tables_max),
            Payload::GlobalSection(section) => ("globals", section.count(), limits.globals_max),
            Payload::ExportSection(section) => ("exports", section.count(), limits.exports_max),
            Payload::ElementSection(section) => ("element segments", section.count(), limits.element_segments_max),
            Payload::DataSection(section) => ("data segments", section.count(), limits.data_segments_max),
            Payload::StartSection { .. } => panic!("code with a start function was admitted"),
            Payload::CodeSectionEntry(body) => {
                functions += 1;
                let locals = body.get_locals_reader().expect("admitted code parses");
                let declared = locals.into_iter().map(|group| group.map_or(u32::MAX, |(count, _)| count));
                let declared = declared.fold(0u32, u32::saturating_add);
                ("locals", declared, limits.locals_max)
            }
            _ => continue,
        };
        assert!(u64::from(found) <= max, "admitted with {found} {what}, the limit is {max}");
    }
    assert!(functions <= limits.functions_max, "admitted with {functions} functions");
}
