//! How long instrumented code can get at most, counted on the original code.
//!
//! A limit on what this instrumenter really writes would make a shorter way of writing it a fork: code that was refused
//! before would be admitted. So the limits are on a bound that only the original decides (docs/gas.md §6). It is generous:
//! every index and constant counts with its longest encoding. An instrumenter must stay below it. Loading is priced by it,
//! too, so another table would be another protocol version.

use wasmparser::Operator;

/// Bytes that any module may grow by: the counter, exports, headers, a type and a function. Functions that grow a memory or a
/// table are among the bytes of the operators that call them.
pub(crate) const MODULE: u64 = 512;
/// Bytes for each type, besides one for each of its results: the type of a block.
pub(crate) const TYPE: u64 = 8;
/// Bytes for each mutable global: an export.
pub(crate) const GLOBAL: u64 = 32;
/// Bytes for each function body: locals, entry, exits.
pub(crate) const FUNCTION: u64 = 160;
/// Bytes for each operator that makes a NaN, under canonical floats.
pub(crate) const NAN: u64 = 32;

/// Bytes for an operator that is charged, checked or done otherwise; all others stay as they are.
pub(crate) fn operator(operator: &Operator<'_>) -> u64 {
    use Operator::*;
    match operator {
        Call { .. } | CallIndirect { .. } => 96,
        Loop { .. } => 64,
        Block { .. } => 8,
        If { .. } | Else => 24,
        BrIf { .. } | End => 48,
        Br { .. } => 4,
        BrTable { targets } => u64::from(targets.len()).saturating_mul(36).saturating_add(96),
        Return => 40,
        Unreachable => 24,
        MemoryGrow { .. } | TableGrow { .. } => 192,
        // Bulk work; `select` and stores grow by fewer bytes.
        MemoryInit { .. } | MemoryCopy { .. } | MemoryFill { .. } => 96,
        TableInit { .. } | TableCopy { .. } | TableFill { .. } => 96,
        _ => 4,
    }
}
