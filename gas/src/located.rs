//! Prepared code that also notes which functions are running, for people who want to know where a trap happened.
//!
//! Each function that is entered shifts its number into a register of [`PLACES_MAX`] places, the innermost first, made of
//! globals appended to the module; after each call it sets the register back to what it was. A call of an import notes the
//! import while it runs. Gas, stack and everything a contract can see are as in the code this was made of: the added
//! operators charge nothing and touch nothing else. It is slower, so it runs only where somebody watches.

use alloc::format;
use alloc::vec::Vec;

use wasmparser::{BinaryReader, FunctionBody, Operator, OperatorsReader, Parser, Payload, Result, TypeRef};

use crate::encode;
use crate::function::slice;
use crate::module::HEADER;
use crate::prepared::Prepared;
use crate::{EXPORT_PLACES, PLACES_MAX};

/// Globals of the register: `i64`s of four numbers each.
const REGISTERS: usize = 4;
/// Bits of a number: the function's index and 1, so that 0 is none.
const PLACE_BITS: u8 = 16;
const _: () = assert!(PLACES_MAX == 4 * REGISTERS, "four numbers of 16 bits in each");

const LOCAL_GET: u8 = 0x20;
const LOCAL_TEE: u8 = 0x22;
const GLOBAL_GET: u8 = 0x23;
const GLOBAL_SET: u8 = 0x24;
const I64_CONST: u8 = 0x42;
const I64_OR: u8 = 0x84;
const I64_SHL: u8 = 0x86;
const I64_SHR_U: u8 = 0x88;
const TYPE_I64: u8 = 0x7e;
const KIND_GLOBAL: u8 = 3;

impl Prepared {
    /// The same code, noting which functions are running: gas, stack and results are the same (`located.rs` in `tests`).
    /// `None` where that cannot be, because the code is not what preparing gives.
    #[must_use]
    pub fn located(&self) -> Option<Self> {
        let code = Rewrite { functions: self.functions(), ..Rewrite::default() }.run(&self.code).ok()?;
        let mut facts = self.facts.clone();
        facts.located = true;
        Some(Self { code, facts })
    }
}

/// The indices of the functions that were running, the innermost first, from the values of the globals that located code
/// exports. An index above 65,533 reads as 65,534.
#[must_use]
pub fn places(register: &[i64]) -> Vec<u32> {
    let number = |global: &i64, shift: u32| u32::from(u16::try_from((global >> shift) & 0xffff).unwrap_or(0));
    let numbers = register.iter().flat_map(|global| [0, 16, 32, 48].map(|shift| number(global, shift)));
    numbers.map_while(|number| number.checked_sub(1)).collect()
}

/// What the walk over the prepared module has learned.
#[derive(Default)]
struct Rewrite {
    out: Vec<u8>,
    /// Parameters of each type, and the type of each defined function.
    params: Vec<u32>,
    types: Vec<u32>,
    imported: u32,
    /// Functions of the contract, imported ones included. What preparing has added behind them is none of its places.
    functions: u32,
    /// Index of the register's first global.
    first_global: u32,
    /// Bodies seen, and the code section's content so far.
    bodies: u32,
    code: Vec<u8>,
}

impl Rewrite {
    fn run(mut self, module: &[u8]) -> Result<Vec<u8>> {
        self.out.extend_from_slice(HEADER);
        let mut bodies_left = 0;
        for payload in Parser::new(0).parse_all(module) {
            let payload = payload?;
            match &payload {
                Payload::CodeSectionStart { count, .. } => {
                    bodies_left = *count;
                    encode::unsigned(&mut self.code, u64::from(*count));
                }
                Payload::CodeSectionEntry(body) => {
                    self.body(module, body)?;
                    bodies_left = bodies_left.saturating_sub(1);
                    if bodies_left == 0 {
                        let code = core::mem::take(&mut self.code);
                        encode::section(&mut self.out, 10, &code);
                    }
                }
                other => self.section(module, other)?,
            }
        }
        Ok(self.out)
    }

    fn section(&mut self, module: &[u8], payload: &Payload<'_>) -> Result<()> {
        let Some((id, range)) = payload.as_section() else { return Ok(()) };
        let content = slice(module, range.start, range.end);
        match payload {
            Payload::TypeSection(types) => {
                for function in types.clone().into_iter_err_on_gc_types() {
                    self.params.push(u32::try_from(function?.params().len()).unwrap_or(u32::MAX));
                }
            }
            Payload::ImportSection(imports) => {
                for import in imports.clone().into_imports() {
                    self.imported = self.imported.saturating_add(u32::from(matches!(import?.ty, TypeRef::Func(_))));
                }
            }
            Payload::FunctionSection(functions) => {
                for index in functions.clone() {
                    self.types.push(index?);
                }
            }
            Payload::GlobalSection(globals) => {
                self.first_global = globals.count();
                let mut added = Vec::new();
                for _ in 0..REGISTERS {
                    added.extend_from_slice(&[TYPE_I64, 1, I64_CONST, 0, 0x0b]);
                }
                return self.longer(id, content, &added);
            }
            Payload::ExportSection(_) => {
                let mut added = Vec::new();
                for (place, index) in (self.first_global..).take(REGISTERS).enumerate() {
                    encode::name(&mut added, &format!("{EXPORT_PLACES}{place}"));
                    added.push(KIND_GLOBAL);
                    encode::unsigned(&mut added, u64::from(index));
                }
                return self.longer(id, content, &added);
            }
            _ => {}
        }
        encode::section(&mut self.out, id, content);
        Ok(())
    }

