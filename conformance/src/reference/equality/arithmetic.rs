//! Pieces of code that compute one thing from chosen operands and store it: every numeric operator, load and store, on
//! the values at which they differ from what one might think.

use crate::generators::random::Random;
use wasm_encoder::Instruction::*;
use wasm_encoder::{Instruction, MemArg, ValType};

const I32: ValType = ValType::I32;
const I64: ValType = ValType::I64;
const F32: ValType = ValType::F32;
const F64: ValType = ValType::F64;

/// Operators by the types of their operands and result.
type Group = (&'static [ValType], ValType, &'static [Instruction<'static>]);

const GROUPS: &[Group] = &[
    (&[I32], I32, &[I32Eqz, I32Clz, I32Ctz, I32Popcnt, I32Extend8S, I32Extend16S]),
    (&[I64], I64, &[I64Clz, I64Ctz, I64Popcnt, I64Extend8S, I64Extend16S, I64Extend32S]),
    (&[I64], I32, &[I64Eqz, I32WrapI64]),
    (&[I32], I64, &[I64ExtendI32S, I64ExtendI32U]),
    (&[I32, I32], I32, &[I32Eq, I32Ne, I32LtS, I32LtU, I32GtS, I32GtU, I32LeS, I32LeU, I32GeS, I32GeU]),
    (&[I32, I32], I32, &[I32Add, I32Sub, I32Mul, I32And, I32Or, I32Xor]),
    (&[I32, I32], I32, &[I32Shl, I32ShrS, I32ShrU, I32Rotl, I32Rotr]),
    (&[I32, I32], I32, &[I32DivS, I32DivU, I32RemS, I32RemU]),
    (&[I64, I64], I32, &[I64Eq, I64Ne, I64LtS, I64LtU, I64GtS, I64GtU, I64LeS, I64LeU, I64GeS, I64GeU]),
    (&[I64, I64], I64, &[I64Add, I64Sub, I64Mul, I64And, I64Or, I64Xor]),
    (&[I64, I64], I64, &[I64Shl, I64ShrS, I64ShrU, I64Rotl, I64Rotr]),
    (&[I64, I64], I64, &[I64DivS, I64DivU, I64RemS, I64RemU]),
    (&[F32], F32, &[F32Abs, F32Neg, F32Ceil, F32Floor, F32Trunc, F32Nearest, F32Sqrt]),
    (&[F64], F64, &[F64Abs, F64Neg, F64Ceil, F64Floor, F64Trunc, F64Nearest, F64Sqrt]),
    (&[F32, F32], F32, &[F32Add, F32Sub, F32Mul, F32Div, F32Min, F32Max, F32Copysign]),
    (&[F64, F64], F64, &[F64Add, F64Sub, F64Mul, F64Div, F64Min, F64Max, F64Copysign]),
    (&[F32, F32], I32, &[F32Eq, F32Ne, F32Lt, F32Gt, F32Le, F32Ge]),
    (&[F64, F64], I32, &[F64Eq, F64Ne, F64Lt, F64Gt, F64Le, F64Ge]),
    (&[F32], I32, &[I32TruncF32S, I32TruncF32U, I32TruncSatF32S, I32TruncSatF32U, I32ReinterpretF32]),
    (&[F64], I32, &[I32TruncF64S, I32TruncF64U, I32TruncSatF64S, I32TruncSatF64U]),
    (&[F32], I64, &[I64TruncF32S, I64TruncF32U, I64TruncSatF32S, I64TruncSatF32U]),
    (&[F64], I64, &[I64TruncF64S, I64TruncF64U, I64TruncSatF64S, I64TruncSatF64U, I64ReinterpretF64]),
    (&[I32], F32, &[F32ConvertI32S, F32ConvertI32U, F32ReinterpretI32]),
    (&[I64], F32, &[F32ConvertI64S, F32ConvertI64U]),
    (&[I32], F64, &[F64ConvertI32S, F64ConvertI32U]),
    (&[I64], F64, &[F64ConvertI64S, F64ConvertI64U, F64ReinterpretI64]),
    (&[F64], F32, &[F32DemoteF64]),
    (&[F32], F64, &[F64PromoteF32]),
    (&[I32, I32, I32], I32, &[Select]),
    (&[F64, F64, I32], F64, &[Select]),
    (&[I64, I64, I32], I64, &[TypedSelect(I64)]),
];

type Access = fn(MemArg) -> Instruction<'static>;

const LOADS: &[(ValType, &[Access])] = &[
    (I32, &[I32Load, I32Load8S, I32Load8U, I32Load16S, I32Load16U]),
    (I64, &[I64Load, I64Load8S, I64Load8U, I64Load16S, I64Load16U, I64Load32S, I64Load32U]),
    (F32, &[F32Load]),
    (F64, &[F64Load]),
];

const STORES: &[(ValType, &[Access])] = &[
    (I32, &[I32Store, I32Store8, I32Store16]),
    (I64, &[I64Store, I64Store8, I64Store16, I64Store32]),
    (F32, &[F32Store]),
    (F64, &[F64Store]),
];

const WORDS: &[i64] =
    &[0, 1, -1, 2, 31, 32, 63, 64, 0x7f, 0x80, 0x7fff, 0x8000, 0x7fff_ffff, 0x8000_0000, i64::MAX, i64::MIN];

/// Bits of 64-bit floats: zeros, ones, halves, infinities, NaNs with a payload, ends of the integers, smallest and
/// largest.
const FLOATS: &[u64] = &[
    0,
    1 << 63,
    0x3ff0_0000_0000_0000,
    0xbff0_0000_0000_0000,
    0x3fe0_0000_0000_0000,
    0xbfe0_0000_0000_0000,
    0x4004_0000_0000_0000,
    0x7ff0_0000_0000_0000,
    0xfff0_0000_0000_0000,
    0x7ff8_0000_0000_0000,
    0xfff8_0000_0000_0000,
    0x7ff4_0000_0000_0001,
    0xfff4_0000_0000_0001,
    0x41df_ffff_ffc0_0000,
    0x41e0_0000_0000_0000,
    0xc1e0_0000_0000_0000,
    0xc1e0_0000_0020_0000,
    0x41f0_0000_0000_0000,
    0x43e0_0000_0000_0000,
    0xc3e0_0000_0000_0000,
    0x43f0_0000_0000_0000,
    0x0000_0000_0000_0001,
    0x7fef_ffff_ffff_ffff,
    0x3690_0000_0000_0000,
    0x47ef_ffff_f000_0000,
];

/// Likewise of 32-bit floats.
const SINGLES: &[u32] = &[
    0,
    1 << 31,
    0x3f80_0000,
    0xbf80_0000,
    0x3f00_0000,
    0xbf00_0000,
    0x4020_0000,
    0x7f80_0000,
    0xff80_0000,
    0x7fc0_0000,
    0xffc0_0000,
    0x7fa0_0001,
    0xffa0_0001,
    0x4eff_ffff,
    0x4f00_0000,
    0xcf00_0000,
    0x4f80_0000,
    0x5f00_0000,
    0xdf00_0000,
    0x5f80_0000,
    0x0000_0001,
    0x7f7f_ffff,
];

/// Addresses that inserted code stores at are below this.
const ADDRESSES: u64 = 256;

fn choose<'a, T>(random: &mut Random, list: &'a [T]) -> &'a T {
    &list[usize::try_from(random.next_number() % list.len() as u64).expect("within a list")]
}

