//! The operators and types that the instrumenter writes.

use alloc::vec::Vec;

use crate::encode;

pub(super) const UNREACHABLE: u8 = 0x00;
pub(super) const BLOCK: u8 = 0x02;
pub(super) const IF: u8 = 0x04;
pub(super) const ELSE: u8 = 0x05;
pub(super) const END: u8 = 0x0b;
pub(super) const DROP: u8 = 0x1a;
pub(super) const BR: u8 = 0x0c;
pub(super) const BR_IF: u8 = 0x0d;
pub(super) const BR_TABLE: u8 = 0x0e;
pub(super) const RETURN: u8 = 0x0f;
pub(super) const CALL: u8 = 0x10;
pub(super) const SELECT: u8 = 0x1b;
pub(super) const LOCAL_GET: u8 = 0x20;
pub(super) const LOCAL_SET: u8 = 0x21;
pub(super) const LOCAL_TEE: u8 = 0x22;
pub(super) const GLOBAL_GET: u8 = 0x23;
pub(super) const GLOBAL_SET: u8 = 0x24;
pub(super) const MEMORY_SIZE: u8 = 0x3f;
pub(super) const MEMORY_GROW: u8 = 0x40;
pub(super) const I32_CONST: u8 = 0x41;
pub(super) const I64_CONST: u8 = 0x42;
pub(super) const F32_CONST: u8 = 0x43;
pub(super) const F64_CONST: u8 = 0x44;
pub(super) const I32_EQZ: u8 = 0x45;
pub(super) const I32_GT_U: u8 = 0x4b;
pub(super) const I64_NE: u8 = 0x52;
pub(super) const I64_LT_S: u8 = 0x53;
pub(super) const F32_EQ: u8 = 0x5b;
pub(super) const F32_NE: u8 = 0x5c;
pub(super) const F64_EQ: u8 = 0x61;
pub(super) const F64_NE: u8 = 0x62;
pub(super) const I32_POPCNT: u8 = 0x69;
pub(super) const I32_SUB: u8 = 0x6b;
pub(super) const I64_ADD: u8 = 0x7c;
pub(super) const I64_SUB: u8 = 0x7d;
pub(super) const I64_MUL: u8 = 0x7e;
pub(super) const I64_AND: u8 = 0x83;
pub(super) const I64_SHR_S: u8 = 0x87;
pub(super) const I64_EXTEND_I32_U: u8 = 0xad;
pub(super) const PREFIXED: u8 = 0xfc;
pub(super) const PREFIXED_TABLE_GROW: u8 = 0x0f;
pub(super) const PREFIXED_TABLE_SIZE: u8 = 0x10;

pub(super) const TYPE_EMPTY: u8 = 0x40;
pub(super) const TYPE_I32: u8 = 0x7f;
pub(super) const TYPE_FUNCREF: u8 = 0x70;
pub(super) const TYPE_I64: u8 = 0x7e;
pub(super) const TYPE_F32: u8 = 0x7d;
pub(super) const TYPE_F64: u8 = 0x7c;

/// An operator with an index behind it.
pub(super) fn indexed(out: &mut Vec<u8>, opcode: u8, index: u32) {
    out.push(opcode);
    encode::unsigned(out, u64::from(index));
}

/// `i64.const`.
pub(super) fn constant(out: &mut Vec<u8>, value: i64) {
    out.push(I64_CONST);
    encode::signed(out, value);
}

/// `i32.const`.
pub(super) fn narrow_constant(out: &mut Vec<u8>, value: i32) {
    out.push(I32_CONST);
    encode::signed(out, i64::from(value));
}

/// Subtracts so much for each unit of the local `units`, an i32.
pub(super) fn less_units(out: &mut Vec<u8>, units: u32, each: i64) {
    indexed(out, LOCAL_GET, units);
    out.push(I64_EXTEND_I32_U);
    constant(out, each);
    out.extend_from_slice(&[I64_MUL, I64_SUB]);
}