    /// A section with one entry for each register more than it had.
    fn longer(&mut self, id: u8, content: &[u8], added: &[u8]) -> Result<()> {
        let mut reader = BinaryReader::new(content, 0);
        let count = u64::from(reader.read_var_u32()?);
        let mut longer = Vec::new();
        encode::unsigned(&mut longer, count.saturating_add(encode::length(REGISTERS)));
        longer.extend_from_slice(slice(content, reader.original_position(), encode::length(content.len())));
        longer.extend_from_slice(added);
        encode::section(&mut self.out, id, &longer);
        Ok(())
    }

    fn body(&mut self, module: &[u8], body: &FunctionBody<'_>) -> Result<()> {
        let place = usize::try_from(self.bodies).unwrap_or(usize::MAX);
        let function_type = self.types.get(place).and_then(|index| usize::try_from(*index).ok());
        let mut locals = function_type.and_then(|index| self.params.get(index)).copied().unwrap_or(0);
        let index = self.imported.saturating_add(self.bodies);
        self.bodies = self.bodies.saturating_add(1);
        if index >= self.functions {
            encode::unsigned(&mut self.code, encode::length(body.as_bytes().len()));
            self.code.extend_from_slice(body.as_bytes());
            return Ok(());
        }
        let mut groups = body.get_locals_reader()?;
        let (group_count, groups_from) = (groups.get_count(), groups.original_position());
        for _ in 0..group_count {
            locals = locals.saturating_add(groups.read()?.0);
        }
        let mut reader = OperatorsReader::new(groups.get_binary_reader());
        let mut copied = reader.original_position();

        let register = Register { local: locals, global: self.first_global };
        let mut out = Vec::with_capacity(body.as_bytes().len().saturating_mul(2));
        encode::unsigned(&mut out, u64::from(group_count.saturating_add(1)));
        out.extend_from_slice(slice(module, groups_from, copied));
        encode::unsigned(&mut out, encode::length(REGISTERS));
        out.push(TYPE_I64);
        register.enter(&mut out, index);
        while !reader.eof() {
            let (operator, at) = reader.read_with_offset()?;
            let next = reader.original_position();
            let imported = match operator {
                Operator::Call { function_index } => Some(function_index).filter(|index| *index < self.imported),
                Operator::CallIndirect { .. } => None,
                _ => continue,
            };
            out.extend_from_slice(slice(module, copied, at));
            if let Some(import) = imported {
                register.call(&mut out, import);
            }
            out.extend_from_slice(slice(module, at, next));
            register.set_back(&mut out);
            copied = next;
        }
        out.extend_from_slice(slice(module, copied, body.range().end));
        encode::unsigned(&mut self.code, encode::length(out.len()));
        self.code.append(&mut out);
        Ok(())
    }
}

/// The register in one function: the globals, and its own value of them in locals.
struct Register {
    local: u32,
    global: u32,
}

impl Register {
    fn parts() -> impl DoubleEndedIterator<Item = u32> + Clone {
        (0u32..).take(REGISTERS).collect::<Vec<_>>().into_iter()
    }

    /// Shifts the function in, and keeps the register's value.
    fn enter(&self, out: &mut Vec<u8>, index: u32) {
        for part in Self::parts().rev() {
            self.shifted(out, GLOBAL_GET, self.global, part, index);
            instruction(out, LOCAL_TEE, self.local.saturating_add(part));
            instruction(out, GLOBAL_SET, self.global.saturating_add(part));
        }
    }

    /// Notes that an import is called from here.
    fn call(&self, out: &mut Vec<u8>, index: u32) {
        for part in Self::parts() {
            self.shifted(out, LOCAL_GET, self.local, part, index);
            instruction(out, GLOBAL_SET, self.global.saturating_add(part));
        }
    }

    fn set_back(&self, out: &mut Vec<u8>) {
        for part in Self::parts() {
            instruction(out, LOCAL_GET, self.local.saturating_add(part));
            instruction(out, GLOBAL_SET, self.global.saturating_add(part));
        }
    }

    /// One global's value once `index` is shifted in before what `get` reads from `first` on.
    fn shifted(&self, out: &mut Vec<u8>, get: u8, first: u32, part: u32, index: u32) {
        instruction(out, get, first.saturating_add(part));
        out.extend_from_slice(&[I64_CONST, PLACE_BITS, I64_SHL]);
        match part.checked_sub(1) {
            Some(before) => {
                instruction(out, get, first.saturating_add(before));
                // 48, as a signed number of seven bits and more.
                out.extend_from_slice(&[I64_CONST, 0x30, I64_SHR_U]);
            }
            None => {
                let number = u16::try_from(index.saturating_add(1)).unwrap_or(u16::MAX);
                out.push(I64_CONST);
                encode::signed(out, i64::from(number));
            }
        }
        out.push(I64_OR);
    }
}

fn instruction(out: &mut Vec<u8>, operator: u8, index: u32) {
    out.push(operator);
    encode::unsigned(out, u64::from(index));
}