/// Locals that inserted code may use, [`SCRATCH_EACH`] of each type in the order of [`SCRATCH`], from this index.
pub(super) const SCRATCH: [ValType; 4] = [I32, I64, F32, F64];
pub(super) const SCRATCH_EACH: u32 = 2;

/// Code that computes something and keeps it in memory or in a local.
pub(super) fn compute(random: &mut Random, scratch: u32, out: &mut Vec<Instruction<'static>>) {
    let (result, operators) = if random.next_number().is_multiple_of(6) {
        let (result, accesses) = choose(random, LOADS);
        let access = choose(random, accesses);
        let mut load = Vec::new();
        address(random, &mut load);
        load.push(access(place(random)));
        (*result, load)
    } else {
        let (operands, result, operators) = choose(random, GROUPS);
        let mut code = Vec::new();
        operands.iter().for_each(|of_type| operand(*of_type, random, scratch, &mut code));
        code.push(choose(random, operators).clone());
        (*result, code)
    };
    let local = local(result, random, scratch);
    match random.next_number() % 4 {
        0 => out.extend(operators.into_iter().chain([LocalSet(local)])),
        1 => out.extend(operators.into_iter().chain([LocalTee(local), Drop])),
        _ => {
            match random.next_number() % 8 {
                0 => operand(I32, random, scratch, out),
                1 => out.push(LocalGet(scratch)),
                _ => address(random, out),
            }
            out.extend(operators);
            if random.next_number().is_multiple_of(4) {
                out.push(LocalTee(local));
            }
            store(result, random, out);
        }
    }
}

