//! Numbers of a module may be written with more bytes than they need: what is prepared is the same.
#![allow(missing_docs, clippy::arithmetic_side_effects, clippy::cast_possible_truncation)]

mod support;

use support::bombs;
use support::modules::{admitted_fixtures, profile_of};
use unfork_gas::{LIMITS_LARGE, Loading, Profile, V1, admit};
use wasmparser::{BinaryReader, FunctionBody, Parser, Payload};

/// A 32-bit number with all five bytes that it may have.
fn padded(value: usize) -> [u8; 5] {
    let group = |at: u32| u8::try_from((value >> (7 * at)) & 0x7f).expect("seven bits");
    [group(0) | 0x80, group(1) | 0x80, group(2) | 0x80, group(3) | 0x80, group(4)]
}

/// The same module with padded section sizes, counts of all sections, body sizes and counts of groups of locals.
fn pad(code: &[u8]) -> Vec<u8> {
    let mut out = code[..8].to_vec();
    let mut bodies = Vec::new();
    let mut left = 0;
    let mut section = |id: u8, content: &[u8]| {
        out.push(id);
        out.extend(padded(content.len()));
        out.extend_from_slice(content);
    };
    for payload in Parser::new(0).parse_all(code) {
        let payload = payload.expect("an admitted module");
        let at = |range: core::ops::Range<u64>| &code[range.start as usize..range.end as usize];
        match &payload {
            Payload::CodeSectionStart { count, .. } => {
                left = *count;
                bodies.extend(padded(left as usize));
            }
            Payload::CodeSectionEntry(body) => {
                let body = pad_body(at(body.range()), body);
                bodies.extend(padded(body.len()));
                bodies.extend(body);
                left -= 1;
            }
            Payload::CustomSection(custom) => section(0, at(custom.range())),
            payload => {
                if let Some((id, range)) = payload.as_section() {
                    section(id, &pad_count(at(range)));
                }
            }
        }
        if left == 0 && !bodies.is_empty() {
            section(10, &core::mem::take(&mut bodies));
        }
    }
    out
}

fn pad_body(bytes: &[u8], body: &FunctionBody<'_>) -> Vec<u8> {
    let locals = body.get_locals_reader().expect("locals");
    let first = usize::try_from(locals.original_position() - body.range().start).expect("an offset");
    [&padded(locals.get_count() as usize), &bytes[first..]].concat()
}

/// The content of a section, or another that begins with a number.
fn pad_count(content: &[u8]) -> Vec<u8> {
    let mut reader = BinaryReader::new(content, 0);
    let count = reader.read_var_u32().expect("a count");
    let first = usize::try_from(reader.original_position()).expect("an offset");
    [&padded(count as usize), &content[first..]].concat()
}

/// Element and data segments are copied with their counts: those of the prepared code are as long as they were.
fn with_counts_as_they_were(prepared: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    for payload in Parser::new(0).parse_all(prepared) {
        let Some((id, range)) = payload.expect("prepared code parses").as_section() else { continue };
        let content = &prepared[range.start as usize..range.end as usize];
        out.push(id);
        out.extend(if matches!(id, 9 | 11 | 12) { pad_count(content) } else { content.to_vec() });
    }
    out
}

/// Whether it is admitted, and then whatever its numbers are written with.
fn check(name: &str, code: &[u8], profile: &Profile<'_>) -> bool {
    let Ok(plain) = admit(code, &V1, &LIMITS_LARGE, profile) else { return false };
    let longer = pad(code);
    let prepared = admit(&longer, &V1, &LIMITS_LARGE, profile).unwrap_or_else(|e| panic!("{name}, padded: {e}"));
    wasmi::Module::new(&wasmi::Engine::default(), prepared.code()).unwrap_or_else(|e| panic!("{name}, padded: {e}"));
    let same = with_counts_as_they_were(prepared.code()) == with_counts_as_they_were(plain.code());
    assert!(same, "{name}: other numbers gave other code");
    assert_eq!(prepared.instantiation_gas(), plain.instantiation_gas(), "{name}");
    // Bytes are what loading is priced by, besides what they say.
    assert_eq!(Loading { bytes: plain.loading().bytes, ..prepared.loading() }, plain.loading(), "{name}");
    true
}

#[test]
fn padded_numbers_make_no_difference() {
    let longer = pad(&wat::parse_str("(module (func) (func (local i32)))").expect("text"));
    // Types, functions and code with their sizes and counts; two bodies with theirs.
    assert_eq!(longer.len(), 8 + 3 * (1 + 5 + 5) + 3 + 2 + (5 + 5 + 1) + (5 + 5 + 2 + 1));
    for (name, code) in admitted_fixtures() {
        assert!(check(&name, &code, &profile_of(&code)), "{name}");
    }
    for family in bombs::FAMILIES {
        let sizes = [200, 3_000, 30_000];
        let admitted = sizes.into_iter().filter(|&size| check(family.name, &(family.make)(size), &bombs::PROFILE));
        assert!(admitted.count() > 0, "{}", family.name);
    }
}
