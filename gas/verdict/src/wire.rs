//! A question, which is a profile and code, and its answer, in SCALE. The test reads this file too, to ask natively.

use alloc::string::String;
use alloc::vec::Vec;
use parity_scale_codec::{Decode, Encode};
use unfork_gas::{Entry, Floats, Import, LIMITS_V1, Profile, Refusal, V1, ValueType, admit};

/// Would a chain whose contracts may import these functions, and must export those, take this code?
#[derive(Encode, Decode)]
pub struct Question {
    /// Module, name, parameters, results; sorted by the first two. Types as in the binary format.
    pub imports: Vec<(String, String, Vec<u8>, Vec<u8>)>,
    /// Name, parameters, results, and whether it must be there.
    pub entries: Vec<(String, Vec<u8>, Vec<u8>, bool)>,
    /// Where a memory may be imported from.
    pub memory: Option<(String, String)>,
    /// Whether floats are allowed, and made canonical.
    pub floats: bool,
    /// The code.
    pub code: Vec<u8>,
}

/// All that a node could say.
#[derive(Encode, Decode)]
pub enum Answer {
    /// The prepared code.
    #[codec(index = 1)]
    Admitted(Vec<u8>),
    /// Code, offset, limit, what was found, and the detail for people.
    #[codec(index = 0)]
    Refused(u16, u32, Option<u64>, Option<u64>, String),
    /// The bytes are no question, or name a type that there is not.
    #[codec(index = 2)]
    NotAQuestion,
}

/// The encoded answer to an encoded question, under the prices and limits of version 1.
pub fn answer(question: &[u8]) -> Vec<u8> {
    let question = Question::decode(&mut &*question).ok();
    question.and_then(|question| verdict(&question)).unwrap_or(Answer::NotAQuestion).encode()
}

fn verdict(question: &Question) -> Option<Answer> {
    let types: Vec<(Vec<ValueType>, Vec<ValueType>)> = question
        .imports
        .iter()
        .map(|import| (&import.2, &import.3))
        .chain(question.entries.iter().map(|entry| (&entry.1, &entry.2)))
        .map(|(params, results)| Some((value_types(params)?, value_types(results)?)))
        .collect::<Option<_>>()?;
    let (of_imports, of_entries) = types.split_at_checked(question.imports.len())?;
    let imports: Vec<Import<'_>> = question
        .imports
        .iter()
        .zip(of_imports)
        .map(|((module, name, ..), (params, results))| Import { module, name, params, results })
        .collect();
    let entries: Vec<Entry<'_>> = question
        .entries
        .iter()
        .zip(of_entries)
        .map(|((name, _, _, required), (params, results))| Entry { name, params, results, required: *required })
        .collect();
    let profile = Profile {
        name: "asked for",
        imports: &imports,
        entries: &entries,
        memory_import: question.memory.as_ref().map(|(module, name)| (module.as_str(), name.as_str())),
        floats: if question.floats { Floats::Canonical } else { Floats::Forbid },
        linking: unfork_gas::Linking::Closed,
    };
    Some(match admit(&question.code, &V1, &LIMITS_V1, &profile) {
        Ok(prepared) => Answer::Admitted(prepared.into_code()),
        Err(Refusal { code, offset, limit, found, detail }) => {
            Answer::Refused(code.number(), offset, limit, found, detail)
        }
    })
}

fn value_types(bytes: &[u8]) -> Option<Vec<ValueType>> {
    let value_type = |byte: &u8| match byte {
        0x7f => Some(ValueType::I32),
        0x7e => Some(ValueType::I64),
        0x7d => Some(ValueType::F32),
        0x7c => Some(ValueType::F64),
        0x70 => Some(ValueType::FuncRef),
        _ => None,
    };
    bytes.iter().map(value_type).collect()
}