/// A store whose address and value come from the same local, just computed.
pub(super) fn store_itself(random: &mut Random, scratch: u32, out: &mut Vec<Instruction<'static>>) {
    out.extend([LocalGet(scratch + 1), I32Const(0xff), I32And, LocalTee(scratch), LocalGet(scratch)]);
    let store = choose(random, STORES[0].1);
    let offset = *choose(random, &[3, 0xffff, 0x1_0000, 0x1_0001]);
    out.push(store(MemArg { offset, ..place(random) }));
}

fn store(of_type: ValType, random: &mut Random, out: &mut Vec<Instruction<'static>>) {
    let (_, stores) = STORES.iter().find(|(other, _)| *other == of_type).expect("a store of each type");
    let store = choose(random, stores);
    out.push(store(place(random)));
}

fn local(of_type: ValType, random: &mut Random, scratch: u32) -> u32 {
    let group = SCRATCH.iter().zip(0..).find(|(other, _)| **other == of_type).expect("locals of each type").1;
    scratch + group * SCRATCH_EACH + u32::from(random.next_number().is_multiple_of(2))
}

/// A constant, a local, or both.
fn operand(of_type: ValType, random: &mut Random, scratch: u32, out: &mut Vec<Instruction<'static>>) {
    let local = local(of_type, random, scratch);
    match random.next_number() % 6 {
        0 | 1 => out.push(LocalGet(local)),
        2 => out.extend([constant(of_type, random), LocalTee(local)]),
        _ => out.push(constant(of_type, random)),
    }
}

/// Mostly inside any memory, seldom far outside.
fn address(random: &mut Random, out: &mut Vec<Instruction<'static>>) {
    let number = random.next_number();
    let address = if number.is_multiple_of(40) { -1 } else { i32::try_from(number % ADDRESSES).expect("small") };
    out.push(I32Const(address));
}

/// Mostly a small offset, seldom one at which its encoding changes.
fn place(random: &mut Random) -> MemArg {
    let offset = match random.next_number() % 64 {
        0 => u64::from(u32::MAX),
        1 => 0xffff,
        2 | 3 => 0x1_0000,
        _ => random.next_number() % 16,
    };
    MemArg { offset, align: 0, target: wasm_encoder::MemArgTarget::Memory(0), ordering: None }
}

#[allow(clippy::cast_possible_truncation, reason = "half of the bits are as good")]
fn constant(of_type: ValType, random: &mut Random) -> Instruction<'static> {
    let word = if random.next_number().is_multiple_of(4) {
        random.next_number().cast_signed()
    } else {
        *choose(random, WORDS)
    };
    let any = random.next_number().is_multiple_of(4);
    match of_type {
        ValType::I32 => I32Const(word as i32),
        ValType::I64 => I64Const(word),
        ValType::F32 if any => F32Const(f32_of(random.next_number() as u32)),
        ValType::F32 => F32Const(f32_of(*choose(random, SINGLES))),
        ValType::F64 if any => F64Const(f64_of(random.next_number())),
        _ => F64Const(f64_of(*choose(random, FLOATS))),
    }
}

fn f32_of(bits: u32) -> wasm_encoder::Ieee32 {
    wasm_encoder::Ieee32::new(bits)
}

fn f64_of(bits: u64) -> wasm_encoder::Ieee64 {
    wasm_encoder::Ieee64::new(bits)
}
